#include "shared/library/live_node.hpp"

#include <gtest/gtest.h>

#include "shared/net/clock.hpp"

namespace pinhole::library {
namespace {

node::NodeConfig config() {
    crypto::SystemRandom random;
    return {.id = *wire::Id::parse("alice"), .keys = crypto::KeyPair::generate(random)};
}

// An address that is nobody's: the node hears at once that its server's name leads nowhere.
constexpr const char* kNobody = "0.0.0.0";
// One where nobody answers on this machine.
constexpr const char* kSilent = "127.0.0.1:9";

TEST(LiveNode, TellsThatTheServersNameLeadsNowhere) {
    LiveNode live{config(), std::nullopt, kNobody};
    ASSERT_TRUE(live.poll(10s));
    const pinhole_event* event = live.next_event();
    ASSERT_NE(event, nullptr);
    EXPECT_EQ(event->type, PINHOLE_EVENT_SERVER_LOST);
    EXPECT_EQ(event->as.server_lost.trouble, PINHOLE_TROUBLE_NAME);
    EXPECT_EQ(live.next_event(), nullptr);
}

TEST(LiveNode, KeepsAnEventUntilItIsTaken) {
    LiveNode live{config(), std::nullopt, kNobody};
    ASSERT_TRUE(live.poll(std::nullopt));
    EXPECT_TRUE(live.poll(Duration{0}));
    EXPECT_NE(live.next_event(), nullptr);
    EXPECT_FALSE(live.poll(Duration{0}));  // takes what was handed out
    EXPECT_EQ(live.next_event(), nullptr);
}

TEST(LiveNode, WaitsAsLongAsItMay) {
    LiveNode live{config(), std::nullopt, kSilent};
    const Instant began = net::now();
    EXPECT_FALSE(live.poll(20ms));
    EXPECT_GE(net::now() - began, 20ms);
    EXPECT_FALSE(live.poll(Duration{0}));
}

// Sockets of one node are not in the way of another, in whichever order they end.
TEST(LiveNode, LivesBesideAnother) {
    auto first = std::make_unique<LiveNode>(config(), std::nullopt, kSilent);
    const auto second = std::make_unique<LiveNode>(config(), std::nullopt, kSilent);
    EXPECT_FALSE(first->poll(1ms));
    first.reset();
    EXPECT_FALSE(second->poll(1ms));
}

}  // namespace
}  // namespace pinhole::library
