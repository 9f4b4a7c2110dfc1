// Rooms: members find each other through the rendezvous and talk on without it.
#include "tests/lab/mesh.hpp"

#include <array>

#include <gtest/gtest.h>

#include "tests/lab/pair.hpp"

namespace pinhole::lab {
namespace {

using Names = std::set<std::string>;

crypto::Psk group_key() {
    FixedBytes<32> bytes{};
    bytes.fill(std::byte{7});
    return crypto::Psk{bytes};
}

/// Sixteen homes, among which every two find a direct path.
std::vector<Peer*> sixteen(Town& town) {
    constexpr std::array<const char*, 8> kNats{
        "open",     "eim_eif",          "eim_adf",          "eim_apdf",
        "eim_apdf", "linux_masquerade", "linux_masquerade", "linux_masquerade_input_drop"};
    std::vector<Peer*> peers;
    for (std::size_t i = 0; i < 16; ++i) {
        peers.push_back(&town.add_peer(fmt::format("peer-{:02}", i),
                                       town.home(fmt::format("h{}", i), kNats[i % kNats.size()])));
    }
    return peers;
}

TEST(Mesh, OfSixteenBehindNatsTalksOnWhenTheServerIsGone) {
    constexpr std::size_t kPairs = 16 * 15 / 2;
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
        Town town{seed};
        SCOPED_TRACE(town.where());
        const auto peers = sixteen(town);
        ASSERT_TRUE(town.register_all());
        Mesh mesh{town, peers, "garden"};
        mesh.join();
        ASSERT_TRUE(mesh.run_until([&] { return mesh.direct_pairs() == kPairs; }, 30s))
            << mesh.connected_pairs() << " of 120 pairs are connected, " << mesh.direct_pairs()
            << " directly";
        EXPECT_EQ(mesh.connected_pairs(), kPairs);
        EXPECT_TRUE(mesh.knows_itself());

        Peer& leaver = *peers[5];
        town.leave(leaver, "garden");
        const auto knows_leaver = [&](const Peer* peer) {
            return peer->members_of("garden").contains(leaver.id());
        };
        EXPECT_TRUE(town.run_until([&] { return std::ranges::none_of(peers, knows_leaver); }, 1s));
        EXPECT_EQ(mesh.connected_pairs(), kPairs);  // its sessions are its own business

        town.kill_server();
        town.run_for(30s);
        EXPECT_EQ(mesh.texts_that_arrive(5s), 2 * kPairs);
        for (const Peer* peer : peers) EXPECT_TRUE(peer->room_refusals().empty()) << peer->id();
    }
}

TEST(Room, ThatIsClosedIsSeenByNobodyWithoutTheKey) {
    Town town{2};
    SCOPED_TRACE(town.where());
    Peer& alice = town.add_peer("alice", town.home("a", "eim_apdf"), {.psk = group_key()});
    Peer& bob = town.add_peer("bob", town.home("b", "eim_apdf"), {.psk = group_key()});
    Peer& mallory = town.add_peer("mallory", town.home("m", "open"));
    ASSERT_TRUE(town.register_all());
    for (Peer* peer : {&alice, &bob, &mallory}) town.join(*peer, "garden");
    town.run_for(30s);
    EXPECT_EQ(alice.members_of("garden"), Names{"bob"});
    EXPECT_EQ(bob.members_of("garden"), Names{"alice"});
    EXPECT_TRUE(mallory.is_in("garden"));  // in a room of its own
    EXPECT_EQ(mallory.members_of("garden"), Names{});
}

TEST(Room, HearsOfALostPushWithTheNextKeepalive) {
    Pair pair{3};
    Town& town = pair.town;
    SCOPED_TRACE(town.where());
    ASSERT_TRUE(town.register_all());
    town.join(pair.alice, "garden");
    town.run_for(1s);
    ASSERT_TRUE(pair.alice.is_in("garden"));
    town.uplink("a").set_up(false);
    town.join(pair.bob, "garden");
    town.run_for(1s);
    town.uplink("a").set_up(true);
    EXPECT_EQ(pair.alice.members_of("garden"), Names{});
    EXPECT_TRUE(
        town.run_until([&] { return pair.alice.members_of("garden") == Names{"bob"}; }, 21s));
}

TEST(Room, IsLeftThoughTheFarewellFellIntoAGap) {
    Pair pair{8};
    Town& town = pair.town;
    SCOPED_TRACE(town.where());
    ASSERT_TRUE(town.register_all());
    for (Peer* peer : {&pair.alice, &pair.bob}) town.join(*peer, "garden");
    town.run_for(1s);
    ASSERT_EQ(pair.alice.members_of("garden"), Names{"bob"});
    town.uplink("b").set_up(false);
    town.leave(pair.bob, "garden");
    town.run_for(12s);
    town.uplink("b").set_up(true);
    EXPECT_TRUE(town.run_until([&] { return pair.alice.members_of("garden").empty(); }, 10s));
}

TEST(Room, IsEnteredAfterAGapWithoutAWordAboutTheServer) {
    for (Duration gap = 8s; gap <= 18s; gap += 500ms) {
        Pair pair{9};
        Town& town = pair.town;
        SCOPED_TRACE(fmt::format("{}, {} ms", town.where(), gap / 1ms));
        ASSERT_TRUE(town.register_all());
        town.uplink("a").set_up(false);
        town.join(pair.alice, "garden");
        town.run_for(gap);
        town.uplink("a").set_up(true);
        EXPECT_TRUE(town.run_until([&] { return pair.alice.is_in("garden"); }, 30s));
        EXPECT_TRUE(pair.alice.room_refusals().empty());
    }
}

TEST(Room, IsEnteredAnewAfterTheServerCameBackAndNothingIsSaidBefore) {
    Pair pair{4};
    Town& town = pair.town;
    SCOPED_TRACE(town.where());
    ASSERT_TRUE(town.register_all());
    for (Peer* peer : {&pair.alice, &pair.bob}) town.join(*peer, "garden");
    town.run_for(1s);
    ASSERT_EQ(pair.alice.members_of("garden"), Names{"bob"});
    const std::size_t told = pair.alice.told_of_rooms();
    town.kill_server();
    town.run_for(5min);
    EXPECT_EQ(pair.alice.told_of_rooms(), told);
    EXPECT_TRUE(pair.alice.room_refusals().empty());
    town.start_server();
    const auto is_back = [&] {
        return pair.alice.told_of_rooms() > told && town.server().sizes().room_members == 2 &&
               pair.alice.members_of("garden") == Names{"bob"};
    };
    EXPECT_TRUE(town.run_until(is_back, 90s));
}

// A server that answers keepalives and no `join`, which among our datagrams is the only one of its
// size.
TEST(Room, IsRefusedInTheNameOfAServerThatKnowsNone) {
    constexpr std::string_view kName = "a-name-of-thirty-one-characters";
    constexpr std::size_t kJoin = wire::kTransportOverhead + 1 + 1 + kName.size() + 4;
    Pair pair{7};
    Town& town = pair.town;
    SCOPED_TRACE(town.where());
    ASSERT_TRUE(town.register_all());
    town.run_for(5s);  // what is found out about the NAT is told
    std::size_t joins = 0;
    pair.alice.host().cable().up.set_filter([&](const Packet& packet) {
        const bool is_join = packet.payload.size() == kJoin;
        joins += is_join ? 1 : 0;
        return !is_join;
    });
    town.join(pair.alice, std::string{kName});
    town.run_for(9s);
    EXPECT_TRUE(pair.alice.room_refusals().empty());
    ASSERT_TRUE(town.run_until([&] { return !pair.alice.room_refusals().empty(); }, 2s));
    EXPECT_EQ(pair.alice.room_refusals()[0].why, node::RoomTrouble::kNoAnswer);
    joins = 0;
    town.run_for(5min);
    EXPECT_GE(joins, 5U);
    EXPECT_LE(joins, 10U);
    EXPECT_EQ(pair.alice.room_refusals().size(), 1U);
    EXPECT_EQ(pair.alice.registrations(), 1U);
    pair.alice.host().cable().up.set_filter({});
    EXPECT_TRUE(town.run_until([&] { return pair.alice.is_in(std::string{kName}); }, 61s));
}

TEST(Room, LosesWhoseProcessEnds) {
    Pair pair{5};
    Town& town = pair.town;
    SCOPED_TRACE(town.where());
    ASSERT_TRUE(town.register_all());
    for (Peer* peer : {&pair.alice, &pair.bob}) town.join(*peer, "garden");
    town.run_for(1s);
    town.kill(pair.bob);
    EXPECT_TRUE(town.run_until([&] { return pair.alice.members_of("garden").empty(); }, 2min));
    EXPECT_TRUE(pair.alice.is_in("garden"));
}

TEST(Room, FollowsToTcpAndBack) {
    Pair pair{6};
    Town& town = pair.town;
    SCOPED_TRACE(town.where());
    town.take_tcp();
    ASSERT_TRUE(town.register_all());
    for (Peer* peer : {&pair.alice, &pair.bob}) town.join(*peer, "garden");
    town.run_for(1s);
    for (const bool is_blocked : {true, false}) {
        const std::size_t told = pair.alice.told_of_rooms();
        town.nat("a").become(profile_named(is_blocked ? "udp_blocked" : "eim_apdf"));
        EXPECT_TRUE(town.run_until(
            [&] {
                return pair.alice.is_over_tcp() == is_blocked && pair.alice.told_of_rooms() > told;
            },
            2min));
        EXPECT_EQ(pair.alice.members_of("garden"), Names{"bob"});
        EXPECT_EQ(town.server().sizes().room_members, 2U);
    }
}

}  // namespace
}  // namespace pinhole::lab
