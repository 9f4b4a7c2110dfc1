#include "peer/narrator.hpp"

#include <sstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/peer/captured_screen.hpp"

namespace pinhole::peer {
namespace {

using ::testing::HasSubstr;

const Id kAlice = *Id::parse("alice");
constexpr Instant kStart{1s};

ChatText text(std::string_view words) {
    return {.name = {.run = 7, .number = 1}, .text = words};
}

crypto::PublicKey key_of(unsigned octet) {
    crypto::PublicKey key;
    key.raw.fill(static_cast<std::byte>(octet));
    return key;
}

class NarratorTest : public ::testing::Test {
  protected:
    explicit NarratorTest(bool json = false, bool only_listens = false)
        : narrator_(captured_.screen, {.json = json,
                                       .self = *Id::parse("bob"),
                                       .via = "203.0.113.7:3478",
                                       .only_listens = only_listens}) {}

    void register_and_connect(bool is_new = false) {
        narrator_.registered(
            kStart,
            {.server = {}, .observed = {}, .server_key = key_of(2), .round_trip_time = 38ms},
            false);
        narrator_.connected(kStart, {.peer = {}, .id = kAlice, .key = key_of(1)}, is_new);
    }

    static node::PathChanged direct() {
        return {.peer = {},
                .state = node::PathState::kDirect,
                .reason = node::Reason::kSelected,
                .remote = Endpoint::parse("198.51.100.4:40112"),
                .round_trip_time = 12ms};
    }

    static node::PathChanged relay(node::Reason reason) {
        return {.peer = {}, .state = node::PathState::kRelay, .reason = reason, .remote = {}};
    }

