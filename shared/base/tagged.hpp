// Strong types for ids, indexes and counters: two numbers that mean different things never mix.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>

namespace pinhole {

/// A value of type `Rep` that is only interchangeable with others of the same `Tag`.
/// Construction and access are explicit; comparison and hashing are those of `Rep`.
template <class Tag, class Rep>
class Tagged {
  public:
    using Representation = Rep;

    constexpr Tagged() = default;
    constexpr explicit Tagged(Rep value) : value_(value) {}

    [[nodiscard]] constexpr const Rep& value() const { return value_; }

    friend constexpr auto operator<=>(const Tagged&, const Tagged&) = default;

  private:
    Rep value_{};
};

/// The local name of a socket that the driver owns. Ids 0 (IPv4) and 1 (IPv6) exist from the start;
/// a core asks for further ones by an event.
using SocketId = Tagged<struct SocketIdTag, std::uint32_t>;
inline constexpr SocketId kSocketV4{0};
inline constexpr SocketId kSocketV6{1};

/// Names with this bit belong to streams: a TCP connection with exactly one remote endpoint, which
/// carries whole messages. So a path tells by its name what it is.
inline constexpr std::uint32_t kStreamBit = 1U << 31U;
/// Of these, the names that a driver gives to connections it accepted.
inline constexpr std::uint32_t kAcceptedBit = 1U << 30U;
/// The longest message on a stream. Longer ones, and empty ones, end it.
inline constexpr std::size_t kStreamMessageMax = 2048;

[[nodiscard]] constexpr bool is_stream(SocketId socket) {
    return (socket.value() & kStreamBit) != 0;
}

/// The receiver index of one epoch of a session: a random 32-bit name that the *receiver* chose.
/// Each handshake and each rekey has a new one.
using SessionIndex = Tagged<struct SessionIndexTag, std::uint32_t>;

/// A random 64-bit name of one start of a process, carried in both handshake payloads: the same
/// incarnation means a rekey or a roaming peer, another one means that the process restarted.
using Incarnation = Tagged<struct IncarnationTag, std::uint64_t>;

/// What ENet sees in place of an IP address: a local counter, one for each (peer key, remote
/// incarnation), never reused while the process lives, never 0 or 0xFFFFFFFF.
using VirtualAddress = Tagged<struct VirtualAddressTag, std::uint32_t>;

/// The server's name of one relayed pair, as seen by one side of it.
using RelayHandle = Tagged<struct RelayHandleTag, std::uint32_t>;

/// Who asked for an introduction, and who was asked. Bound into MACs and the handshake's prologue.
enum class Role : std::uint8_t { kAsker = 0, kAnswerer = 1 };

[[nodiscard]] constexpr Role other(Role role) {
    return role == Role::kAsker ? Role::kAnswerer : Role::kAsker;
}

/// 16 random bytes that the asker chose for one introduction: what makes its handshake fresh.
using IntroductionNonce = std::array<std::byte, 16>;

/// A stateless proof that somebody receives at an endpoint. All zero = "I have none".
using Cookie = std::array<std::byte, 16>;

}  // namespace pinhole

template <class Tag, class Rep>
struct std::hash<pinhole::Tagged<Tag, Rep>> {
    std::size_t operator()(const pinhole::Tagged<Tag, Rep>& tagged) const {
        return std::hash<Rep>{}(tagged.value());
    }
};
