#include "shared/traversal/lifetime.hpp"

#include <algorithm>

namespace pinhole::traversal {
namespace {

/// Between tries: a lost datagram must not look like a lost mapping, and nobody waits.
constexpr Duration kWait = 1s;

}  // namespace

void LifetimeProbe::begin(Instant now, const Path& server, SocketId idle, Duration longest) {
    stop();
    server_ = server;
    idle_ = idle;
    result_.reset();
    passed_ = 0;
    is_answered_ = false;
    steps_ = static_cast<std::size_t>(std::ranges::upper_bound(kLifetimeSteps, longest) -
                                      kLifetimeSteps.begin());
    const Path path{idle, server.remote};
    questions_.ask(now, {.topic = Topic::kLifetime,
                         .asked = path,
                         .answered = path,
                         .request = {.transaction = random_.bytes<8>()},
                         .wait = kWait});
}

void LifetimeProbe::stop() {
    questions_.clear();
    idle_.reset();
    next_step_ = kNever;
}

bool LifetimeProbe::handle_response(Instant now, const Path& path,
                                    const wire::BindingResponse& response) {
    const auto question = questions_.take(path, response.transaction);
    if (!question) return false;
    if (question->request.answer_to) ++passed_;
    is_answered_ = true;
    mapped_ = response.mapped;
    cookie_ = response.cookie;
    if (passed_ == kLifetimeSteps.size()) {
        finish();
    } else if (passed_ == steps_) {
        stop();
    } else {
        next_step_ = now + kLifetimeSteps[passed_];
    }
    return true;
}

void LifetimeProbe::handle_timeout(Instant now) {
    questions_.handle_timeout(now);
    if (const auto failed = questions_.take_failed()) {
        // A server that never answered has not shown anything.
        if (failed->request.answer_to) finish();
        stop();
    }
    if (now < next_step_ || !idle_) return;
    next_step_ = kNever;
    questions_.ask(
        now,
        {.topic = Topic::kLifetime,
         .asked = server_,
         .answered = {*idle_, server_.remote},
         .request = {.transaction = random_.bytes<8>(), .cookie = cookie_, .answer_to = mapped_},
         .wait = kWait});
}

Instant LifetimeProbe::next_timeout() const {
    return std::min(next_step_, questions_.next_timeout());
}

std::optional<Duration> LifetimeProbe::lived() const {
    if (!is_answered_) return std::nullopt;
    return passed_ == 0 ? Duration{0} : kLifetimeSteps[passed_ - 1];
}

void LifetimeProbe::finish() {
    result_ = lived();
    stop();
}

}  // namespace pinhole::traversal