    test::CapturedScreen captured_;
    Narrator narrator_;
};

TEST_F(NarratorTest, AConnectionThatIsDirectAtOnceIsOneLine) {
    register_and_connect(true);
    narrator_.path(kStart + 1ms, kAlice, relay(node::Reason::kChecking));
    EXPECT_EQ(captured_.err.take(), "");
    narrator_.path(kStart + 200ms, kAlice, direct());
    EXPECT_EQ(captured_.err.take(),
              "bob -> alice: rendezvous ok 38 ms | direct 198.51.100.4:40112 (12 ms); new peer "
              "alice " +
                  key_of(1).to_string() + ", remembered\n");
    EXPECT_EQ(narrator_.next_timeout(), kNever);
}

TEST_F(NarratorTest, ARelayIsToldAfterAMomentWithItsReason) {
    register_and_connect();
    narrator_.path(kStart + 1ms, kAlice, relay(node::Reason::kChecking));
    EXPECT_EQ(narrator_.next_timeout(), kStart + kQuietTime);
    narrator_.handle_timeout(kStart + kQuietTime);
    EXPECT_EQ(captured_.err.take(),
              "bob -> alice: rendezvous ok 38 ms | relay: direct paths are still being checked\n");
    narrator_.path(kStart + 9s, kAlice, relay(node::Reason::kNoAnswer));
    EXPECT_EQ(captured_.err.take(),
              "bob -> alice: relay: no check was answered on any direct path\n");
}

TEST_F(NarratorTest, EachPathIsToldOnce) {
    register_and_connect();
    narrator_.path(kStart, kAlice, direct());
    static_cast<void>(captured_.err.take());
    auto slower = direct();
    slower.round_trip_time = 15ms;
    narrator_.path(kStart + 1s, kAlice, slower);
    EXPECT_EQ(captured_.err.take(), "");
}

TEST_F(NarratorTest, AShortVisitIsToldOfWithItsKey) {
    register_and_connect(true);
    narrator_.closed(kStart + 1ms, kAlice, node::CloseReason::kDone);
    const std::string said = captured_.err.take();
    EXPECT_THAT(said, HasSubstr("new peer alice " + key_of(1).to_string() + ", remembered\n"));
    EXPECT_THAT(said, ::testing::EndsWith("alice left\n"));
    EXPECT_EQ(narrator_.next_timeout(), kNever);
}

TEST_F(NarratorTest, TellsHowTheOtherSideComesIn) {
    narrator_.waiting(kStart, kAlice, node::CloseReason::kUnknownPeer);
    EXPECT_THAT(captured_.err.take(), HasSubstr("peer --id alice --via 203.0.113.7:3478"));
    narrator_.waiting(kStart + 5s, kAlice, node::CloseReason::kUnknownPeer);
    EXPECT_EQ(captured_.err.take(), "") << "once is enough";
}

TEST_F(NarratorTest, RemoteTextIsSanitisedAndDeliveryIsSilent) {
    EXPECT_TRUE(narrator_.message(kAlice, text("a\x1b[2J\nb"), "").has_value());
    narrator_.delivered(kAlice, 1);
    EXPECT_EQ(captured_.out.take(), "alice: a\\u{1b}[2J\\u{a}b\n");
    EXPECT_EQ(captured_.err.take(), "");
}

TEST_F(NarratorTest, ATimeStandsBeforeTheName) {
    EXPECT_TRUE(narrator_.message(kAlice, text("hi"), "09:05").has_value());
    EXPECT_EQ(captured_.out.take(), "09:05 alice: hi\n");
}

node::RoomMembers garden(const std::vector<std::string_view>& names) {
    node::RoomMembers out{.room = *Id::parse("garden"), .members = {}};
    for (const auto name : names) out.members.push_back({.id = *Id::parse(name), .key = {}});
    return out;
}

TEST_F(NarratorTest, WhoIsInTheRoomIsToldOnce) {
    narrator_.room(garden({"carol", "dave", "alice"}));
    EXPECT_EQ(captured_.err.take(), "garden: 3 others here: carol, dave, alice\n");
    narrator_.room(garden({"carol"}));
    EXPECT_EQ(captured_.err.take(), "");
    EXPECT_EQ(captured_.out.take(), "");
}

TEST_F(NarratorTest, OneInTheRoomIsOneOther) {
    narrator_.room(garden({"carol"}));
    EXPECT_EQ(captured_.err.take(), "garden: 1 other here: carol\n");
}

TEST_F(NarratorTest, AnEmptyRoomTellsHowOthersComeIn) {
    narrator_.room(garden({}));
    EXPECT_THAT(captured_.err.take(),
                HasSubstr("peer --id NAME --via 203.0.113.7:3478 --room garden"));
}

TEST_F(NarratorTest, PresenceIsInTheWordsOfTheRoomAlone) {
    const Id room = *Id::parse("garden");
    register_and_connect();
    narrator_.path(kStart, kAlice, direct());
    static_cast<void>(captured_.err.take());
    narrator_.member(room, {kAlice, Room::Change::kJoined});
    EXPECT_EQ(captured_.err.take(), "alice joined garden\n");
    auto lost = relay(node::Reason::kSilence);
    lost.state = node::PathState::kLost;
    narrator_.path(kStart + 1s, kAlice, lost);
    narrator_.member(room, {kAlice, Room::Change::kLost});
    EXPECT_EQ(captured_.err.take(), "lost alice; trying again\n");
    narrator_.member(room, {kAlice, Room::Change::kBack});
    EXPECT_EQ(captured_.err.take(), "alice is back\n");
    narrator_.closed(kStart + 2s, kAlice, node::CloseReason::kDone);
    narrator_.member(room, {kAlice, Room::Change::kLeft});
    EXPECT_EQ(captured_.err.take(), "alice left garden\n");
}

TEST_F(NarratorTest, WhoWasHereBeforeUsDidNotJoin) {
    narrator_.member(*Id::parse("garden"),
                     {kAlice, Room::Change::kJoined, /*was_here_first=*/true});
    EXPECT_EQ(captured_.err.take(), "");
}

TEST_F(NarratorTest, AMemberThatIsNotReachedIsToldOfOnceForEachReason) {
    const Id room = *Id::parse("garden");
    narrator_.member_waits(room, kAlice, node::CloseReason::kNoAnswer);
    narrator_.member_waits(room, kAlice, node::CloseReason::kNoAnswer);
    const std::string said = captured_.err.take();
    EXPECT_THAT(said, HasSubstr("garden: waiting for alice: "));
    EXPECT_EQ(said.find('\n'), said.size() - 1) << said;
    narrator_.member_waits(room, kAlice, node::CloseReason::kUnknownPeer);
    EXPECT_THAT(captured_.err.take(), HasSubstr("waiting for alice"));
}

TEST_F(NarratorTest, LossAndReturnOfTheServerAreToldOnce) {
    register_and_connect();
    narrator_.path(kStart, kAlice, direct());
    static_cast<void>(captured_.err.take());
    narrator_.server_lost({.trouble = node::ServerTrouble::kNoAnswer, .shown_key = {}}, {});
    EXPECT_THAT(captured_.err.take(), HasSubstr("the talk goes on"));
    const node::Registered back{
        .server = {}, .observed = {}, .server_key = key_of(2), .round_trip_time = 38ms};
    narrator_.registered(kStart + 60s, back, false);
    EXPECT_EQ(captured_.err.take(), "bob: rendezvous is back (38 ms)\n");
    narrator_.registered(kStart + 90s, back, false);
    EXPECT_EQ(captured_.err.take(), "");
}

TEST_F(NarratorTest, TcpAndTheReturnToUdpAreToldOnce) {
    node::Registered event{.server = {}, .observed = {}, .server_key = key_of(2), .over_tcp = true};
    narrator_.registered(kStart, event, false);
    EXPECT_EQ(captured_.err.take(),
              "bob: registered at 203.0.113.7:3478 over TCP: UDP does not get out of this "
              "network\n");
    narrator_.registered(kStart + 60s, event, false);
    EXPECT_EQ(captured_.err.take(), "");
    event.over_tcp = false;
    narrator_.registered(kStart + 90s, event, false);
    EXPECT_EQ(captured_.err.take(), "bob: registered at 203.0.113.7:3478 over UDP again\n");
}

TEST_F(NarratorTest, ErrorsBeginWithTheProgramsName) {
    narrator_.failed({ExitCode::kTimeout, "too late"});
    EXPECT_EQ(captured_.err.take(), "peer: too late\n");
    EXPECT_EQ(captured_.out.take(), "");
}

class ListeningNarratorTest : public NarratorTest {
  protected:
    ListeningNarratorTest() : NarratorTest(false, true) {}
};

TEST_F(ListeningNarratorTest, TellsOthersHowToCall) {
    narrator_.registered(
        kStart, {.server = {}, .observed = {}, .server_key = key_of(2), .round_trip_time = 38ms},
        true);
    EXPECT_EQ(captured_.err.take(),
              "new rendezvous 203.0.113.7:3478 " + key_of(2).to_string("rv") +
                  ", remembered\nbob: rendezvous ok 38 ms; on another machine run: peer --id NAME "
                  "--via 203.0.113.7:3478 bob\n");
}

class JsonNarratorTest : public NarratorTest {
  protected:
    JsonNarratorTest() : NarratorTest(true) {}
};

TEST_F(JsonNarratorTest, SaysEachChangeOnceAndAtOnce) {
    register_and_connect();
    static_cast<void>(captured_.out.take());
    narrator_.path(kStart, kAlice, relay(node::Reason::kChecking));
    EXPECT_THAT(captured_.out.take(), HasSubstr(R"("path":"relay")")) << "a script need not wait";
    auto slower = relay(node::Reason::kChecking);
    slower.round_trip_time = 5ms;
    narrator_.path(kStart, kAlice, slower);
    EXPECT_EQ(captured_.out.take(), "");
    narrator_.path(kStart, kAlice, direct());
    EXPECT_THAT(captured_.out.take(), HasSubstr(R"("remote":"198.51.100.4:40112")"));
}

TEST_F(JsonNarratorTest, StdoutHoldsNothingButObjects) {
    register_and_connect(true);
    narrator_.path(kStart, kAlice, direct());
    EXPECT_TRUE(narrator_.message(kAlice, text("two\nlines"), "09:05").has_value());
    narrator_.delivered(kAlice, 1);
    narrator_.closed(kStart, kAlice, node::CloseReason::kDone);
    narrator_.failed({ExitCode::kOther, "x"});
    std::istringstream lines{captured_.out.take()};
    std::string line;
    int count = 0;
    for (; std::getline(lines, line); ++count) {
        EXPECT_TRUE(line.starts_with(R"({"v":1,"event":")") && line.ends_with("}")) << line;
    }
    EXPECT_EQ(count, 7);
}

}  // namespace
}  // namespace pinhole::peer
