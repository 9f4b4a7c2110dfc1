#include "shared/traversal/shots.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

namespace pinhole::traversal {

namespace {

/// Steps looked at on each side of the newest port (traversal.md: k = 1..50, both signs).
constexpr int kWindowSteps = 50;
/// Targets of each socket in a crossfire.
constexpr std::size_t kCrossfireTargets = 16;
/// Of a block of ports so large a part is opened.
constexpr std::size_t kShareOfBlock = 8;
constexpr std::uint16_t kPortFirst = 1024;
constexpr std::uint16_t kPortLast = 65535;

std::vector<std::uint16_t> shuffled_range(std::uint16_t first, std::uint16_t last, Random& random) {
    std::vector<std::uint16_t> ports(std::size_t{last} - first + 1U);
    std::iota(ports.begin(), ports.end(), first);
    for (std::size_t i = ports.size(); i > 1; --i) {
        std::swap(ports[i - 1], ports[random.below(static_cast<std::uint32_t>(i))]);
    }
    return ports;
}

/// Wraps within the ports that NATs hand out.
std::uint16_t port_at(int offset, std::uint16_t from) {
    constexpr int kCount = kPortLast - kPortFirst + 1;
    const int position = (from - kPortFirst + offset) % kCount;
    return static_cast<std::uint16_t>(kPortFirst + (position < 0 ? position + kCount : position));
}

bool has_range(const wire::NatBehavior& nat) {
    return nat.first_port != 0 && nat.first_port <= nat.last_port;
}

/// A block of ports may be wider than what was seen of it.
std::pair<int, int> wide_range(const wire::NatBehavior& hard) {
    const int seen = hard.last_port - hard.first_port + 1;
    return {std::max<int>(hard.first_port - seen, 1),
            std::min<int>(hard.last_port + seen, kPortLast)};
}

int step_of(const wire::NatBehavior& counting) {
    return counting.step != 0 ? counting.step : 1;
}

}  // namespace

std::vector<std::uint16_t> window_ports(const wire::NatBehavior& hard) {
    std::vector<std::uint16_t> ports;
    const int step = step_of(hard);
    for (const int sign : {1, -1}) {
        for (int k = 1; k <= kWindowSteps; ++k) {
            ports.push_back(port_at(sign * k * step, hard.newest_port));
        }
    }
    return ports;
}

std::size_t birthday_sockets(const wire::NatBehavior& ours) {
    if (!has_range(ours)) return kBirthdaySockets;
    const std::size_t seen = std::size_t{ours.last_port} - ours.first_port + 1U;
    return std::clamp<std::size_t>(seen / kShareOfBlock, 2, kBirthdaySockets);
}

std::vector<std::uint16_t> birthday_ports(const wire::NatBehavior& hard, Random& random) {
    if (!has_range(hard)) return shuffled_range(kPortFirst, kPortLast, random);
    const auto [wide_first, wide_last] = wide_range(hard);
    const auto is_within = [](int port, int first, int last) {
        return first <= port && port <= last;
    };
    std::vector<std::uint16_t> ports = shuffled_range(hard.first_port, hard.last_port, random);
    for (const std::uint16_t port : shuffled_range(static_cast<std::uint16_t>(wide_first),
                                                   static_cast<std::uint16_t>(wide_last), random)) {
        if (!is_within(port, hard.first_port, hard.last_port)) ports.push_back(port);
    }
    for (const std::uint16_t port : shuffled_range(kPortFirst, kPortLast, random)) {
        if (!is_within(port, wide_first, wide_last)) ports.push_back(port);
    }
    return ports;
}

std::uint16_t meeting_port(const wire::NatBehavior& predictable) {
    if (predictable.allocation == wire::Allocation::kPreserving) return predictable.newest_port;
    constexpr int kMiddle = static_cast<int>(kMeetingSockets) / 2 + 1;
    return port_at(kMiddle * step_of(predictable), predictable.newest_port);
}

double birthday_odds(const wire::NatBehavior& hard) {
    double ports = kPortLast - kPortFirst + 1;
    if (has_range(hard)) {
        const auto [first, last] = wide_range(hard);
        ports = last - first + 1;
    }
    // Whatever is tried entirely is found.
    if (ports <= static_cast<double>(kShotsMax)) return 1.0;
    const auto pairs = static_cast<double>(birthday_sockets(hard) * kShotsMax);
    return 1.0 - std::exp(-pairs / ports);
}

double low_port_odds() {
    constexpr double kShots = kLowPortSockets * kCrossfireTargets;
    constexpr double kPorts = kLowPortLast - kLowPortFirst + 1;
    return 1.0 - std::exp(-kShots * kShots / (kPorts * kPorts));
}

std::vector<std::uint16_t> low_ports(Random& random) {
    return shuffled_range(kLowPortFirst, kLowPortLast, random);
}

std::vector<Path> volley(std::span<const SocketId> sockets, const Endpoint& target,
                         std::size_t rounds) {
    std::vector<Path> shots;
    for (std::size_t round = 0; round < rounds; ++round) {
        for (const SocketId socket : sockets) shots.push_back({socket, target});
    }
    return shots;
}

std::vector<Path> sweep(SocketId socket, const IpAddress& ip,
                        std::span<const std::uint16_t> ports) {
    std::vector<Path> shots;
    for (const std::uint16_t port : ports.first(std::min(ports.size(), kShotsMax))) {
        shots.push_back({socket, {ip, port}});
    }
    return shots;
}

std::vector<Path> crossfire(std::span<const SocketId> sockets, const IpAddress& ip,
                            Random& random) {
    std::vector<std::vector<std::uint16_t>> targets;
    for (std::size_t i = 0; i < sockets.size(); ++i) targets.push_back(low_ports(random));
    std::vector<Path> shots;
    for (std::size_t round = 0; round < kCrossfireTargets; ++round) {
        for (std::size_t i = 0; i < sockets.size(); ++i) {
            shots.push_back({sockets[i], {ip, targets[i][round]}});
        }
    }
    return shots;
}

}  // namespace pinhole::traversal
