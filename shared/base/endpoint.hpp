// Addresses: `IpAddress`, `Endpoint` (RFC 8445 calls it a transport address) and `Path`.
//
// An IPv4-mapped IPv6 address is normalised to IPv4 when an `IpAddress` is made, so no later check
// can be walked around by writing an address in its other form (CVE-2026-27624 in coturn was that).
#pragma once

#include <compare>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "shared/base/bytes.hpp"
#include "shared/base/tagged.hpp"

namespace pinhole {

enum class Family : std::uint8_t { kV4 = 4, kV6 = 6 };

/// What an address may be used for, from the IANA special-purpose registries.
enum class Scope : std::uint8_t {
    kUnusable,   ///< unspecified, multicast, broadcast, 0/8, 240/4, or otherwise never a peer's
    kLoopback,   ///< 127/8, ::1
    kLinkLocal,  ///< 169.254/16, fe80::/10
    kPrivate,    ///< RFC 1918, 100.64/10 (carrier NAT), fc00::/7
    kPublic,     ///< everything else
};

class IpAddress {
  public:
    /// The unspecified IPv4 address, 0.0.0.0.
    constexpr IpAddress() = default;

    [[nodiscard]] static IpAddress v4(std::uint32_t host_order);
    /// `raw` in network order; an IPv4-mapped address becomes an IPv4 one.
    [[nodiscard]] static IpAddress v6(const FixedBytes<16>& raw);
    /// Reads "192.0.2.1" or "2001:db8::1" (no port, no brackets, no zone).
    [[nodiscard]] static std::optional<IpAddress> parse(std::string_view text);
    /// 0.0.0.0 or ::, what a socket binds to for "every local address".
    [[nodiscard]] static IpAddress any(Family family);

    [[nodiscard]] Family family() const { return family_; }
    [[nodiscard]] bool is_v4() const { return family_ == Family::kV4; }
    [[nodiscard]] bool is_v6() const { return family_ == Family::kV6; }
    [[nodiscard]] bool is_unspecified() const;
    [[nodiscard]] Scope scope() const;

    /// The 32 bits of an IPv4 address. Must be one.
    [[nodiscard]] std::uint32_t v4_bits() const;
    /// 16 bytes in network order; an IPv4 address stands in its mapped form.
    [[nodiscard]] const FixedBytes<16>& v6_bytes() const { return bytes_; }

    /// The address with all but its first `length` bits zero: budgets count a /32 or a /64.
    [[nodiscard]] IpAddress prefix(unsigned length) const;

    [[nodiscard]] std::string to_string() const;

    friend auto operator<=>(const IpAddress&, const IpAddress&) = default;

  private:
    Family family_ = Family::kV4;
    FixedBytes<16> bytes_{std::byte{0}, std::byte{0}, std::byte{0},    std::byte{0},
                          std::byte{0}, std::byte{0}, std::byte{0},    std::byte{0},
                          std::byte{0}, std::byte{0}, std::byte{0xff}, std::byte{0xff}};
};

/// The prefix that one subscriber holds, for per-source budgets: /32 of IPv4, /64 of IPv6.
[[nodiscard]] IpAddress subscriber_prefix(const IpAddress& address);

/// An IP address and a UDP port. Port 0 means "none" or, when binding, "any".
struct Endpoint {
    IpAddress ip;
    std::uint16_t port = 0;

    /// Reads "192.0.2.1:80" or "[2001:db8::1]:80".
    [[nodiscard]] static std::optional<Endpoint> parse(std::string_view text);
    [[nodiscard]] std::string to_string() const;

    friend auto operator<=>(const Endpoint&, const Endpoint&) = default;
};

/// One way to reach somebody: a local socket and the remote endpoint as seen on the wire.
struct Path {
    SocketId socket;
    Endpoint remote;

    friend auto operator<=>(const Path&, const Path&) = default;
};

}  // namespace pinhole

template <>
struct std::hash<pinhole::IpAddress> {
    std::size_t operator()(const pinhole::IpAddress& ip) const noexcept;
};
template <>
struct std::hash<pinhole::Endpoint> {
    std::size_t operator()(const pinhole::Endpoint& endpoint) const noexcept;
};
template <>
struct std::hash<pinhole::Path> {
    std::size_t operator()(const pinhole::Path& path) const noexcept;
};

template <>
struct fmt::formatter<pinhole::IpAddress> : fmt::formatter<std::string> {
    auto format(const pinhole::IpAddress& ip, fmt::format_context& context) const {
        return fmt::formatter<std::string>::format(ip.to_string(), context);
    }
};
template <>
struct fmt::formatter<pinhole::Endpoint> : fmt::formatter<std::string> {
    auto format(const pinhole::Endpoint& endpoint, fmt::format_context& context) const {
        return fmt::formatter<std::string>::format(endpoint.to_string(), context);
    }
};
