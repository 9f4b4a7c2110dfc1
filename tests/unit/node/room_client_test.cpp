#include "shared/node/room_client.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "shared/node/room_name.hpp"

namespace pinhole::node {
namespace {

Id id(std::string_view text) {
    return Id::parse(text).value_or(Id{});
}

/// A client of rooms and a clock; the server is the test.
class RoomClientTest : public testing::Test {
  protected:
    /// Frames that are due now.
    template <class Frame>
    [[nodiscard]] std::vector<Frame> sent() {
        std::vector<Frame> out;
        while (const auto frame = rooms.poll_frame(now)) {
            const auto* typed = std::get_if<Frame>(&*frame);
            EXPECT_NE(typed, nullptr);
            if (typed != nullptr) out.push_back(*typed);
        }
        return out;
    }
    /// Goes from deadline to deadline for `span` and counts what is sent.
    template <class Frame>
    [[nodiscard]] std::vector<Frame> sent_within(Duration span) {
        const Instant end = now + span;
        std::vector<Frame> out = sent<Frame>();
        while (rooms.next_timeout() < end) {
            now = rooms.next_timeout();
            for (const Frame& frame : sent<Frame>()) out.push_back(frame);
        }
        now = end;
        return out;
    }
    [[nodiscard]] bool hear(std::uint32_t version, std::initializer_list<const char*> who) {
        wire::Members members{.room = id("garden"), .version = version};
        for (const char* name : who) members.members.push_back({.id = id(name)});
        return rooms.handle_members(now, members).has_value();
    }
    /// A push about a room that nobody joined.
    void hear_of(const Id& room, std::uint32_t version = 9) {
        EXPECT_FALSE(rooms.handle_members(now, {.room = room, .version = version}).has_value());
    }
    /// Goes to where the patience with the server has ended, and the next question is due.
    template <class Frame>
    void run_into_doubt() {
        EXPECT_GT(sent_within<Frame>(8s).size(), 10U);
        EXPECT_FALSE(rooms.take_doubt());
        now = rooms.next_timeout();
    }
    void refuse(wire::ErrorCode code) {
        EXPECT_TRUE(rooms.handle_error(now, {.code = code, .room = id("garden")}).has_value());
    }
    template <class Event>
    [[nodiscard]] std::vector<Event> raised() {
        std::vector<Event> out;
        while (const auto event = rooms.poll_event()) {
            const auto* typed = std::get_if<Event>(&*event);
            EXPECT_NE(typed, nullptr);
            if (typed != nullptr) out.push_back(*typed);
        }
        return out;
    }
    /// Joined, with one other member.
    void enter() {
        rooms.join(now, id("garden"));
        EXPECT_EQ(sent<wire::Join>().size(), 1U);
        EXPECT_TRUE(hear(7, {"bob"}));
        EXPECT_EQ(raised<RoomMembers>().size(), 1U);
    }

