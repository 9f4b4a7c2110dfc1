// A registered client and an introduced peer with real keys that obeys nobody.
//
// Does by hand what a node does (handshakes, `register`, `connect`, ENet's connection), so that a
// test can seal any frame it likes, with any source address, in a session that the other side takes
// for genuine. It answers nothing by itself except what is needed to get in, and keeps everything
// that it is told. It repeats nothing: give it links without loss.
#pragma once

#include <deque>
#include <vector>

#include "shared/base/datagram.hpp"
#include "shared/base/io.hpp"
#include "shared/crypto/keys.hpp"
#include "shared/reliable/enet_host.hpp"
#include "shared/session/session.hpp"
#include "shared/wire/peer_frame.hpp"
#include "shared/wire/rendezvous_frame.hpp"
#include "shared/wire/transport.hpp"
#include "tests/support/seeded_random.hpp"

namespace pinhole::lab {

class EvilClient {
  public:
    struct Terms {
        std::string_view id;
        Endpoint server;
        crypto::PublicKey server_key;
        std::uint64_t seed = 0;
    };
    /// An introduction that was received, with what it borrowed copied.
    struct Introduced {
        wire::Introduction frame;
        ByteVector handshake;
    };

    explicit EvilClient(const Terms& terms);

    // The verbs.
    void handle_datagram(Instant now, const Datagram& in);
    void handle_timeout(Instant now) { static_cast<void>(now); }
    [[nodiscard]] std::optional<Transmit> poll_transmit() { return out_.pop(); }
    [[nodiscard]] Instant next_timeout() const { return kNever; }

    /// Begins the handshake with the server; `register` follows by itself.
    void enter(Instant now);
    /// From now on an introduction is not followed by a handshake.
    void stay_silent() { is_silent_ = true; }
    /// Asks for `target`, names `candidates` as its own, and shakes hands through the relay as soon
    /// as it is introduced.
    void ask_for(const wire::Id& target, const wire::CandidateList& candidates = {});

    [[nodiscard]] bool is_registered() const { return registered_.has_value(); }
    [[nodiscard]] const std::vector<Introduced>& introductions() const { return introductions_; }
    [[nodiscard]] bool has_peer_session() const { return peer_session_.has_value(); }
    /// ENet's own connection inside the session; genuine, until a test sends something else.
    [[nodiscard]] reliable::EnetHost& enet() { return enet_; }
    [[nodiscard]] static VirtualAddress enet_peer() { return VirtualAddress{1}; }
    /// What ENet wants to leave goes to the peer through the relay; call after using it.
    void flush_enet();

    /// Whole plaintext frames that the peer sent, oldest first, with the way they came.
    struct Heard {
        bool by_relay = false;
        ByteVector frame;
    };
    [[nodiscard]] const std::vector<Heard>& heard_from_peer() const { return heard_; }
    /// Plaintext frames of the server.
    [[nodiscard]] const std::vector<ByteVector>& heard_from_server() const { return told_; }

    /// A frame, or any plaintext, sealed for the server: a whole datagram.
    template <class Frame>
    [[nodiscard]] ByteVector for_server(const Frame& frame) {
        return seal(*server_session_, plaintext_of(frame));
    }
    /// A frame, or any plaintext, sealed for the peer: a whole datagram.
    template <class Frame>
    [[nodiscard]] ByteVector for_peer(const Frame& frame) {
        return seal(*peer_session_, plaintext_of(frame));
    }
    template <class Frame>
    void tell_server(const Frame& frame) {
        push({.socket = kSocketV4, .remote = terms_.server}, for_server(frame));
    }
    /// Through the relay.
    template <class Frame>
    void tell_peer(const Frame& frame) {
        relay(for_peer(frame));
    }
    /// Any message, to the peer, in a relay frame.
    void relay(Bytes message) {
        tell_server(wire::Relay{.handle = introductions_.back().frame.handle, .message = message});
    }
    void push(const Path& path, Bytes datagram) {
        static_cast<void>(out_.push({.path = path, .bytes = datagram}));
    }

    /// The frame's bytes, for a test that spoils them before they are sealed.
    template <class Frame>
    [[nodiscard]] static ByteVector plaintext_of(const Frame& frame) {
        ByteVector out(kUdpPayloadMax);
        out.resize(wire::encode(frame, MutableBytes{out}));
        return out;
    }
    [[nodiscard]] static ByteVector plaintext_of(const ByteVector& raw) { return raw; }

  private:
    template <class Session>
    [[nodiscard]] static ByteVector seal(Session& session, Bytes plaintext) {
        ByteVector out(plaintext.size() + wire::kTransportOverhead);
        Writer{MutableBytes{out}.subspan(wire::kTransportHeaderSize)}.bytes(plaintext);
        const bool sealed = session.seal_in_place(out);
        assert(sealed);
        return out;
    }
    [[nodiscard]] session::LocalSide local_side() const {
        return {.keys = keys_, .psk = no_psk_, .features = 0, .incarnation = incarnation_};
    }
    void handle_message(Instant now, bool by_relay, Bytes message);
    void handle_response(Instant now, const wire::HandshakeResponse& in);
    void handle_transport(Instant now, bool by_relay, Bytes message);
    void handle_server_frame(Instant now, Bytes frame);
    void on_introduced(Instant now, const wire::Introduction& in);

    Terms terms_;
    wire::Id id_;
    test::SeededRandom random_;
    crypto::KeyPair keys_;
    crypto::Psk no_psk_;
    Incarnation incarnation_;
    session::SessionContext context_{.keys = keys_, .psk = no_psk_, .policy = {}};
    reliable::EnetHost enet_;
    TransmitQueue out_{65'536};
    std::optional<session::Attempt> server_attempt_;
    std::optional<session::ServerSession> server_session_;
    std::optional<wire::Registered> registered_;
    std::optional<session::Attempt> peer_attempt_;
    std::optional<session::PeerSession> peer_session_;
    std::vector<Introduced> introductions_;
    std::vector<Heard> heard_;
    std::vector<ByteVector> told_;
    bool is_silent_ = false;
};

}  // namespace pinhole::lab
