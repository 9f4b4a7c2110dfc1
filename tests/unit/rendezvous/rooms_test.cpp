#include <memory>

#include <fmt/format.h>

#include "tests/unit/rendezvous/test_world.hpp"

namespace pinhole::rendezvous::test {
namespace {

using Names = std::vector<std::string>;

class Rooms : public testing::Test {
  protected:
    TestClient& enter(const std::string& name, wire::AcceptMode accept = wire::AcceptMode::kOpen) {
        clients.push_back(std::make_unique<TestClient>(
            world,
            fmt::format("100.{}.{}.4:4000", 64 + clients.size() / 256, clients.size() % 256)));
        clients.back()->enter(name, accept);
        EXPECT_TRUE(clients.back()->is_registered()) << name;
        return *clients.back();
    }

    /// To another place, which the server has seen and validated afterwards.
    static void move(TestClient& client, std::string_view where) {
        client.move_to(where);
        client.send(wire::Keepalive{});
        const auto challenges = client.take<wire::Challenge>();
        ASSERT_EQ(challenges.size(), 1U);
        client.send(wire::Response{.id = challenges[0].id});
    }

    static void join(TestClient& client, std::string_view room, std::uint32_t version = 0) {
        client.send(wire::Join{.room = id(room), .version = version});
    }
    static void leave(TestClient& client, std::string_view room) {
        client.send(wire::Leave{.room = id(room)});
    }

    /// The snapshots that came since the last look.
    [[nodiscard]] static std::vector<wire::Members> snapshots(TestClient& client) {
        return client.take<wire::Members>();
    }
    /// Whom the only snapshot since the last look names.
    [[nodiscard]] static Names told(TestClient& client) {
        const auto all = snapshots(client);
        EXPECT_EQ(all.size(), 1U);
        return all.empty() ? Names{"nothing"} : names_in(all.back());
    }
    [[nodiscard]] static Names names_in(const wire::Members& members) {
        Names out;
        for (const auto& member : members.members) out.emplace_back(member.id.text());
        return out;
    }
    [[nodiscard]] static std::vector<wire::ErrorCode> refusals(TestClient& client,
                                                               std::string_view room) {
        std::vector<wire::ErrorCode> out;
        for (const auto& error : client.take<wire::Error>()) {
            EXPECT_EQ(error.room, id(room));
            EXPECT_EQ(error.request, 0U);
            out.push_back(error.code);
        }
        return out;
    }
    /// Lets the pushes happen that wait for the end of the interval.
    void quieten() { world.advance(kRoomPushInterval); }

