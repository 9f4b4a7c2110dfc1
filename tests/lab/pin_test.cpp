// Pinned keys: no other key is talked to, and message 1 for the pinned one rides in `connect`.
#include <gtest/gtest.h>

#include "tests/lab/chatter.hpp"
#include "tests/lab/pair.hpp"

namespace pinhole::lab {
namespace {

crypto::PublicKey foreign_key(std::uint64_t seed) {
    test::SeededRandom random{seed + 1000};
    return crypto::KeyPair::generate(random).public_key;
}

TEST(Pin, RefusesAnotherKeyWithoutAHandshakeWhenCalling) {
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
        Pair pair{seed};
        SCOPED_TRACE(pair.town.where());
        ASSERT_TRUE(pair.town.register_all());
        pair.town.trust(pair.alice, "bob", foreign_key(seed));
        pair.town.connect(pair.alice, pair.bob);
        ASSERT_TRUE(pair.town.run_until([&] { return !pair.alice.mismatches().empty(); }, 5s));
        const node::KeyMismatch& mismatch = pair.alice.mismatches().front();
        EXPECT_EQ(mismatch.id.text(), "bob");
        EXPECT_EQ(mismatch.announced, pair.bob.key());
        EXPECT_EQ(mismatch.pinned, foreign_key(seed));
        EXPECT_FALSE(mismatch.incoming);
        pair.town.run_for(30s);
        EXPECT_EQ(failures_for(pair.alice, node::CloseReason::kKeyMismatch), 1U);
        EXPECT_EQ(pair.alice.connections() + pair.bob.connections(), 0U);
        const auto bobs_router = pair.town.nat("b").wan();
        EXPECT_EQ(pair.alice.host().sent_to(bobs_router).datagrams, 0U);
        EXPECT_EQ(pair.town.server().metrics().relayed.datagrams, 0U);
        // What rode in `connect` was for the pinned key, and nobody else can tell for whom.
        EXPECT_GE(pair.bob.node().drops()[Drop::kBadMac], 1U);
    }
}

TEST(Pin, RefusesAnotherKeyWithoutAHandshakeWhenCalled) {
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
        Pair pair{seed};
        SCOPED_TRACE(pair.town.where());
        ASSERT_TRUE(pair.town.register_all());
        pair.town.trust(pair.bob, "alice", foreign_key(seed));
        pair.town.connect(pair.alice, pair.bob, false);
        ASSERT_TRUE(pair.town.run_until([&] { return !pair.bob.mismatches().empty(); }, 5s));
        EXPECT_TRUE(pair.bob.mismatches().front().incoming);
        EXPECT_EQ(pair.bob.mismatches().front().announced, pair.alice.key());
        pair.town.run_for(30s);
        EXPECT_EQ(pair.alice.connections() + pair.bob.connections(), 0U);
        const auto alices_router = pair.town.nat("a").wan();
        EXPECT_EQ(pair.bob.host().sent_to(alices_router).datagrams, 0U);
    }
}

TEST(Pin, OfTheRightKeyConnectsDirectly) {
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
        Pair pair{seed};
        SCOPED_TRACE(pair.town.where());
        vary_delays(pair.town, {&pair.alice, &pair.bob});
        ASSERT_TRUE(pair.town.register_all());
        pair.town.trust(pair.alice, "bob", pair.bob.key());
        pair.town.trust(pair.bob, "alice", pair.alice.key());
        EXPECT_TRUE(pair.connect());
        EXPECT_TRUE(pair.alice.mismatches().empty() && pair.bob.mismatches().empty());
        const auto is_direct = [&] { return pair.alice.is_direct() && pair.bob.is_direct(); };
        EXPECT_TRUE(pair.town.run_until(is_direct, 3s));
    }
}

TEST(Pin, ConnectsUnderLossOverTheRelayAlone) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        Pair pair{seed, {}, {}, "apdm_apdf_r"};
        auto& [town, alice, bob] = pair;
        SCOPED_TRACE(town.where());
        ASSERT_TRUE(town.register_all());
        town.trust(alice, "bob", bob.key());
        for (Peer* peer : {&alice, &bob}) {
            peer->host().cable().set_quality({.delay = 20ms, .loss = 0.3});
        }
        Talk talk{town, alice, bob, 50ms};
        talk.start();
        town.connect(alice, bob);
        ASSERT_TRUE(town.run_until([&] { return talk.there.said() > 5; }, 30s));
        for (Peer* peer : {&alice, &bob}) peer->host().cable().set_quality({});
        town.run_for(5s);
        talk.stop();
        EXPECT_TRUE(town.run_until([&] { return talk.is_heard(); }, 15s));
        EXPECT_EQ(talk.flaw(), "");
        EXPECT_EQ(alice.connections() + bob.connections(), 2U);
    }
}

TEST(Pin, OfWhomIsNeverThereUsesNothingUp) {
    // Each try has an index and an ENet slot, of which there are 64.
    Pair pair{1};
    SCOPED_TRACE(pair.town.where());
    pair.town.start(pair.alice);
    pair.town.trust(pair.alice, "bob", pair.bob.key());
    pair.town.connect(pair.alice, pair.bob);
    pair.town.run_for(15min);
    ASSERT_GT(pair.alice.failures().size(), 100U);
    EXPECT_EQ(failures_for(pair.alice, node::CloseReason::kUnknownPeer),
              pair.alice.failures().size());
    pair.town.start(pair.bob);
    EXPECT_TRUE(pair.town.run_until([&] { return pair.is_connected(); }, 15s));
    EXPECT_EQ(pair.alice.node().drops()[Drop::kLimit], 0U);
}

TEST(Pin, ThatChangesOnTheWayIsTheOneThatCounts) {
    // Message 1 rode for the old pin; the announced key is the new one.
    Pair pair{1};
    SCOPED_TRACE(pair.town.where());
    ASSERT_TRUE(pair.town.register_all());
    pair.town.trust(pair.alice, "bob", foreign_key(1));
    pair.town.connect(pair.alice, pair.bob);
    pair.town.trust(pair.alice, "bob", pair.bob.key());
    ASSERT_TRUE(pair.town.run_until([&] { return pair.is_connected(); }, 3s));
    EXPECT_TRUE(pair.alice.mismatches().empty());
    EXPECT_TRUE(pair.alice.failures().empty());
}

}  // namespace
}  // namespace pinhole::lab
