#include "rendezvous/outbox.hpp"

#include <cassert>

namespace pinhole::rendezvous {

void Outbox::begin_datagram(const Datagram& in) {
    source_ = in.path;
    allowance_ = in.bytes.size();
}

bool Outbox::reply(const Path& path, Bytes message) {
    assert(path.remote.ip == source_.remote.ip);
    if (message.size() > allowance_) {
        metrics_.happened.add(Happening::kReplyWithheld);
        return false;
    }
    allowance_ = 0;
    if (!push(path, message)) return false;
    metrics_.sent_unvalidated.add(message.size());
    return true;
}

void Outbox::send_validated(const Path& path, Bytes message) {
    static_cast<void>(push(path, message));
}

bool Outbox::reply_stun(Bytes message) {
    if (allowance_ == 0) return false;
    allowance_ = message.size();
    return reply(source_.socket, message);
}

void Outbox::send_session_frames(Client& client) {
    while (const std::size_t size = client.session.poll_frame(frame_room())) {
        if (seal(client, size)) send_validated(client.path, scratch_.bytes());
    }
}

bool Outbox::push(const Path& path, Bytes message) {
    if (is_stream(path.socket) && !streams_.is_open(path.socket)) {
        metrics_.happened.add(Happening::kStreamGone);
        return false;
    }
    if (!queue_.push({.path = path, .bytes = message})) {
        metrics_.happened.add(Happening::kOutboxFull);
        return false;
    }
    metrics_.sent.add(message.size());
    return true;
}

MutableBytes Outbox::frame_room() {
    return scratch_.storage().subspan(wire::kTransportHeaderSize,
                                      kDatagramMax - wire::kTransportOverhead);
}

bool Outbox::seal(Client& client, std::size_t size) {
    scratch_.resize(size + wire::kTransportOverhead);
    return client.session.seal_in_place(scratch_.bytes());
}

}  // namespace pinhole::rendezvous
