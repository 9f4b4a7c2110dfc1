#include "peer/room.hpp"

#include <string>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pinhole::peer {

// For a readable failure.
void PrintTo(const Room::News& news, std::ostream* out) {
    *out << fmt::format("{} {}{}", news.peer, static_cast<int>(news.change),
                        news.was_here_first ? " (was here first)" : "");
}

namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const Id kAlice = *Id::parse("alice");
const Id kBob = *Id::parse("bob");
const Id kCarol = *Id::parse("carol");
constexpr Instant kStart{1s};

/// Bob's: alice comes before him, carol after.
class RoomTest : public ::testing::Test {
  protected:
    void see(Instant now, std::vector<Room::Listed> members) { room_.on_members(now, members); }
    [[nodiscard]] std::vector<Id> calls() { return taken(&Room::poll_call); }
    [[nodiscard]] std::vector<Id> given_up() { return taken(&Room::poll_give_up); }
    [[nodiscard]] std::vector<Room::News> news() { return taken(&Room::poll_news); }
    [[nodiscard]] Room::State state_of(const Id& peer) const {
        for (const auto& member : room_.members()) {
            if (member.id == peer) return member.state;
        }
        ADD_FAILURE() << peer.text() << " is not in the room";
        return {};
    }
    /// The room with carol in it, whom we joined long ago.
    void be_with_carol() {
        see(kStart, {});
        see(kStart, {{kCarol}});
        room_.on_connected(kStart, kCarol);
        static_cast<void>(calls());
        ASSERT_THAT(news(), ElementsAre(Room::News{kCarol, Room::Change::kJoined}));
    }

    Room room_{kBob};

  private:
    template <class Value>
    std::vector<Value> taken(std::optional<Value> (Room::*poll)()) {
        std::vector<Value> out;
        while (const auto next = (room_.*poll)()) out.push_back(*next);
        return out;
    }
};

TEST_F(RoomTest, TheSmallerIdCallsAtOnceAndTheOtherOneWhenNoCallCame) {
    see(kStart, {{kAlice}, {kCarol}});
    EXPECT_THAT(calls(), ElementsAre(kCarol)) << "bob comes before carol";
    EXPECT_EQ(room_.next_timeout(), kStart + kCallPatience);
    room_.handle_timeout(kStart + kCallPatience - 1ms);
    EXPECT_THAT(calls(), IsEmpty());
    room_.handle_timeout(kStart + kCallPatience);
    EXPECT_THAT(calls(), ElementsAre(kAlice));
    EXPECT_EQ(room_.next_timeout(), kNever) << "the node repeats calls by itself";
}

TEST_F(RoomTest, WhoCalledUsIsNotCalled) {
    see(kStart, {{kAlice}});
    room_.on_connected(kStart, kAlice);
    room_.handle_timeout(kStart + kCallPatience);
    EXPECT_THAT(calls(), IsEmpty());
    EXPECT_EQ(room_.next_timeout(), kNever);
}

TEST_F(RoomTest, ARepeatedSnapshotNeitherCallsAgainNorPutsACallOff) {
    see(kStart, {{kAlice}, {kCarol}});
    static_cast<void>(calls());
    see(kStart + 1s, {{kAlice}, {kCarol}});
    EXPECT_THAT(calls(), IsEmpty());
    EXPECT_EQ(room_.next_timeout(), kStart + kCallPatience);
}

TEST_F(RoomTest, NeverCallsItself) {
    see(kStart, {{kBob}});
    EXPECT_THAT(calls(), IsEmpty());
    EXPECT_THAT(room_.members(), IsEmpty());
}

TEST_F(RoomTest, JoinedIsToldOnceAndOnlyOfWhoIsInTheRoomAndConnected) {
    see(kStart, {{kAlice}});
    EXPECT_THAT(news(), IsEmpty()) << "not connected yet";
    room_.on_connected(kStart, kAlice);
    EXPECT_THAT(news(),
                ElementsAre(Room::News{kAlice, Room::Change::kJoined, /*was_here_first=*/true}));
    room_.on_connected(kStart, kCarol);
    EXPECT_THAT(news(), IsEmpty()) << "a caller who is not in the room";
    see(kStart + 1s, {{kAlice}, {kCarol}});
    EXPECT_THAT(news(), ElementsAre(Room::News{kCarol, Room::Change::kJoined}));
    EXPECT_THAT(calls(), IsEmpty()) << "she is connected";
}

