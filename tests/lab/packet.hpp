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
    /// Of `kTooBig`: the largest packet that would have passed.
    std::size_t mtu = 0;
    /// Of the packet that it is about: how long its payload was and how it began, where TCP has the
    /// sequence number that a sender wants to see.
    std::size_t payload_size = 0;
    FixedBytes<4> payload_start{};
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

    /// IPv4 without DF: a router may cut it up.
    bool may_fragment = false;
    /// Not 0: it travels in fragments of at most so many bytes each; what happens to one happens to
    /// all, as if the routers put it together first.
    std::size_t fragment_size = 0;
    /// Of the fragments only the first is left, so no machine can make anything of it.
    bool has_lost_tail = false;

    /// Bytes on the wire, whole, with all headers.
    [[nodiscard]] std::size_t wire_size() const {
        const std::size_t ip_header = destination.ip.is_v6() ? 40 : 20;
        if (icmp) return 2 * (ip_header + 8);
        return ip_header + (transport == Transport::kUdp ? 8 : 4) + payload.size();
    }
    /// What must fit into a link at once.
    [[nodiscard]] std::size_t largest_piece() const {
        return fragment_size != 0 ? fragment_size : wire_size();
    }
};

/// The ICMP error that `about` causes, `mtu` in one that says "too big". The reporter fills in its
/// address as the source.
[[nodiscard]] Packet icmp_error(IcmpError::Kind kind, const Packet& about, std::size_t mtu = 0);

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

/// The block of this address alone.
[[nodiscard]] inline Prefix single(const IpAddress& address) {
    return {address, address.is_v4() ? 32U : 128U};
}

/// Test constants from text; a text that does not parse is a mistake in the test and throws
/// std::invalid_argument.
[[nodiscard]] IpAddress ip(std::string_view text);
[[nodiscard]] Endpoint endpoint(std::string_view text);
[[nodiscard]] Prefix prefix(std::string_view text);  ///< "192.168.1.0/24"

}  // namespace pinhole::lab
