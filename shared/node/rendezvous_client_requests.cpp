// What is asked of the rendezvous and repeated until it answers: introductions.
#include "shared/node/rendezvous_client.hpp"

namespace pinhole::node {
namespace {

/// A `connect` that the server never answers is given up after this; the link decides what next.
constexpr Duration kRequestLifetime = 10s;

}  // namespace

void RendezvousClient::poll_requests(Instant now) {
    std::erase_if(requests_, [now](const Request& request) { return now >= request.until; });
    if (!takes_requests()) return;
    for (Request& request : requests_) {
        if (request.repeat.take_due(now)) send_connect(request.call);
    }
}

void RendezvousClient::connect(Instant now, const Call& call) {
    Request request{.call = call, .repeat = {50ms, 1s}, .until = now + kRequestLifetime};
    request.repeat.start(now);
    requests_.push_back(request);
    poll_requests(now);
}

bool RendezvousClient::is_asking(const IntroductionNonce& nonce) const {
    return std::ranges::any_of(requests_,
                               [&](const Request& request) { return request.call.nonce == nonce; });
}

void RendezvousClient::withdraw_early_requests() {
    if (state_ != State::kRegistering) return;
    requests_.clear();
    withdrawn_ = true;
}

void RendezvousClient::cancel(const IntroductionNonce& nonce) {
    std::erase_if(requests_, [&](const Request& request) { return request.call.nonce == nonce; });
}

void RendezvousClient::send_connect(const Call& call) {
    send(wire::Connect{.nonce = call.nonce,
                       .resume = call.resume,
                       .target = call.target,
                       .candidates = gathering_.local_candidates(),
                       .handshake = call.handshake.bytes()});
}

}  // namespace pinhole::node