    World world;
    std::vector<std::unique_ptr<TestClient>> clients;
};

TEST_F(Rooms, TellTheNewcomerOfTheOthersAndTheOthersOfTheNewcomer) {
    TestClient& alice = enter("alice");
    TestClient& bob = enter("bob");
    join(alice, "garden");
    EXPECT_EQ(told(alice), Names{});
    quieten();
    join(bob, "garden");
    const auto to_bob = snapshots(bob);
    ASSERT_EQ(to_bob.size(), 1U);
    EXPECT_EQ(to_bob[0].room, id("garden"));
    ASSERT_EQ(to_bob[0].members.size(), 1U);
    EXPECT_EQ(to_bob[0].members[0].id, id("alice"));
    EXPECT_EQ(to_bob[0].members[0].key, alice.keys.public_key.raw);
    const auto to_alice = snapshots(alice);
    ASSERT_EQ(to_alice.size(), 1U);
    EXPECT_EQ(names_in(to_alice[0]), Names{"bob"});
    EXPECT_EQ(to_alice[0].version, to_bob[0].version);
    quieten();
    EXPECT_TRUE(snapshots(bob).empty());  // it knows already
    EXPECT_EQ(world.server.sizes().rooms, 1U);
    EXPECT_EQ(world.server.sizes().room_members, 2U);
}

TEST_F(Rooms, AreForRegisteredClientsOnly) {
    TestClient stranger(world, "192.0.2.7:4000");
    stranger.handshake();
    join(stranger, "garden");
    leave(stranger, "garden");
    EXPECT_TRUE(stranger.frames.empty());
    EXPECT_EQ(world.server.sizes().rooms, 0U);
    EXPECT_EQ(world.server.metrics().drops[Drop::kUnexpected], 2U);
}

TEST_F(Rooms, ShowWhoWantsToBeAskedBeforeCalls) {
    TestClient& alice = enter("alice", wire::AcceptMode::kAsk);
    TestClient& bob = enter("bob");
    join(alice, "garden");
    join(bob, "garden");
    EXPECT_EQ(told(bob), Names{"alice"});
}

TEST_F(Rooms, AreApart) {
    TestClient& alice = enter("alice");
    TestClient& bob = enter("bob");
    join(alice, "garden");
    join(alice, "kitchen");
    EXPECT_EQ(snapshots(alice).size(), 2U);
    join(bob, "kitchen");
    EXPECT_EQ(told(bob), Names{"alice"});
    leave(alice, "garden");
    quieten();
    EXPECT_TRUE(snapshots(bob).empty());
    EXPECT_EQ(world.server.sizes().rooms, 1U);
    EXPECT_EQ(world.server.sizes().room_members, 2U);
}

TEST_F(Rooms, AnswerAskersWhoseVersionIsAnotherAndNobodyElse) {
    TestClient& alice = enter("alice");
    TestClient& bob = enter("bob");
    join(alice, "garden");
    const std::uint32_t alone = snapshots(alice).at(0).version;
    join(bob, "garden");
    quieten();
    const auto pushed = snapshots(alice);
    ASSERT_EQ(pushed.size(), 1U);
    EXPECT_TRUE(wire::is_newer_version(pushed[0].version, alone));

    join(alice, "garden", pushed[0].version);
    EXPECT_TRUE(snapshots(alice).empty());
    join(alice, "garden", alone);  // the push was lost
    quieten();
    EXPECT_EQ(told(alice), Names{"bob"});
    join(alice, "garden", 0);
    quieten();
    EXPECT_EQ(told(alice), Names{"bob"});
    EXPECT_EQ(world.server.sizes().room_members, 2U);
    EXPECT_EQ(snapshots(bob).size(), 1U);  // its own; nothing has changed for it
}

TEST_F(Rooms, HearWhoLeavesAndConfirmIt) {
    TestClient& alice = enter("alice");
    TestClient& bob = enter("bob");
    join(alice, "garden");
    join(bob, "garden");
    quieten();
    static_cast<void>(snapshots(alice));
    static_cast<void>(snapshots(bob));
    for (int copy = 0; copy < 2; ++copy) {
        leave(bob, "garden");
        const auto confirmed = snapshots(bob);
        ASSERT_EQ(confirmed.size(), 1U);
        EXPECT_EQ(confirmed[0].version, 0U);
        EXPECT_TRUE(confirmed[0].members.empty());
    }
    quieten();
    EXPECT_EQ(told(alice), Names{});
    leave(alice, "garden");
    EXPECT_EQ(world.server.sizes().rooms, 0U);
    EXPECT_EQ(world.server.sizes().room_members, 0U);
}

TEST_F(Rooms, GoOnCountingWhereAnEmptiedOneStopped) {
    TestClient& alice = enter("alice");
    join(alice, "garden");
    join(alice, "kitchen");
    const std::uint32_t before = snapshots(alice).at(0).version;
    leave(alice, "garden");
    static_cast<void>(snapshots(alice));
    join(alice, "garden");
    EXPECT_TRUE(wire::is_newer_version(snapshots(alice).at(0).version, before));
}

TEST_F(Rooms, HearOfEveryEndOfARegistration) {
    TestClient& alice = enter("alice");
    TestClient& bob = enter("bob");
    join(alice, "garden");

    join(bob, "garden");
    quieten();
    EXPECT_EQ(names_in(snapshots(alice).back()), Names{"bob"});
    bob.send(wire::Close{});
    quieten();
    EXPECT_EQ(told(alice), Names{}) << "close";

    bob.enter("bob");
    join(bob, "garden");
    quieten();
    EXPECT_EQ(told(alice), Names{"bob"});
    TestClient other(world, "198.51.99.4:4000", bob);
    other.enter("bob");
    quieten();
    EXPECT_EQ(told(alice), Names{}) << "displacement: the new process did not join";

    join(other, "garden");
    quieten();
    EXPECT_EQ(told(alice), Names{"bob"});
    other.send(wire::Register{.request = ++other.request, .id = id("robert")});
    quieten();
    EXPECT_EQ(told(alice), Names{}) << "another id";

    join(other, "garden");
    quieten();
    EXPECT_EQ(told(alice), Names{"robert"});
    for (int i = 0; i < 5; ++i) {
        world.advance(20s);
        alice.send(wire::Keepalive{});
    }
    EXPECT_EQ(told(alice), Names{}) << "silence";
    world.server.release(world.now, id("alice"));
    EXPECT_EQ(world.server.sizes().rooms, 0U) << "release";
}

TEST_F(Rooms, KeepWhoComesBackOverANewSession) {
    TestClient& alice = enter("alice");
    TestClient& bob = enter("bob");
    join(alice, "garden");
    join(bob, "garden");
    quieten();
    static_cast<void>(snapshots(alice));
    static_cast<void>(snapshots(bob));
    bob.move_to("203.0.113.77:5000");
    bob.enter("bob");  // the same process
    quieten();
    EXPECT_TRUE(snapshots(alice).empty());
    join(bob, "garden");
    EXPECT_EQ(told(bob), Names{"alice"});
    quieten();
    EXPECT_TRUE(snapshots(alice).empty());
}

TEST_F(Rooms, HoldSixteenAndSayWhenTheyAreFull) {
    for (std::size_t i = 0; i < kRoomMembersMax; ++i) {
        join(enter(fmt::format("peer-{}", i)), "garden");
    }
    quieten();
    EXPECT_EQ(snapshots(*clients.front()).back().members.size(), kRoomMembersMax - 1);
    TestClient& late = enter("late");
    join(late, "garden");
    EXPECT_EQ(refusals(late, "garden"), std::vector{wire::ErrorCode::kRoomFull});
    join(*clients.front(), "garden");  // who is in is not refused
    quieten();
    EXPECT_EQ(snapshots(*clients.front()).size(), 1U);
    leave(*clients[3], "garden");
    join(late, "garden");
    EXPECT_EQ(snapshots(late).at(0).members.size(), kRoomMembersMax - 1);
    EXPECT_EQ(world.server.metrics().happened[Happening::kRoomRefused], 1U);
}

TEST_F(Rooms, OfOneClientAreFew) {
    TestClient& alice = enter("alice");
    for (std::size_t i = 0; i < kRoomsPerClient; ++i) join(alice, fmt::format("room-{}", i));
    join(alice, "one-more");
    EXPECT_EQ(refusals(alice, "one-more"), std::vector{wire::ErrorCode::kLimit});
    EXPECT_EQ(world.server.sizes().rooms, kRoomsPerClient);
    leave(alice, "room-0");
    join(alice, "one-more");
    EXPECT_EQ(world.server.sizes().rooms, kRoomsPerClient);
    EXPECT_TRUE(refusals(alice, "one-more").empty());
}

TEST_F(Rooms, OfOneAddressAreBoundedSoThatOthersFindPlaces) {
    // New ids have a budget for each prefix, so everybody comes from elsewhere.
    const auto enter_at_home = [&](const std::string& name) -> TestClient& {
        TestClient& client = enter(name);
        move(client, fmt::format("203.0.113.9:{}", 5000 + clients.size()));
        return client;
    };
    for (std::size_t i = 0; i < kRoomMembershipsPerPrefix / kRoomsPerClient; ++i) {
        TestClient& client = enter_at_home(fmt::format("peer-{}", i));
        for (std::size_t j = 0; j < kRoomsPerClient; ++j) {
            join(client, fmt::format("room-{}-{}", i, j));
        }
    }
    ASSERT_EQ(world.server.sizes().room_members, kRoomMembershipsPerPrefix);
    TestClient& late = enter_at_home("late");
    join(late, "garden");
    EXPECT_EQ(refusals(late, "garden"), std::vector{wire::ErrorCode::kLimit});
    TestClient& elsewhere = enter("elsewhere");
    join(elsewhere, "garden");
    EXPECT_EQ(told(elsewhere), Names{});

    // Who moves does not take its place along, and gives it back from anywhere.
    move(*clients[0], "192.0.2.77:4000");
    join(late, "garden");
    EXPECT_EQ(refusals(late, "garden"), std::vector{wire::ErrorCode::kLimit});
    leave(*clients[0], "room-0-0");
    join(late, "garden");
    EXPECT_EQ(told(late), Names{"elsewhere"});
    join(late, "kitchen");
    EXPECT_EQ(refusals(late, "kitchen"), std::vector{wire::ErrorCode::kLimit});
    clients[1]->send(wire::Close{});
    join(late, "kitchen");
    EXPECT_EQ(told(late), Names{});
}

TEST_F(Rooms, AreJoinedAtTheKeysPaceByWhoComesAndGoes) {
    TestClient& alice = enter("alice");
    TestClient& bob = enter("bob");
    join(alice, "garden");
    int joined = 0;
    for (int i = 0; i < 3 * kJoinBurst; ++i) {
        join(bob, "garden");
        joined += snapshots(bob).empty() ? 0 : 1;
        leave(bob, "garden");
        static_cast<void>(snapshots(bob));
    }
    EXPECT_EQ(joined, kJoinBurst);
    EXPECT_EQ(refusals(bob, "garden").size(), static_cast<std::size_t>(2 * kJoinBurst));
    // A fresh session and process are the same key.
    bob.send(wire::Close{});
    bob.enter("bob");
    join(bob, "garden");
    EXPECT_EQ(refusals(bob, "garden"), std::vector{wire::ErrorCode::kLimit});
    world.advance(kJoinInterval);
    join(bob, "garden");
    EXPECT_TRUE(refusals(bob, "garden").empty());
}

TEST_F(Rooms, PushInIntervalsHoweverManyComeAndGo) {
    TestClient& alice = enter("alice");
    join(alice, "garden");
    quieten();
    static_cast<void>(snapshots(alice));
    constexpr int kRounds = 4;
    for (int i = 0; i < 10; ++i) enter(fmt::format("peer-{}", i));
    const Instant begin = world.now;
    for (int round = 0; round < kRounds; ++round) {
        for (int i = 1; i <= 10; ++i) {
            join(*clients[static_cast<std::size_t>(i)], "garden");
            leave(*clients[static_cast<std::size_t>(i)], "garden");
            world.advance(1ms);
        }
    }
    ASSERT_LT(world.now - begin, kRoomPushInterval);
    EXPECT_LE(snapshots(alice).size(), 1U);  // at once, and then none
    quieten();
    EXPECT_EQ(told(alice), Names{});
    world.advance(10 * kRoomPushInterval);
    EXPECT_TRUE(snapshots(alice).empty());
}

// A question is a fraction of a snapshot's size, and costs no budget.
TEST_F(Rooms, AnswerNoFasterThanTheyPushHoweverOftenAMemberAsks) {
    TestClient& alice = enter("alice");
    join(alice, "garden");
    quieten();
    static_cast<void>(snapshots(alice));
    const Instant begin = world.now;
    for (int i = 0; i < 100; ++i) {
        join(alice, "garden", 0);
        world.advance(1ms);
    }
    ASSERT_LT(world.now - begin, kRoomPushInterval);
    EXPECT_LE(snapshots(alice).size(), 1U);
    quieten();
    EXPECT_EQ(snapshots(alice).size(), 1U);
    world.advance(10 * kRoomPushInterval);
    EXPECT_TRUE(snapshots(alice).empty());
}

}  // namespace
}  // namespace pinhole::rendezvous::test
