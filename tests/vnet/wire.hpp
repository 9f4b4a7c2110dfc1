// An interface of a real machine (a network namespace) whose other end is a descriptor of ours.
//
// Either a TUN device, made inside the namespace and gone with the descriptor, or, where those
// cannot be had (containers, ordinary users), a veth pair whose outer end a packet socket reads;
// that one goes with the namespace. IP packets without frames in both cases.
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

#include "shared/base/bytes.hpp"
#include "shared/net/unique_fd.hpp"
#include "tests/lab/packet.hpp"

namespace pinhole::vnet {

/// What a wire is made of.
enum class WireKind : std::uint8_t { kTun, kVeth };

/// The machine or the container does not let us make such a wire.
class WireRefused : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

/// What the interface is to look like from inside.
struct WirePlan {
    /// As `ip netns` knows it.
    std::string netns;
    std::string name;
    /// A name that is free in our own namespace, for the outer end of a veth pair.
    std::string outer_name;
    std::vector<lab::Prefix> addresses;
    /// A default route through each. Unspecified: through the interface itself.
    std::vector<IpAddress> gateways;
    /// Of the interface; 0: 1500.
    std::size_t mtu = 0;
    /// Of the default routes: the smallest wins.
    unsigned metric = 0;
};

class Wire {
  public:
    /// Makes the interface with its addresses and routes, up. Throws `WireRefused`, or
    /// `std::system_error` or `std::runtime_error` if something else fails.
    Wire(WireKind kind, const WirePlan& plan);

    /// Readable when the machine has sent something.
    [[nodiscard]] int descriptor() const { return fd_.get(); }
    /// The next packet, read into `storage`; empty if there is none.
    [[nodiscard]] Bytes read(MutableBytes storage) const;
    /// Hands a packet to the machine. One it cannot take (queue full, interface down) is lost.
    void write(Bytes packet) const;

  private:
    net::UniqueFd fd_;
    unsigned outer_index_ = 0;  ///< of a veth pair; 0: TUN
};

/// TUN if it can be opened here, else veth.
[[nodiscard]] WireKind usable_kind();

}  // namespace pinhole::vnet
