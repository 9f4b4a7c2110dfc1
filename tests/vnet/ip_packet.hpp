// Between the bytes that a real kernel puts on a wire and the packets of the virtual internet.
//
// A packet is taken apart when a host sends it and put together anew, checksums included, when a
// host receives it; what lies between only sees addresses, ports and payload. IPv4 and IPv6; UDP,
// TCP, echo and ICMP errors. IP options, ECN and what TCP's checksum would say about damage on the
// way do not survive the journey. Fragments are for `fragments.hpp`.
#pragma once

#include "shared/base/result.hpp"
#include "tests/lab/packet.hpp"

namespace pinhole::vnet {

/// Why a packet of a host does not travel.
enum class Refusal : std::uint8_t {
    kMalformed,    ///< a length does not fit, or no IP at all
    kFragment,     ///< not a whole packet
    kUnsupported,  ///< a protocol or ICMP type that nobody here needs
    kLinkOnly,     ///< multicast, broadcast or link-local: the link ends in us
    kCount
};

[[nodiscard]] std::string_view name_of(Refusal refusal);

/// Takes apart an IP packet that starts at the first byte of `raw`; bytes after its end are ignored
/// (links pad). Any input is fine.
[[nodiscard]] Result<lab::Packet, Refusal> parse_ip(Bytes raw);

/// The same packet as bytes for a kernel, whole, with the TTL it has left and right checksums. Of
/// a packet in an ICMP error the header and the first 8 bytes are quoted, with lengths as they were
/// and a UDP checksum of 0.
[[nodiscard]] ByteVector write_ip(const lab::Packet& packet);

/// RFC 1071 over `bytes`, folded and complemented; `start` is an uncomplemented sum to go on from.
[[nodiscard]] std::uint16_t internet_checksum(Bytes bytes, std::uint32_t start = 0);

}  // namespace pinhole::vnet
