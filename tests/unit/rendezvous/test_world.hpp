// A server, a virtual clock and clients made by hand, without a network between them.
#pragma once

#include <deque>
#include <map>
#include <vector>

#include <gtest/gtest.h>

#include "rendezvous/server.hpp"
#include "tests/support/seeded_random.hpp"

namespace pinhole::rendezvous::test {

inline constexpr WallTime kToday{std::chrono::seconds{1'700'000'000}};
inline constexpr std::uint64_t kSeed = 7;

[[nodiscard]] inline Endpoint endpoint(std::string_view text) {
    const auto parsed = Endpoint::parse(text);
    EXPECT_TRUE(parsed.has_value()) << text;
    return parsed.value_or(Endpoint{});
}

[[nodiscard]] inline wire::Id id(std::string_view text) {
    return wire::Id::parse(text).value_or(wire::Id{});
}

struct Sent {
    Path path;
    ByteVector bytes;
};

class TestClient;

/// The server in its surroundings. Datagrams to a client's endpoint reach the client at once; all
/// others are kept in `strays`. Time moves by `advance` alone.
class World {
  public:
    explicit World(bool answers_stun = false)
        : server(now,
                 ServerSettings{.keys = crypto::KeyPair::generate(random),
                                .wall = kToday,
                                .answers_stun = answers_stun},
                 random) {}

    /// Hands a datagram to the server and lets everything that is due happen.
    void deliver(const Path& from, Bytes bytes) {
        server.handle_datagram(now, {.path = from, .bytes = bytes});
        settle();
    }
    /// Drains the server and runs the timeouts that are due now.
    void settle();
    void drain();
    void advance(Duration by);

    /// Events of one type since the last call.
    template <class T>
    [[nodiscard]] std::vector<T> take_events() {
        std::vector<T> out;
        std::erase_if(events, [&](const Event& event) {
            const auto* typed = std::get_if<T>(&event);
            if (typed != nullptr) out.push_back(*typed);
            return typed != nullptr;
        });
        return out;
    }

    Instant now{};
    pinhole::test::SeededRandom random{kSeed};
    Server server;
    std::map<Endpoint, TestClient*> clients;
    std::vector<Sent> strays;
    std::vector<Event> events;
    /// Answers claims as a store would that never fails.
    bool stores_claims = true;
};

/// A peer as far as the server meets it.
class TestClient {
  public:
    TestClient(World& world, std::string_view where) : TestClient(world, where, nullptr) {}
    /// Another process with the key of `same_key`.
    TestClient(World& world, std::string_view where, const TestClient& same_key)
        : TestClient(world, where, &same_key) {}
    ~TestClient() { world_.clients.erase(path.remote); }
    TestClient(const TestClient&) = delete;
    TestClient& operator=(const TestClient&) = delete;

    /// A new handshake up to a session that the server does not know to be proven yet.
    void handshake();
    void start_attempt();
    void send_initiation(const Cookie& with) { send(attempt->initiation(with).bytes()); }

    /// A handshake and `register`.
    void enter(std::string_view as, wire::AcceptMode accept = wire::AcceptMode::kOpen) {
        handshake();
        send(wire::Register{.request = ++request, .accept = accept, .id = id(as)});
    }

    template <class Frame>
    [[nodiscard]] ByteVector seal(const Frame& frame) {
        ByteBuffer<kDatagramMax> out;
        const std::size_t size =
            wire::encode(frame, out.storage().subspan(wire::kTransportHeaderSize));
        out.resize(size + wire::kTransportOverhead);
        EXPECT_TRUE(session->seal_in_place(out.bytes()));
        return to_vector(out.bytes());
    }
    template <class Frame>
        requires(!std::convertible_to<Frame, Bytes>)
    void send(const Frame& frame) {
        send(seal(frame));
    }
    void send(Bytes datagram) { world_.deliver(path, datagram); }
    void send_from(std::string_view where, Bytes datagram) {
        world_.deliver({.socket = path.socket, .remote = endpoint(where)}, datagram);
    }

    void receive(const Path& from, Bytes datagram);
    /// Opens a transport message, whoever received it.
    void open(Bytes datagram);
    void move_to(std::string_view where);

    /// Frames of one type since the last call; what they borrow stays valid.
    template <class T>
    [[nodiscard]] std::vector<T> take() {
        std::vector<T> out;
        for (auto& frame : std::exchange(frames, {})) {
            const auto parsed = wire::parse_server_frame(frame);
            EXPECT_TRUE(parsed.has_value());
            const T* typed = parsed ? std::get_if<T>(&*parsed) : nullptr;
            if (typed == nullptr) {
                frames.push_back(std::move(frame));
                continue;
            }
            out.push_back(*typed);
            kept_.push_back(std::move(frame));
        }
        return out;
    }
    [[nodiscard]] bool is_registered() { return !take<wire::Registered>().empty(); }
    void ask_for(std::string_view whom, std::uint8_t nonce, const wire::CandidateList& list = {}) {
        send(wire::Connect{.nonce = nonce_of(nonce), .target = id(whom), .candidates = list});
    }
    [[nodiscard]] static IntroductionNonce nonce_of(std::uint8_t number) {
        IntroductionNonce out{};
        out.fill(static_cast<std::byte>(number));
        return out;
    }

    crypto::KeyPair keys;
    Path path;
    Incarnation incarnation;
    /// What it offers in its handshakes.
    std::uint32_t features = 0;
    std::optional<session::Attempt> attempt;
    std::optional<session::ServerSession> session;
    Cookie cookie{};
    std::uint16_t request = 0;
    /// Plaintext frames that were not taken yet.
    std::vector<ByteVector> frames;
    std::size_t retries = 0;
    std::size_t responses = 0;
    std::vector<wire::Gone> gone;
    /// The last transport message that was received, sealed as it came.
    ByteVector last_datagram;

  private:
    TestClient(World& world, std::string_view where, const TestClient* same_key)
        : keys(same_key ? same_key->keys.clone() : crypto::KeyPair::generate(world.random)),
          path{.socket = kSocketV4, .remote = endpoint(where)},
          incarnation(world.random.u64()),
          world_(world) {
        world.clients[path.remote] = this;
    }

    [[nodiscard]] session::LocalSide local_side() const {
        return {.keys = keys, .psk = no_psk_, .features = features, .incarnation = incarnation};
    }

    World& world_;
    crypto::Psk no_psk_;
    session::SessionContext context_{.keys = keys, .psk = no_psk_, .policy = {}};
    std::deque<ByteVector> kept_;
};

}  // namespace pinhole::rendezvous::test
