// The main job: two peers register, connect by id, and talk; over the relay and directly.
#include <gtest/gtest.h>

#include "tests/lab/town.hpp"

namespace pinhole::lab {
namespace {

TEST(FirstMessage, ArrivesThroughTheRelayWhenNoDirectPathExists) {
    Town town{1};
    Peer& alice = town.add_peer("alice", town.home("a", "apdm_apdf_r"));
    Peer& bob = town.add_peer("bob", town.home("b", "apdm_apdf_r"));
    SCOPED_TRACE(town.where());
    ASSERT_TRUE(town.register_all());
    town.connect(alice, bob);
    ASSERT_TRUE(town.run_until([&] { return alice.is_connected() && bob.is_connected(); }, 3s));
    ASSERT_TRUE(town.send(alice, "hello"));
    ASSERT_TRUE(town.send(bob, "hello yourself"));
    ASSERT_TRUE(
        town.run_until([&] { return !alice.received().empty() && !bob.received().empty(); }, 3s));
    EXPECT_EQ(bob.texts(), std::vector<std::string>{"hello"});
    EXPECT_EQ(alice.texts(), std::vector<std::string>{"hello yourself"});
    EXPECT_FALSE(alice.is_direct());
}

TEST(FirstMessage, GoesDirectBetweenTwoHomeRouters) {
    Town town{1};
    Peer& alice = town.add_peer("alice", town.home("a", "eim_apdf"));
    Peer& bob = town.add_peer("bob", town.home("b", "eim_apdf"));
    SCOPED_TRACE(town.where());
    ASSERT_TRUE(town.register_all());
    town.connect(alice, bob);
    ASSERT_TRUE(town.run_until([&] { return alice.is_direct() && bob.is_direct(); }, 10s))
        << (alice.path_changed() ? traversal::sentence_of(alice.path_changed()->reason) : "");
    town.kill_server();
    ASSERT_TRUE(town.send(alice, "hello"));
    ASSERT_TRUE(town.send(bob, "hello yourself"));
    ASSERT_TRUE(
        town.run_until([&] { return !alice.received().empty() && !bob.received().empty(); }, 3s));
}

}  // namespace
}  // namespace pinhole::lab
