#include "rendezvous/streams.hpp"

namespace pinhole::rendezvous {

void Streams::handle_io_event(Instant now, const IoEvent& event) {
    if (const auto* opened = std::get_if<StreamOpened>(&event)) {
        streams_.insert_or_assign(opened->socket, false);
        unproven_.push_back({.stream = opened->socket, .until = now + kStreamProofTime});
        metrics_.happened.add(Happening::kStreamOpened);
    } else if (const auto* closed = std::get_if<StreamClosed>(&event)) {
        streams_.erase(closed->socket);
    }
}

void Streams::on_proven(SocketId stream) {
    if (const auto found = streams_.find(stream); found != streams_.end()) found->second = true;
}

void Streams::handle_timeout(Instant now) {
    while (!unproven_.empty() && unproven_.front().until <= now) {
        const SocketId stream = unproven_.front().stream;
        unproven_.pop_front();
        const auto found = streams_.find(stream);
        if (found == streams_.end() || found->second) continue;
        streams_.erase(found);
        closing_.push_back(stream);
        metrics_.happened.add(Happening::kStreamRefused);
    }
}

std::optional<IoRequest> Streams::poll_io_request() {
    if (closing_.empty()) return std::nullopt;
    const CloseSocket request{closing_.front()};
    closing_.pop_front();
    return request;
}

Instant Streams::next_timeout() const {
    return unproven_.empty() ? kNever : unproven_.front().until;
}

}  // namespace pinhole::rendezvous
