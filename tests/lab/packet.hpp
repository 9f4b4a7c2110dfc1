// What travels on the wires of the virtual internet: a UDP datagram, or an ICMP error that quotes
// one. Where real machines hang on it (`tests/vnet`), also what else they say.
#pragma once

#include "shared/base/endpoint.hpp"
#include "shared/base/io.hpp"
#include "shared/base/time.hpp"

namespace pinhole::lab {

inline constexpr std::uint8_t kDefaultTtl = 64;

/// The endpoints of the datagram that an ICMP error is about, as the reporting router saw them.
struct IcmpQuote {
    IcmpError::Kind kind = IcmpError::Kind::kOther;
    Endpoint source;
    Endpoint destination;
};

/// NATs keep one table for UDP, as their profile says, and a plain one for all the rest.
enum class Transport : std::uint8_t {
    kUdp,
    kTcp,   ///< the payload is the segment after its ports
    kEcho,  ///< ICMP echo; the identifier is the port of whoever asks, the other port is 0
};

struct Packet {
    Endpoint source;
    Endpoint destination;
    std::uint8_t ttl = kDefaultTtl;
    /// UDP payload; empty in an ICMP error.
    ByteVector payload;
    /// Set: this is an ICMP error, ports of `source` and `destination` mean nothing.
    std::optional<IcmpQuote> icmp{};
    /// What this is, or what the ICMP error is about.
    Transport transport = Transport::kUdp;

    /// Bytes on the wire with IP (20 or 40) and UDP (8) headers.
    [[nodiscard]] std::size_t wire_size() const {
        return payload.size() + (destination.ip.is_v6() ? 48U : 28U);
    }
};

/// The ICMP error that `about` causes. The reporter fills in its address as the source.
[[nodiscard]] inline Packet icmp_error(IcmpError::Kind kind, const Packet& about) {
    return {.source = {IpAddress::any(about.source.ip.family()), 0},
            .destination = {about.source.ip, 0},
            .payload = {},
            .icmp = IcmpQuote{kind, about.source, about.destination},
            .transport = about.transport};
}

/// Which cable of a node a packet came in by.
using CableId = std::size_t;

/// Anything a link can end at. Lives as long as the links that lead to it.
class Node {
  public:
    Node() = default;
    Node(const Node&) = delete;
    Node& operator=(const Node&) = delete;
    virtual ~Node() = default;

    /// A packet came in by one of this node's cables.
    virtual void receive(Instant now, CableId cable, Packet packet) = 0;
};

/// An address block, such as a LAN's subnet.
struct Prefix {
    IpAddress ip;
    unsigned length = 0;

    [[nodiscard]] bool contains(const IpAddress& other) const {
        return other.family() == ip.family() && other.prefix(length) == ip.prefix(length);
    }
};

/// Test constants from text; a text that does not parse is a mistake in the test and throws
/// std::invalid_argument.
[[nodiscard]] IpAddress ip(std::string_view text);
[[nodiscard]] Endpoint endpoint(std::string_view text);
[[nodiscard]] Prefix prefix(std::string_view text);  ///< "192.168.1.0/24"

}  // namespace pinhole::lab
