#include "tests/vnet/pcap.hpp"

#include <cerrno>
#include <system_error>

#include "shared/base/cursor.hpp"

namespace pinhole::vnet {
namespace {

/// Readers learn the byte order from it; ours is the network's.
constexpr std::uint32_t kMagicOfMicroseconds = 0xa1b2c3d4;
constexpr std::uint32_t kIpPacketMax = 65'535;
constexpr std::size_t kFileHeader = 24, kRecordHeader = 16;

}  // namespace

PcapFile::PcapFile(const std::filesystem::path& path, std::size_t bytes_max)
    : file_(path, std::ios::binary | std::ios::trunc), bytes_left_(bytes_max) {
    if (!file_) throw std::system_error(errno, std::generic_category(), path);
    FixedBytes<kFileHeader> header{};
    Writer writer{header};
    writer.u32(kMagicOfMicroseconds).u16(2).u16(4);
    writer.u32(0).u32(0).u32(kIpPacketMax).u32(kPcapRawIp);
    write(header);
}

void PcapFile::add(Duration since_epoch, Bytes packet) {
    if (kRecordHeader + packet.size() > bytes_left_) {
        bytes_left_ = 0;  // a later, smaller one would leave a gap
        return;
    }
    constexpr std::int64_t kSecond = 1'000'000;
    const auto size = static_cast<std::uint32_t>(packet.size());
    FixedBytes<kRecordHeader> header{};
    Writer writer{header};
    writer.u32(static_cast<std::uint32_t>(since_epoch.count() / kSecond));
    writer.u32(static_cast<std::uint32_t>(since_epoch.count() % kSecond)).u32(size).u32(size);
    write(header);
    write(packet);
}

void PcapFile::write(Bytes bytes) {
    file_.write(reinterpret_cast<const char*>(bytes.data()),
                static_cast<std::streamsize>(bytes.size()));
    bytes_left_ -= std::min(bytes_left_, bytes.size());
}

}  // namespace pinhole::vnet
