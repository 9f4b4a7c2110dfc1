// What a node takes from the server's stream: what the server says, and nothing else.
#include <gtest/gtest.h>

#include "shared/node/node.hpp"
#include "shared/wire/kind.hpp"
#include "tests/support/seeded_random.hpp"

namespace pinhole::node {
namespace {

TEST(StreamDemux, AStreamIsNoPathToAPeer) {
    test::SeededRandom random{1};
    Node node{{.id = *Id::parse("alice"), .keys = crypto::KeyPair::generate(random)}, random};
    const Path stream{SocketId{kStreamBit}, *Endpoint::parse("198.51.100.10:3478")};
    std::uint64_t expected = 0;
    for (int kind = 0; kind < 16; ++kind) {
        if (kind == static_cast<int>(wire::Kind::kBindingResponse)) continue;
        // Long enough for each kind; no index in it leads to a session with the server.
        ByteVector message(300, std::byte{0});
        message[0] = static_cast<std::byte>(kind);
        message[1] = std::byte{1};
        node.handle_datagram(Instant{}, {stream, message});
        EXPECT_EQ(node.drops()[Drop::kUnexpected], ++expected) << "kind " << kind;
    }
    EXPECT_EQ(node.drops().total(), expected);
    EXPECT_FALSE(node.poll_transmit().has_value());
}

}  // namespace
}  // namespace pinhole::node
