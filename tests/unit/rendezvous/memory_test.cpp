// What a registered peer costs the server, counted where memory is handed out.
#include <cstdlib>
#include <new>

#include <fmt/format.h>
#include <malloc.h>

#include "tests/unit/rendezvous/test_world.hpp"

namespace {

/// What the allocator handed out and did not get back, with its rounding.
std::size_t live_bytes = 0;

}  // namespace

void* operator new(std::size_t size) {
    void* out = std::malloc(size);
    if (out == nullptr) throw std::bad_alloc{};
    live_bytes += ::malloc_usable_size(out);
    return out;
}
void operator delete(void* at) noexcept {
    if (at != nullptr) live_bytes -= ::malloc_usable_size(at);
    std::free(at);
}
void operator delete(void* at, std::size_t /*size*/) noexcept {
    operator delete(at);
}
// A sanitizer's own do not come here by themselves.
void* operator new[](std::size_t size) {
    return operator new(size);
}
void operator delete[](void* at) noexcept {
    operator delete(at);
}
void operator delete[](void* at, std::size_t /*size*/) noexcept {
    operator delete(at);
}

namespace pinhole::rendezvous::test {
namespace {

/// As many as fill a slab's first block, so that no free place is counted.
constexpr std::size_t kPeers = 4096;
/// A million peers are to fit into 400 MiB.
constexpr std::size_t kBytesPerPeerMax = 419;

/// Registers peers of as many subscribers; nothing of them stays but what the server keeps.
void register_all(World& world) {
    for (std::size_t i = 0; i < kPeers; ++i) {
        TestClient client{world, fmt::format("10.0.{}.{}:4000", i / 250, 1 + i % 250)};
        client.enter(fmt::format("peer-{}", i));
        world.advance(5ms);
    }
    // Longer than answers to handshakes are kept.
    world.advance(10s);
    std::vector<Event>{}.swap(world.events);
    std::vector<Sent>{}.swap(world.strays);
}

TEST(Memory, OfARegisteredPeerIsFewHundredBytes) {
    World world;
    const std::size_t before = live_bytes;
    register_all(world);
    ASSERT_EQ(world.server.registered(), kPeers);
    ASSERT_EQ(world.server.sizes().half_open, 0U);
    const std::size_t per_peer = (live_bytes - before) / kPeers;
    EXPECT_LE(per_peer, kBytesPerPeerMax);
    // Less than the keys alone: the test would not see what it counts.
    EXPECT_GE(per_peer, sizeof(Client));
}

TEST(Memory, OfAPeerStaysTheSameHoweverOftenItSaysThatItLives) {
    World world;
    TestClient client{world, "10.0.0.1:4000"};
    client.enter("alice");
    const auto keep_alive = [&](std::uint64_t times) {
        for (std::uint64_t i = 0; i < times; ++i) {
            client.frames.clear();
            client.send(wire::Keepalive{.wants_ack = true});
            ASSERT_EQ(client.frames.size(), 1U);
        }
    };
    keep_alive(10);
    const std::size_t before = live_bytes;
    keep_alive(3 * crypto::Cipher::kBusyFrom);
    EXPECT_EQ(live_bytes, before);
}

}  // namespace
}  // namespace pinhole::rendezvous::test
