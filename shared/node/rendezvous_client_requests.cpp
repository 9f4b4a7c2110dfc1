// What is asked of the rendezvous and repeated until it answers: introductions and rooms.
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

// ---- rooms

void RendezvousClient::join(Instant now, const Id& room) {
    rooms_.join(now, room);
    poll_rooms(now);
}

void RendezvousClient::leave(Instant now, const Id& room) {
    rooms_.leave(now, room);
    poll_rooms(now);
}

void RendezvousClient::poll_rooms(Instant now) {
    if (state_ != State::kRegistered) return;
    while (const auto frame = rooms_.poll_frame(now)) {
        std::visit([this](const auto& any) { send(any); }, *frame);
    }
    // One that waits for its answer is repeated in its own time.
    if (rooms_.take_doubt() && !timers_.is_set(Timer::kAck)) send_keepalive(now, true);
}

void RendezvousClient::on_members(Instant now, const wire::Members& frame) {
    const auto taken = rooms_.handle_members(now, frame);
    if (!taken) shared_.drops.add(taken.error());
    poll_rooms(now);
}

void RendezvousClient::on_room_error(Instant now, const wire::Error& frame) {
    const auto taken = rooms_.handle_error(now, frame);
    if (!taken) shared_.drops.add(taken.error());
}

}  // namespace pinhole::node
