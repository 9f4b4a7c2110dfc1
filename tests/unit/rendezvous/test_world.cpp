#include "tests/unit/rendezvous/test_world.hpp"

namespace pinhole::rendezvous::test {

void World::drain() {
    while (const auto out = server.poll_transmit()) {
        // A copy: a client may answer at once, and the server then uses the memory again.
        const ByteVector run = to_vector(out->bytes);
        for_each_datagram(run, out->segment_size, [&](Bytes datagram) {
            const auto found = clients.find(out->path.remote);
            if (found == clients.end()) {
                strays.push_back({out->path, to_vector(datagram)});
            } else {
                found->second->receive(out->path, datagram);
            }
        });
    }
    while (const auto event = server.poll_event()) {
        events.push_back(*event);
        const auto* request = std::get_if<StoreRequest>(&*event);
        const auto* claim = request == nullptr ? nullptr : std::get_if<Claim>(&request->op);
        if (claim == nullptr || !stores_claims) continue;
        server.handle_stored(now, {.claim = *claim, .stored = true});
        drain();
    }
}

void World::settle() {
    drain();
    while (server.next_timeout() <= now) {
        server.handle_timeout(now);
        drain();
    }
}

void World::advance(Duration by) {
    const Instant end = now + by;
    while (server.next_timeout() <= end) {
        now = std::max(now, server.next_timeout());
        settle();
    }
    now = end;
    settle();
}

void TestClient::start_attempt() {
    auto started = session::Attempt::start(world_.now, local_side(),
                                           {.remote = world_.server.public_key(),
                                            .prologue = session::server_prologue(),
                                            .sender = SessionIndex{world_.random.u32()}},
                                           world_.random);
    ASSERT_TRUE(started.has_value());
    attempt.emplace(std::move(*started));
}

void TestClient::handshake() {
    session.reset();
    start_attempt();
    send_initiation(Cookie{});
    send_initiation(cookie);
    ASSERT_TRUE(session.has_value());
}

void TestClient::receive(const Path& from, Bytes datagram) {
    EXPECT_EQ(from.remote, path.remote);
    const auto kind = wire::classify(datagram);
    ASSERT_TRUE(kind.has_value());
    if (*kind == wire::Kind::kRetry) {
        cookie = wire::parse_retry(datagram)->cookie;
        ++retries;
    } else if (*kind == wire::Kind::kHandshakeResponse) {
        ++responses;
        auto finished = attempt->handle_response(*wire::parse_response(datagram));
        if (finished) {
            session.emplace(world_.now, context_, world_.server.public_key(), finished->keys);
        }
    } else if (*kind == wire::Kind::kTransport) {
        open(datagram);
    } else if (*kind == wire::Kind::kGone) {
        gone.push_back(*wire::parse_gone(datagram));
    }
}

void TestClient::open(Bytes datagram) {
    last_datagram = to_vector(datagram);
    ByteVector copy = last_datagram;
    const auto opened =
        session->open_in_place(world_.now, *wire::parse_transport_header(copy), copy);
    // A message of an older session of the same peer is not for this one.
    if (opened) frames.push_back(to_vector(opened->frame));
}

void TestClient::move_to(std::string_view where) {
    world_.clients.erase(path.remote);
    path.remote = endpoint(where);
    world_.clients[path.remote] = this;
}

}  // namespace pinhole::rendezvous::test
