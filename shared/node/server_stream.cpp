#include "shared/node/server_stream.hpp"

#include <algorithm>

namespace pinhole::node {

void ServerStream::want(Instant at) {
    if (path_ || at_ != kNever || servers_.empty()) return;
    at_ = std::max(at, not_before_);
}

void ServerStream::release() {
    for (const Path& path : std::exchange(trying_, {})) close(path.socket);
    if (path_) close(path_->socket);
    path_.reset();
    at_ = kNever;
    opened_ = false;
    closed_ = false;
}

void ServerStream::handle_io_event(Instant now, const IoEvent& event) {
    if (const auto* opened = std::get_if<StreamOpened>(&event)) {
        const auto found = std::ranges::find(trying_, opened->socket, &Path::socket);
        if (found == trying_.end()) return;
        path_ = *found;
        for (const Path& path : std::exchange(trying_, {})) {
            if (path != *path_) close(path.socket);
        }
        at_ = kNever;
        opened_ = true;
    } else if (const auto* closed = std::get_if<StreamClosed>(&event)) {
        if (path_ && path_->socket == closed->socket) {
            path_.reset();
            opened_ = false;
            closed_ = true;
            pause(now);
        }
        const auto failed =
            std::erase_if(trying_, [&](const Path& path) { return path.socket == closed->socket; });
        if (failed > 0 && trying_.empty()) {
            pause(now);
            at_ = not_before_;
        }
    }
}

void ServerStream::handle_timeout(Instant now) {
    if (now < at_) return;
    if (trying_.empty()) return try_all(now);
    for (const Path& path : std::exchange(trying_, {})) close(path.socket);
    pause(now);
    at_ = not_before_;
}

void ServerStream::try_all(Instant now) {
    at_ = now + kStreamOpenTime;
    for (const Endpoint& server : servers_) {
        const SocketId stream{kStreamBit | (next_++ & (kAcceptedBit - 1))};
        trying_.push_back({.socket = stream, .remote = server});
        requests_.push_back(OpenStream{.socket = stream, .remote = server});
    }
}

void ServerStream::pause(Instant now) {
    not_before_ = now + pause_;
    pause_ = std::min(2 * pause_, kStreamPauseMax);
}

std::optional<IoRequest> ServerStream::poll_io_request() {
    if (requests_.empty()) return std::nullopt;
    const IoRequest request = requests_.front();
    requests_.pop_front();
    return request;
}

}  // namespace pinhole::node
