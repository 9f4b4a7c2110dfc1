// What passes each interface of a network, one pcap file each: "alice.pcap" and "alice.1.pcap" at a
// machine's eth0 and eth1, "home.pcap" at the outer side of a NAT (its inner side is what its
// clients have).
//
// A machine's file has the very bytes that its kernel sent and got, refused ones included. A NAT's
// has what it sends up before the link loses any, and what comes down to it.
#pragma once

#include <deque>

#include "tests/lab/nat_box.hpp"
#include "tests/vnet/interface.hpp"
#include "tests/vnet/pcap.hpp"

namespace pinhole::vnet {

class Capture {
  public:
    /// Makes the folder if need be. `zero` is what a time of 0 is on the wall clock. Throws
    /// `std::system_error`.
    Capture(std::filesystem::path folder, Duration zero);
    /// Whatever it was added to must be alive. The files are complete after that.
    ~Capture();
    Capture(const Capture&) = delete;
    Capture& operator=(const Capture&) = delete;

    void add(Interface& interface);
    void add(lab::NatBox& nat);
    /// What was captured can be read now.
    void flush();

  private:
    [[nodiscard]] PcapFile& file_named(const std::string& name);

    std::filesystem::path folder_;
    Duration zero_;
    std::uint32_t last_fragment_id_ = 0;
    std::deque<PcapFile> files_;
    std::vector<Interface*> interfaces_;
    std::vector<lab::NatBox*> nats_;
};

}  // namespace pinhole::vnet
