#include "tests/lab/evil_client.hpp"

#include <stdexcept>

#include "shared/crypto/mac.hpp"

namespace pinhole::lab {

EvilClient::EvilClient(const Terms& terms)
    : terms_(terms),
      id_(*wire::Id::parse(terms.id)),
      random_(terms.seed),
      keys_(crypto::KeyPair::generate(random_)),
      incarnation_(random_.u64()),
      enet_({}, random_) {}

void EvilClient::enter(Instant now) {
    auto attempt = session::Attempt::start(now, local_side(),
                                           {.remote = terms_.server_key,
                                            .prologue = session::server_prologue(),
                                            .sender = SessionIndex{random_.u32()}},
                                           random_);
    server_attempt_ = *std::move(attempt);
    push({.socket = kSocketV4, .remote = terms_.server},
         server_attempt_->initiation(Cookie{}).bytes());
}

void EvilClient::ask_for(const wire::Id& target, const wire::CandidateList& candidates) {
    tell_server(
        wire::Connect{.nonce = random_.bytes<16>(), .target = target, .candidates = candidates});
}

void EvilClient::flush_enet() {
    while (const auto out = enet_.poll_transmit()) tell_peer(wire::EnetFrame{out->bytes});
}

void EvilClient::handle_datagram(Instant now, const Datagram& in) {
    handle_message(now, false, in.bytes);
}

void EvilClient::handle_message(Instant now, bool by_relay, Bytes message) {
    const auto kind = wire::classify(message);
    if (!kind) return;
    if (*kind == wire::Kind::kTransport) {
        handle_transport(now, by_relay, message);
    } else if (const auto response = wire::parse_response(message);
               *kind == wire::Kind::kHandshakeResponse && response) {
        handle_response(now, *response);
    } else if (const auto retry = wire::parse_retry(message);
               *kind == wire::Kind::kRetry && retry && server_attempt_) {
        push({.socket = kSocketV4, .remote = terms_.server},
             server_attempt_->initiation(retry->cookie).bytes());
    }
}

void EvilClient::handle_response(Instant now, const wire::HandshakeResponse& in) {
    if (server_attempt_ && server_attempt_->sender() == in.receiver) {
        auto finished = server_attempt_->handle_response(in);
        if (!finished) return;
        server_session_.emplace(now, context_, terms_.server_key, finished->keys);
        server_attempt_.reset();
        tell_server(wire::Register{.request = 1, .accept = wire::AcceptMode::kOpen, .id = id_});
    } else if (peer_attempt_ && peer_attempt_->sender() == in.receiver) {
        auto finished = peer_attempt_->handle_response(in);
        if (!finished) return;
        peer_session_.emplace(now, context_, peer_attempt_->remote(), finished->keys);
        peer_attempt_.reset();
        tell_peer(wire::Keepalive{});
        enet_.handle_datagram(now, enet_peer(), finished->remote.enet.bytes());
        flush_enet();
    }
}

void EvilClient::handle_transport(Instant now, bool by_relay, Bytes message) {
    const auto header = wire::parse_transport_header(message);
    if (!header) return;
    ByteVector copy = to_vector(message);
    if (peer_session_) {
        if (const auto opened = peer_session_->open_in_place(now, *header, copy)) {
            heard_.push_back({by_relay, to_vector(opened->frame)});
            const auto frame = wire::parse_peer_frame(opened->frame);
            const auto* enet = frame ? std::get_if<wire::EnetFrame>(&*frame) : nullptr;
            if (enet != nullptr) {
                enet_.handle_datagram(now, enet_peer(), enet->datagram);
                flush_enet();
            }
            return;
        }
    }
    if (by_relay || !server_session_) return;
    if (const auto opened = server_session_->open_in_place(now, *header, copy)) {
        told_.push_back(to_vector(opened->frame));
        handle_server_frame(now, opened->frame);
    }
}

void EvilClient::handle_server_frame(Instant now, Bytes frame) {
    const auto parsed = wire::parse_server_frame(frame);
    if (!parsed) return;
    if (const auto* registered = std::get_if<wire::Registered>(&*parsed)) {
        registered_ = *registered;
    } else if (const auto* introduction = std::get_if<wire::Introduction>(&*parsed)) {
        on_introduced(now, *introduction);
    } else if (const auto* relayed = std::get_if<wire::Relay>(&*parsed)) {
        handle_message(now, true, relayed->message);
    }
}

void EvilClient::on_introduced(Instant now, const wire::Introduction& in) {
    introductions_.push_back({in, to_vector(in.handshake)});
    introductions_.back().frame.handshake = introductions_.back().handshake;
    if (is_silent_ || in.role != Role::kAsker || peer_session_ || peer_attempt_) return;
    if (!enet_.connect(now, enet_peer(), 100ms)) throw std::runtime_error("no ENet slot");
    const ByteVector connect = to_vector(enet_.poll_transmit()->bytes);
    auto attempt = session::Attempt::start(
        now, local_side(),
        {.remote = crypto::PublicKey{in.key},
         .prologue =
             session::peer_prologue({.nonce = in.nonce, .initiator = id_, .responder = in.id}),
         .nonce_tag = crypto::nonce_tag(in.nonce),
         .sender = SessionIndex{random_.u32()},
         .enet = connect},
        random_);
    peer_attempt_ = *std::move(attempt);
    relay(peer_attempt_->initiation(Cookie{}).bytes());
}

}  // namespace pinhole::lab