TEST_F(RoomTest, AGoodbyeIsAnEndEvenBeforeTheRoomSaysSo) {
    be_with_carol();
    room_.on_closed(kStart + 1s, kCarol, Room::End::kGoodbye);
    EXPECT_THAT(news(), ElementsAre(Room::News{kCarol, Room::Change::kLeft}));
    EXPECT_FALSE(room_.has(kCarol));
    room_.handle_timeout(kStart + 1min);
    EXPECT_THAT(calls(), IsEmpty());
    see(kStart + 2s, {});
    EXPECT_THAT(news(), IsEmpty()) << "once";
}

TEST_F(RoomTest, WhoComesBackAfterAGoodbyeJoinsAnew) {
    be_with_carol();
    room_.on_closed(kStart + 1s, kCarol, Room::End::kGoodbye);
    static_cast<void>(news());
    see(kStart + 2s, {{kCarol}});
    EXPECT_THAT(calls(), ElementsAre(kCarol));
    room_.on_connected(kStart, kCarol);
    EXPECT_THAT(news(), ElementsAre(Room::News{kCarol, Room::Change::kJoined}));
}

TEST_F(RoomTest, WhoCallsAfterAGoodbyeJoinsAnewToo) {
    be_with_carol();
    room_.on_closed(kStart + 1s, kCarol, Room::End::kGoodbye);
    static_cast<void>(news());
    room_.on_connected(kStart, kCarol);
    EXPECT_THAT(news(), ElementsAre(Room::News{kCarol, Room::Change::kJoined}));
}

TEST_F(RoomTest, WhatTheServerForgetsIsKeptWhileTheConnectionStands) {
    be_with_carol();
    see(kStart + 1s, {});
    EXPECT_THAT(news(), IsEmpty());
    EXPECT_THAT(given_up(), IsEmpty());
    EXPECT_TRUE(room_.takes_texts(kCarol));
    see(kStart + 2s, {{kCarol}});
    EXPECT_THAT(news(), IsEmpty());
}

TEST_F(RoomTest, LostWhileListedIsToldOnceAndSoIsTheReturn) {
    be_with_carol();
    room_.on_path_lost(kStart + 1s, kCarol);
    room_.on_path_lost(kStart + 2s, kCarol);
    EXPECT_THAT(news(), ElementsAre(Room::News{kCarol, Room::Change::kLost}));
    EXPECT_EQ(state_of(kCarol), Room::State::kLost);
    EXPECT_THAT(calls(), IsEmpty()) << "the node looks for a path by itself";
    room_.on_path_found(kStart, kCarol);
    room_.on_path_found(kStart, kCarol);
    EXPECT_THAT(news(), ElementsAre(Room::News{kCarol, Room::Change::kBack}));
}

TEST_F(RoomTest, AConnectionThatBreaksIsMadeAgain) {
    be_with_carol();
    room_.on_closed(kStart + 1s, kCarol, Room::End::kBroken);
    EXPECT_THAT(news(), ElementsAre(Room::News{kCarol, Room::Change::kLost}));
    EXPECT_THAT(calls(), ElementsAre(kCarol));
    room_.on_connected(kStart, kCarol);
    EXPECT_THAT(news(), ElementsAre(Room::News{kCarol, Room::Change::kBack}));
}

TEST_F(RoomTest, LostAndGoneFromTheRoomIsGivenUpAfterAWhile) {
    be_with_carol();
    room_.on_path_lost(kStart + 1s, kCarol);
    see(kStart + 2s, {});
    EXPECT_THAT(news(), ElementsAre(Room::News{kCarol, Room::Change::kLost}));
    EXPECT_THAT(given_up(), IsEmpty());
    EXPECT_TRUE(room_.takes_texts(kCarol)) << "it may be back";
    EXPECT_EQ(room_.next_timeout(), kStart + 2s + kReturnPatience);
    room_.handle_timeout(kStart + 2s + kReturnPatience);
    EXPECT_THAT(given_up(), ElementsAre(kCarol));
    EXPECT_THAT(news(), ElementsAre(Room::News{kCarol, Room::Change::kLeft}));
    EXPECT_FALSE(room_.takes_texts(kCarol));
    room_.on_closed(kStart + 6s, kCarol, Room::End::kBroken);
    EXPECT_THAT(news(), IsEmpty());
    EXPECT_THAT(calls(), IsEmpty());
    EXPECT_THAT(given_up(), IsEmpty());
    EXPECT_EQ(room_.next_timeout(), kNever);
}

