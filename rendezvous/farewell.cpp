#include "rendezvous/farewell.hpp"

namespace pinhole::rendezvous {
namespace {

constexpr std::size_t kGoodbyesPerTick =
    kGoodbyesPerSecond / static_cast<std::size_t>(Duration{1s} / kGoodbyeTick);

}  // namespace

void Farewell::begin(Instant now, std::uint16_t window_s) {
    if (has_begun_) return;
    has_begun_ = true;
    left_ = clients_.names();
    window_s_ = window_s;
    next_ = now;
}

bool Farewell::handle_timeout(Instant now) {
    if (now < next_) return false;
    for (std::size_t said = 0; said < kGoodbyesPerTick && !left_.empty(); ++said) {
        Client* client = clients_.find(left_.back());
        left_.pop_back();
        if (client == nullptr) continue;
        outbox_.send(*client, wire::Close{.reason = wire::CloseReason::kShutdown,
                                          .rejoin_window_s = window_s_});
    }
    next_ = left_.empty() ? kNever : now + kGoodbyeTick;
    return left_.empty();
}

}  // namespace pinhole::rendezvous
