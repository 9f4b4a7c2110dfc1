// What a guess fires: pure functions from a plan to a list of (socket, target), in the order in
// which they leave. Nothing is drawn with replacement: each list is shuffled once and walked.
#pragma once

#include <span>
#include <vector>

#include "shared/base/datagram.hpp"
#include "shared/base/random.hpp"
#include "shared/traversal/spare.hpp"
#include "shared/wire/nat_behavior.hpp"

namespace pinhole::traversal {

/// Datagrams of one spray, opened sockets included (traversal.md: at most 2000).
inline constexpr std::size_t kShotsMax = 2000;
/// Against a NAT that draws among 64,512 ports, 256 sockets need 1148 probes for 99 %.
inline constexpr std::size_t kBirthdaySockets = 256;
/// A window needs few: each is the next port.
inline constexpr std::size_t kWindowSockets = 8;
/// A NAT that keeps ports: one socket, and two more in case that somebody has its port.
inline constexpr std::size_t kPortGuessSockets = 3;
/// A NAT that counts: so many flows, so that the other side can aim at their middle.
inline constexpr std::size_t kMeetingSockets = 25;
/// Among 424 ports: 64 sockets with 16 targets each make 1024 of 179,776 pairs on both sides.
inline constexpr std::size_t kLowPortSockets = 64;
/// The ports of a NAT that counts: the next ones first, then those behind the newest.
[[nodiscard]] std::vector<std::uint16_t> window_ports(const wire::NatBehavior& hard);
/// Sockets to open behind a NAT that draws. Of a block of ports (a carrier's NAT gives each
/// subscriber one) they take an eighth, so that the subscriber is not cut off (lab.md, scenario
/// 15).
[[nodiscard]] std::size_t birthday_sockets(const wire::NatBehavior& ours);
/// The ports of a NAT that draws: those it was seen in first, then their neighbours, as the block
/// may be wider than what was seen of it, then all others; each part shuffled.
[[nodiscard]] std::vector<std::uint16_t> birthday_ports(const wire::NatBehavior& hard,
                                                        Random& random);
/// Where to meet a predictable NAT: in the middle of its next flows when it counts, at the port of
/// its newest socket when it keeps that.
[[nodiscard]] std::uint16_t meeting_port(const wire::NatBehavior& predictable);
/// What theory says of one spray in which `hard` opens and the other side tries: the chance that
/// some socket is met (traversal.md, Birthday).
[[nodiscard]] double birthday_odds(const wire::NatBehavior& hard);
/// The same where both sides use low ports.
[[nodiscard]] double low_port_odds();
/// Low ports to bind, shuffled.
[[nodiscard]] std::vector<std::uint16_t> low_ports(Random& random);

/// One datagram from each socket to `target`, `rounds` times.
[[nodiscard]] std::vector<Path> volley(std::span<const SocketId> sockets, const Endpoint& target,
                                       std::size_t rounds);
/// One datagram from `socket` to each of `ports` of `ip`.
[[nodiscard]] std::vector<Path> sweep(SocketId socket, const IpAddress& ip,
                                      std::span<const std::uint16_t> ports);
/// From each socket to low ports of `ip`, another sample for each socket.
[[nodiscard]] std::vector<Path> crossfire(std::span<const SocketId> sockets, const IpAddress& ip,
                                          Random& random);

}  // namespace pinhole::traversal