TEST_F(RoomTest, WhoStartsAnewIsListedAgainInTimeAndWasNeverGone) {
    be_with_carol();
    room_.on_path_lost(kStart + 1s, kCarol);
    see(kStart + 2s, {});
    see(kStart + 3s, {{kCarol}});
    EXPECT_EQ(room_.next_timeout(), kNever);
    room_.on_connected(kStart + 4s, kCarol);
    EXPECT_THAT(news(), ElementsAre(Room::News{kCarol, Room::Change::kLost},
                                    Room::News{kCarol, Room::Change::kBack}));
    EXPECT_THAT(given_up(), IsEmpty());
}

TEST_F(RoomTest, ACallToWhoLeavesIsGivenUp) {
    see(kStart, {{kAlice}, {kCarol}});
    EXPECT_THAT(calls(), ElementsAre(kCarol));
    see(kStart + 1s, {});
    room_.handle_timeout(kStart + 1s + kReturnPatience);
    EXPECT_THAT(given_up(), ElementsAre(kCarol)) << "alice was not called yet";
    EXPECT_THAT(calls(), IsEmpty()) << "and is not any more";
    EXPECT_THAT(news(), ElementsAre(Room::News{kAlice, Room::Change::kLeft, true},
                                    Room::News{kCarol, Room::Change::kLeft, true}))
        << "both were announced as here";
    EXPECT_EQ(room_.next_timeout(), kNever);
}

TEST_F(RoomTest, ACallThatNobodyTookUpYetIsWithdrawn) {
    see(kStart, {{kCarol}});
    see(kStart, {});
    EXPECT_THAT(calls(), IsEmpty());
}

TEST_F(RoomTest, StrangersAreNoneOfItsBusiness) {
    see(kStart, {});
    room_.on_connected(kStart, kAlice);
    room_.on_path_lost(kStart, kAlice);
    room_.on_closed(kStart + 1s, kAlice, Room::End::kBroken);
    EXPECT_THAT(news(), IsEmpty());
    EXPECT_THAT(calls(), IsEmpty());
    EXPECT_THAT(given_up(), IsEmpty()) << "nobody may hang up on them";
}

TEST_F(RoomTest, WhoIsNotWelcomeIsNeverCalledAndWaitedFor) {
    see(kStart, {{kAlice, false}, {kCarol, false}});
    room_.handle_timeout(kStart + 1min);
    EXPECT_THAT(calls(), IsEmpty());
    EXPECT_FALSE(room_.takes_texts(kCarol));
    EXPECT_EQ(state_of(kCarol), Room::State::kKeptOut);
    room_.on_connected(kStart, kCarol);
    EXPECT_TRUE(room_.takes_texts(kCarol)) << "let in by another way";
    EXPECT_EQ(state_of(kCarol), Room::State::kConnected);
}

TEST_F(RoomTest, TextsWaitForAMemberUnlessItTurnsUsAway) {
    see(kStart, {{kCarol}});
    EXPECT_TRUE(room_.takes_texts(kCarol));
    EXPECT_EQ(state_of(kCarol), Room::State::kWaiting);
    EXPECT_FALSE(room_.takes_texts(kAlice));
    room_.on_call_refused(kCarol);
    EXPECT_FALSE(room_.takes_texts(kCarol));
    EXPECT_EQ(state_of(kCarol), Room::State::kRefusesUs);
    EXPECT_THAT(given_up(), IsEmpty()) << "the calls go on";
    room_.on_connected(kStart, kCarol);
    EXPECT_TRUE(room_.takes_texts(kCarol));
    room_.on_path_lost(kStart + 1s, kCarol);
    room_.on_call_refused(kCarol);
    EXPECT_TRUE(room_.takes_texts(kCarol)) << "it let us in before";
}

}  // namespace
}  // namespace pinhole::peer
