#include "tests/lab/link.hpp"

#include <algorithm>

#include "tests/support/seeded_random.hpp"

namespace pinhole::lab {
namespace {

constexpr std::size_t kWaitsMax = 512;

}  // namespace

Link::Link(World world, std::string name, std::uint64_t seed, LinkEnd end)
    : world_(world),
      name_(std::move(name)),
      end_(end),
      random_(std::make_unique<test::SeededRandom>(seed)) {}

Link::~Link() = default;

void Link::send(Instant now, Packet packet) {
    if (entrance_) entrance_(now, packet);
    if (const auto fate = refusal(packet)) {
        world_.trace.record({now, name_, packet, *fate});
        return;
    }
    const auto leaves = departure(now, packet.wire_size());
    if (!leaves) {
        world_.trace.record({now, name_, packet, Fate::kQueueFull});
        return;
    }
    if (happens(quality_.duplication)) {
        world_.trace.record({now, name_, packet, Fate::kDuplicated});
        launch(*leaves, packet);
    }
    launch(*leaves, std::move(packet));
}

void Link::handle_event(Instant now, std::uint64_t token) {
    const auto slot = static_cast<std::size_t>(token);
    Packet packet = std::move(in_flight_[slot]);
    free_slots_.push_back(slot);
    if (exit_) exit_(now, packet);
    end_.node->receive(now, end_.cable, std::move(packet));
}

std::optional<Fate> Link::refusal(const Packet& packet) {
    if (!is_up_) return Fate::kLinkDown;
    if (!fits(packet)) return Fate::kTooBig;
    if (filter_ && !filter_(packet)) return Fate::kInterfered;
    if (quality_.black_hole == packet.destination.ip.family()) return Fate::kLost;
    if (happens(quality_.loss)) return Fate::kLost;
    return std::nullopt;
}

std::optional<Instant> Link::departure(Instant now, std::size_t wire_size) {
    if (quality_.rate == 0) return now;
    constexpr std::uint64_t kNanoseconds = 1'000'000'000;
    const auto time_for = [this](std::size_t bytes) {
        return std::chrono::nanoseconds{
            static_cast<std::int64_t>(bytes * 8 * kNanoseconds / quality_.rate)};
    };
    const std::chrono::nanoseconds start{now.time_since_epoch()};
    const std::chrono::nanoseconds free_at = std::max(start, busy_until_);
    if (free_at - start + time_for(wire_size) > time_for(quality_.queue_bytes)) return {};
    waits_.resize(kWaitsMax);
    const auto wait = std::chrono::floor<std::chrono::milliseconds>(free_at - start).count();
    ++waits_[std::min(static_cast<std::size_t>(wait), kWaitsMax - 1)];
    busy_until_ = free_at + time_for(wire_size);
    return Instant{std::chrono::ceil<Duration>(busy_until_)};
}

void Link::launch(Instant departure, Packet packet) {
    Instant arrival = departure + quality_.delay;
    if (quality_.jitter > Duration{0}) arrival += random_->jitter(quality_.jitter);
    if (quality_.keeps_order) arrival = std::max(arrival, latest_arrival_);
    if (happens(quality_.reordering)) {
        arrival += quality_.reorder_by;
    } else {
        latest_arrival_ = std::max(latest_arrival_, arrival);
    }

    std::size_t slot = in_flight_.size();
    if (free_slots_.empty()) {
        in_flight_.push_back(std::move(packet));
    } else {
        slot = free_slots_.back();
        free_slots_.pop_back();
        in_flight_[slot] = std::move(packet);
    }
    world_.queue.schedule(arrival, *this, slot);
}

bool Link::happens(double probability) {
    if (probability <= 0) return false;
    constexpr double kScale = 1ULL << 53U;
    return static_cast<double>(random_->u64() >> 11U) < probability * kScale;
}

void Cable::set_up(bool is_up) {
    up.set_up(is_up);
    down.set_up(is_up);
}

void Cable::set_quality(const LinkQuality& quality) {
    up.set_quality(quality);
    down.set_quality(quality);
}

}  // namespace pinhole::lab
