#include "shared/traversal/discovery.hpp"

#include <algorithm>
#include <utility>

namespace pinhole::traversal {
namespace {

/// Sockets that the system has not opened by then are done without.
constexpr Duration kOpeningMax = 1s;
/// Bounds of the wait for one answer.
constexpr Duration kWaitMin = 100ms;
constexpr Duration kWaitMax = 3s;
bool is_external(const Endpoint& mapped) {
    const Scope scope = mapped.ip.scope();
    return mapped.port != 0 && scope != Scope::kUnusable && scope != Scope::kLinkLocal;
}

}  // namespace

void Discovery::begin(Instant now, const Setting& setting) {
    stop();
    report_ = {};
    server_ = setting.server;
    addresses_.clear();
    for (const LocalAddress& local : setting.addresses) addresses_.push_back(local.ip);
    wait_ = std::clamp(setting.round_trip_time * 3 / 2 + 50ms, kWaitMin, kWaitMax);
    second_.reset();
    elsewhere_.reset();
    main_ = {};
    has_asked_main_ = false;
    hears_other_port_ = hears_other_address_ = false;
    phase_ = Phase::kOpening;
    opening_until_ = now + kOpeningMax;
    open_spares();
}

void Discovery::open_spares() {
    const Family family = server_.remote.ip.family();
    for (std::size_t i = 0; i < kSpares; ++i) requests_.emplace_back(OpenSpare{.family = family});
    opening_ = kSpares;
    if (!options_.low_ports) return;
    constexpr std::uint16_t kCount = kLowPortLast - kLowPortFirst + 1;
    const std::uint64_t start = random_.below(kCount);
    for (std::size_t i = 0; i < kLowSpares; ++i) {
        const std::uint64_t offset = (start + i * kCount / kLowSpares) % kCount;
        requests_.emplace_back(OpenSpare{
            .family = family, .port = static_cast<std::uint16_t>(kLowPortFirst + offset)});
    }
    opening_ += kLowSpares;
}

void Discovery::measure_newest(Instant now) {
    if (phase_ == Phase::kDone && main_.first) enter(now, Phase::kReopening);
}

void Discovery::stop() {
    questions_.clear();
    if (lifetime_.idle()) requests_.emplace_back(CloseSpare{*lifetime_.idle()});
    lifetime_.stop();
    for (const Spare& spare : spares_) requests_.emplace_back(CloseSpare{spare.socket});
    spares_.clear();
    opening_ = 0;
    opening_until_ = kNever;
    phase_ = Phase::kIdle;
}

void Discovery::on_spare_opened(Instant now, SocketId socket, const Endpoint& local) {
    if (opening_ == 0) {
        requests_.emplace_back(CloseSpare{socket});  // too late, or not of this run
        return;
    }
    --opening_;
    spares_.push_back(
        {.socket = socket, .local_port = local.port, .is_low = local.port <= kLowPortLast});
    advance(now);
}

void Discovery::on_spare_failed(Instant now) {
    if (opening_ > 0) --opening_;
    advance(now);
}

bool Discovery::handle_response(Instant now, const Path& path,
                                const wire::BindingResponse& response) {
    if (!is_external(response.mapped)) return false;
    const auto idle = lifetime_.idle();
    if (lifetime_.handle_response(now, path, response)) {
        note_lifetime(idle);
        return true;
    }
    const auto question = questions_.take(path, response.transaction);
    if (!question) return false;
    on_answer(*question, response);
    advance(now);
    return true;
}

bool Discovery::handle_request(Instant now, const Path& path, const wire::BindingRequest& request) {
    if (!questions_.take_hairpin(path.socket, request.transaction)) return false;
    report_.hairpins = true;
    questions_.forget(Topic::kHairpin);
    advance(now);
    return true;
}

void Discovery::handle_timeout(Instant now) {
    questions_.handle_timeout(now);
    while (const auto failed = questions_.take_failed()) on_failure(now, *failed);
    if (now >= opening_until_) opening_ = 0;
    advance(now);
    const auto idle = lifetime_.idle();
    lifetime_.handle_timeout(now);
    note_lifetime(idle);
}

void Discovery::note_lifetime(std::optional<SocketId> idle) {
    if (idle) report_.mapping_lived = lifetime_.lived();
    if (!idle || lifetime_.idle()) return;
    report_.mapping_lifetime = lifetime_.result();
    requests_.emplace_back(CloseSpare{*idle});
}

std::optional<DiscoveryTransmit> Discovery::poll_transmit() {
    if (auto transmit = questions_.poll_transmit()) return transmit;
    return lifetime_.poll_transmit();
}

std::optional<SpareRequest> Discovery::poll_request() {
    if (requests_.empty()) return std::nullopt;
    const SpareRequest request = requests_.front();
    requests_.pop_front();
    return request;
}

Instant Discovery::next_timeout() const {
    return std::min({questions_.next_timeout(), lifetime_.next_timeout(), opening_until_});
}

// ---- phases

void Discovery::advance(Instant now) {
    while (is_running() && opening_ == 0 && questions_.empty()) {
        switch (phase_) {
            case Phase::kOpening: enter(now, Phase::kSampling); break;
            case Phase::kSampling:
                note_samples();
                // Without an answer to the main socket there is nothing to compare with.
                enter(now, main_.first ? Phase::kFiltering : Phase::kDone);
                break;
            case Phase::kFiltering:
                note_behavior();
                enter(now, Phase::kProbing);
                break;
            case Phase::kProbing: {
                // Probing took ports itself: where a sequence stands must be asked again.
                const bool counts = report_.behavior.allocation == wire::Allocation::kSequential;
                enter(now, counts ? Phase::kReopening : Phase::kDone);
                break;
            }
            case Phase::kReopening:
                enter(now, spares_.empty() ? Phase::kDone : Phase::kNewest);
                break;
            case Phase::kNewest:
                if (spares_.back().mapped) {
                    report_.behavior.newest_port = spares_.back().mapped->port;
                }
                enter(now, Phase::kDone);
                break;
            case Phase::kIdle:
            case Phase::kDone: return;
        }
    }
}

void Discovery::enter(Instant now, Phase phase) {
    phase_ = phase;
    opening_until_ = kNever;
    switch (phase) {
        case Phase::kSampling: return sample(now);
        case Phase::kFiltering: return filter(now);
        case Phase::kProbing: return probe(now);
        case Phase::kReopening:
            opening_ = 1;
            opening_until_ = now + kOpeningMax;
            requests_.emplace_back(OpenSpare{.family = server_.remote.ip.family()});
            return;
        case Phase::kNewest: return sample(now);
        case Phase::kDone: return finish(now);
        case Phase::kIdle:
        case Phase::kOpening: return;
    }
}

void Discovery::finish(Instant now) {
    const bool is_first_time = !std::exchange(report_.is_complete, true);
    const auto known = usable();
    // The first one served as a target; any other one is still as it was.
    const bool measures = is_first_time && !known.empty() && main_.first;
    const auto idle = measures ? std::optional{known.back()->socket} : std::nullopt;
    for (const Spare& spare : spares_) {
        if (spare.socket != idle) requests_.emplace_back(CloseSpare{spare.socket});
    }
    spares_.clear();
    const Duration longest = options_.lifetime ? kLifetimeSteps.back() : kLifetimeWorthKnowing;
    if (idle) lifetime_.begin(now, server_, *idle, longest);
}

}  // namespace pinhole::traversal
