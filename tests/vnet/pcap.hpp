// A file of packets as tcpdump and Wireshark read them: pcap 2.4, raw IP, microseconds.
//
// Knows nothing of networks; `capture.hpp` decides what goes in. A file that has grown to its bound
// takes no more.
#pragma once

#include <filesystem>
#include <fstream>

#include "shared/base/bytes.hpp"
#include "shared/base/time.hpp"

namespace pinhole::vnet {

/// LINKTYPE_RAW: an IPv4 or IPv6 header comes first.
inline constexpr std::uint32_t kPcapRawIp = 101;
/// So that a forgotten capture does not fill the disk.
inline constexpr std::size_t kPcapFileBytesMax = std::size_t{256} << 20U;

class PcapFile {
  public:
    /// Makes the file, or empties it. Throws `std::system_error`.
    explicit PcapFile(const std::filesystem::path& path, std::size_t bytes_max = kPcapFileBytesMax);

    /// `since_epoch` is the time of the packet on the wall clock.
    void add(Duration since_epoch, Bytes packet);
    /// What was added can be read now.
    void flush() { file_.flush(); }

  private:
    void write(Bytes bytes);

    std::ofstream file_;
    std::size_t bytes_left_;
};

}  // namespace pinhole::vnet