    Instant now{};
    crypto::Psk no_key;
    RoomClient rooms{no_key};
};

TEST_F(RoomClientTest, AsksUntilItIsAnswered) {
    rooms.join(now, id("garden"));
    rooms.join(now, id("garden"));  // the same wish
    const auto asked = sent_within<wire::Join>(2s);
    EXPECT_EQ(asked.size(), 6U);  // at 0, 50, 150, 350, 750, 1550 ms
    for (const auto& join : asked) {
        EXPECT_EQ(join.room, id("garden"));
        EXPECT_EQ(join.version, 0U);
    }
    EXPECT_TRUE(hear(7, {"bob", "carol"}));
    const auto events = raised<RoomMembers>();
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(events[0].room, id("garden"));
    ASSERT_EQ(events[0].members.size(), 2U);
    EXPECT_EQ(events[0].members[1].id, id("carol"));
    EXPECT_TRUE(sent_within<wire::Join>(60s).empty());
    EXPECT_EQ(rooms.next_timeout(), kNever);
}

TEST_F(RoomClientTest, TellsItsVersionWithEachKeepalive) {
    enter();
    rooms.on_keepalive(now);
    const auto refreshed = sent_within<wire::Join>(15s);
    ASSERT_EQ(refreshed.size(), 1U);
    EXPECT_EQ(refreshed[0].version, 7U);
    EXPECT_TRUE(hear(9, {}));  // what a lost push had said
    EXPECT_EQ(raised<RoomMembers>().size(), 1U);
    rooms.on_keepalive(now);
    EXPECT_EQ(sent<wire::Join>().at(0).version, 9U);
}

TEST_F(RoomClientTest, DropsSnapshotsThatWereOvertaken) {
    enter();
    EXPECT_FALSE(hear(7, {"bob"}));
    EXPECT_FALSE(hear(6, {}));
    EXPECT_TRUE(hear(8, {}));
    EXPECT_TRUE(raised<RoomMembers>().at(0).members.empty());
}

TEST_F(RoomClientTest, FollowsVersionsAcrossTheirWrap) {
    rooms.join(now, id("garden"));
    EXPECT_TRUE(hear(0xffff'ffff, {}));
    EXPECT_TRUE(hear(1, {"bob"}));
    EXPECT_FALSE(hear(0xffff'ffff, {}));
    EXPECT_EQ(raised<RoomMembers>().size(), 2U);
}

TEST_F(RoomClientTest, BeginsAnewWithARegistration) {
    enter();
    rooms.on_registered(now);
    EXPECT_EQ(sent<wire::Join>().at(0).version, 0U);
    EXPECT_TRUE(hear(1, {"carol"}));  // a new server counts from the beginning
    EXPECT_EQ(raised<RoomMembers>().at(0).members.at(0).id, id("carol"));
}

TEST_F(RoomClientTest, GoesOnSlowlyAfterARefusalAndSaysEachTroubleOnce) {
    rooms.join(now, id("garden"));
    EXPECT_EQ(sent<wire::Join>().size(), 1U);
    refuse(wire::ErrorCode::kRoomFull);
    refuse(wire::ErrorCode::kRoomFull);  // to another copy
    const auto refused = raised<RoomRefused>();
    ASSERT_EQ(refused.size(), 1U);
    EXPECT_EQ(refused[0].room, id("garden"));
    EXPECT_EQ(refused[0].why, RoomTrouble::kFull);

    EXPECT_TRUE(sent_within<wire::Join>(10s).empty());
    EXPECT_EQ(sent_within<wire::Join>(1s).size(), 1U);
    refuse(wire::ErrorCode::kRoomFull);
    EXPECT_TRUE(raised<RoomRefused>().empty());
    const std::size_t in_ten_minutes = sent_within<wire::Join>(600s).size();
    EXPECT_GE(in_ten_minutes, 10U);
    EXPECT_LE(in_ten_minutes, 13U);
    refuse(wire::ErrorCode::kLimit);
    EXPECT_EQ(raised<RoomRefused>().at(0).why, RoomTrouble::kLimit);

    EXPECT_TRUE(hear(3, {}));
    EXPECT_EQ(raised<RoomMembers>().size(), 1U);
    EXPECT_EQ(rooms.next_timeout(), kNever);
    rooms.on_registered(now);
    EXPECT_EQ(sent<wire::Join>().size(), 1U);
    refuse(wire::ErrorCode::kLimit);  // the trouble had ended
    EXPECT_EQ(raised<RoomRefused>().size(), 1U);
}

TEST_F(RoomClientTest, NoticesAMembershipThatIsOver) {
    enter();
    refuse(wire::ErrorCode::kRoomFull);  // to a refresh, which the server took for a new join
    EXPECT_EQ(raised<RoomRefused>().size(), 1U);
    now += 10s;
    EXPECT_EQ(sent<wire::Join>().at(0).version, 0U);
    EXPECT_TRUE(hear(2, {}));  // of another count
}

TEST_F(RoomClientTest, BelievesInAServerWithoutRoomsWhenItIsThereAndSilentAgainAndAgain) {
    rooms.join(now, id("garden"));
    rooms.on_server_alive(now);  // too early to say
    run_into_doubt<wire::Join>();
    for (int silence = 0; silence < 3; ++silence) {
        EXPECT_TRUE(raised<RoomRefused>().empty());
        EXPECT_EQ(sent<wire::Join>().size(), 1U);
        EXPECT_TRUE(rooms.take_doubt());
        EXPECT_FALSE(rooms.take_doubt());
        // Of whom nothing was asked since it is not known that it does not answer.
        for (int i = 0; i < 3; ++i) rooms.on_server_alive(now);
        now += 1s;
    }
    EXPECT_EQ(raised<RoomRefused>().at(0).why, RoomTrouble::kNoAnswer);
    EXPECT_LE(now, Instant{} + 12s);

    EXPECT_TRUE(sent_within<wire::Join>(9s).empty());
    EXPECT_EQ(sent_within<wire::Join>(1s).size(), 1U);
    EXPECT_FALSE(rooms.take_doubt());
    rooms.on_server_alive(now);
    EXPECT_TRUE(raised<RoomRefused>().empty());
    EXPECT_TRUE(hear(1, {}));  // it was replaced
    EXPECT_EQ(raised<RoomMembers>().size(), 1U);
}

TEST_F(RoomClientTest, SaysNothingOfAServerThatIsAwayHoweverLong) {
    rooms.join(now, id("garden"));
    EXPECT_GT(sent_within<wire::Join>(60s).size(), 50U);
    EXPECT_TRUE(raised<RoomRefused>().empty());
}

// What was sent into the gap says nothing, though it was much and long.
TEST_F(RoomClientTest, SaysNothingOfAServerThatComesBackAfterAGap) {
    rooms.join(now, id("garden"));
    static_cast<void>(sent_within<wire::Join>(17s));
    rooms.on_server_alive(now);
    rooms.on_server_alive(now);
    EXPECT_TRUE(raised<RoomRefused>().empty());
    now = rooms.next_timeout();
    EXPECT_EQ(sent<wire::Join>().size(), 1U);
    EXPECT_TRUE(hear(1, {"bob"}));
    for (int i = 0; i < 3; ++i) rooms.on_server_alive(now);
    EXPECT_EQ(raised<RoomMembers>().size(), 1U);  // and nothing else
}

TEST_F(RoomClientTest, RepeatsAFarewellUntilItIsConfirmed) {
    enter();
    rooms.leave(now, id("garden"));
    EXPECT_EQ(sent_within<wire::Leave>(500ms).size(), 4U);
    EXPECT_FALSE(hear(8, {"bob"}));  // a push that was under way
    EXPECT_TRUE(raised<RoomMembers>().empty());
    EXPECT_TRUE(hear(0, {}));
    EXPECT_EQ(rooms.next_timeout(), kNever);
    EXPECT_FALSE(hear(0, {}));
    EXPECT_TRUE(raised<RoomMembers>().empty());
}

TEST_F(RoomClientTest, KeepsAFarewellInMindUntilItIsConfirmed) {
    enter();
    rooms.leave(now, id("garden"));
    EXPECT_GT(sent_within<wire::Leave>(60s).size(), 50U);
    EXPECT_TRUE(rooms.take_doubt());
    rooms.on_server_alive(now);
    EXPECT_EQ(sent_within<wire::Leave>(1s).size(), 1U);
    EXPECT_TRUE(hear(0, {}));
    EXPECT_EQ(rooms.next_timeout(), kNever);
    rooms.on_registered(now);
    EXPECT_TRUE(sent<wire::Leave>().empty());
}

TEST_F(RoomClientTest, GoesOnSlowlyWithAFarewellThatAServerDoesNotUnderstand) {
    enter();
    rooms.leave(now, id("garden"));
    run_into_doubt<wire::Leave>();
    for (int silence = 0; silence < 3; ++silence) {
        EXPECT_EQ(sent<wire::Leave>().size(), 1U);
        EXPECT_TRUE(rooms.take_doubt());
        rooms.on_server_alive(now);
        now += 1s;
    }
    EXPECT_FALSE(rooms.poll_event().has_value());
    const std::size_t in_ten_minutes = sent_within<wire::Leave>(600s).size();
    EXPECT_GE(in_ten_minutes, 10U);
    EXPECT_LE(in_ten_minutes, 13U);
    EXPECT_FALSE(rooms.take_doubt());
}

TEST_F(RoomClientTest, KeepsSixteenFarewellsInMindAndForgetsTheOldest) {
    std::vector<Id> names;
    for (int i = 0; i < 17; ++i) {
        names.push_back(id(fmt::format("room-{}", i)));
        rooms.join(now, names.back());
    }
    EXPECT_EQ(sent<wire::Join>().size(), names.size());
    // In another order than that of the entries.
    std::ranges::rotate(names, names.begin() + 5);
    for (const Id& name : names) rooms.leave(now, name);
    std::vector<Id> left;
    for (const auto& leave : sent<wire::Leave>()) left.push_back(leave.room);
    EXPECT_EQ(left, std::vector<Id>(names.begin() + 1, names.end()));
}

TEST_F(RoomClientTest, LeavesARoomThatItIsPutIntoAgain) {
    enter();
    rooms.leave(now, id("garden"));
    EXPECT_EQ(sent<wire::Leave>().size(), 1U);
    EXPECT_TRUE(hear(0, {}));
    EXPECT_FALSE(hear(9, {"bob"}));  // a late copy of `join` did it
    EXPECT_TRUE(sent_within<wire::Leave>(1s).empty());
    const auto left = sent_within<wire::Leave>(500ms);
    ASSERT_EQ(left.size(), 4U);  // repeated like any other
    EXPECT_EQ(left[0].room, id("garden"));
    EXPECT_TRUE(hear(0, {}));
    EXPECT_EQ(rooms.next_timeout(), kNever);
    EXPECT_FALSE(hear(0, {}));
    EXPECT_EQ(rooms.next_timeout(), kNever);  // that it is in no room is no reason to speak
    EXPECT_TRUE(raised<RoomMembers>().empty());
}

TEST_F(RoomClientTest, IsMadeToLeaveSixteenRoomsASecondAtMost) {
    std::size_t heard = 0;
    for (int second = 0; second < 5; ++second) {
        for (int i = 0; i < 100; ++i) hear_of(id(fmt::format("room-{}", heard++)));
        now += 1s;
        const auto left = sent<wire::Leave>();
        EXPECT_EQ(left.size(), 16U);
        for (const auto& leave : left) {
            EXPECT_TRUE(rooms.handle_members(now, {.room = leave.room}).has_value());
        }
    }
}

TEST_F(RoomClientTest, EntersARoomThatItWasJustMadeToLeaveUnderItsName) {
    hear_of(id("garden"));
    rooms.join(now, id("garden"));
    EXPECT_EQ(sent<wire::Join>().size(), 1U);
    EXPECT_TRUE(hear(10, {"bob"}));
    EXPECT_EQ(raised<RoomMembers>().at(0).room, id("garden"));
}

TEST_F(RoomClientTest, AsksAtOnceWhenItIsNotInTheRoomAnyMore) {
    enter();
    EXPECT_TRUE(hear(0, {}));  // a late copy of an earlier `leave`
    EXPECT_TRUE(raised<RoomMembers>().empty());
    EXPECT_FALSE(hear(0, {}));  // of another one: it is asked already
    const auto asked = sent_within<wire::Join>(500ms);
    EXPECT_EQ(asked.size(), 4U);
    EXPECT_EQ(asked.at(0).version, 0U);
    EXPECT_TRUE(hear(7, {"bob"}));  // even if nothing has changed
    EXPECT_EQ(raised<RoomMembers>().size(), 1U);
    EXPECT_EQ(rooms.next_timeout(), kNever);
}

TEST_F(RoomClientTest, LeavesAfterARegistrationThatCameBetween) {
    enter();
    rooms.leave(now, id("garden"));
    rooms.on_registered(now);
    EXPECT_EQ(sent<wire::Leave>().size(), 1U);
}

TEST_F(RoomClientTest, ComesBackBeforeTheFarewellWasConfirmed) {
    enter();
    rooms.leave(now, id("garden"));
    EXPECT_EQ(sent<wire::Leave>().size(), 1U);
    rooms.join(now, id("garden"));
    EXPECT_EQ(sent<wire::Join>().size(), 1U);
    EXPECT_FALSE(hear(0, {}));  // of the farewell
    EXPECT_TRUE(hear(9, {"bob"}));
    EXPECT_EQ(raised<RoomMembers>().size(), 1U);
}

TEST_F(RoomClientTest, IsNotToldOfWhatItDidNotAsk) {
    EXPECT_FALSE(hear(1, {"bob"}));
    EXPECT_FALSE(rooms.handle_error(now, {.room = id("garden")}).has_value());
    rooms.leave(now, id("garden"));
    EXPECT_TRUE(sent<wire::Leave>().empty());
}

TEST(ClosedRoom, GoesByANameThatTheKeyMakesAndIsShownUnderItsOwn) {
    const crypto::Psk key{FixedBytes<32>{std::byte{1}}};
    RoomClient rooms{key};
    rooms.join(Instant{}, id("garden"));
    const auto frame = rooms.poll_frame(Instant{});
    ASSERT_TRUE(frame && std::holds_alternative<wire::Join>(*frame));
    const Id name = std::get<wire::Join>(*frame).room;
    EXPECT_EQ(name, room_name_on_wire(id("garden"), key));
    EXPECT_NE(name, id("garden"));
    ASSERT_TRUE(rooms.handle_members({}, {.room = name, .version = 1}).has_value());
    const auto event = rooms.poll_event();
    ASSERT_TRUE(event && std::holds_alternative<RoomMembers>(*event));
    EXPECT_EQ(std::get<RoomMembers>(*event).room, id("garden"));
    EXPECT_FALSE(rooms.handle_members({}, {.room = id("garden"), .version = 2}).has_value());
    rooms.leave(Instant{}, id("garden"));
    const auto farewell = rooms.poll_frame(Instant{});
    ASSERT_TRUE(farewell && std::holds_alternative<wire::Leave>(*farewell));
    EXPECT_EQ(std::get<wire::Leave>(*farewell).room, name);
}

}  // namespace
}  // namespace pinhole::node
