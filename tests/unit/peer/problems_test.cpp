#include "peer/problems.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pinhole::peer {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

const Id kAlice = *Id::parse("alice");
const std::string kVia = "203.0.113.7:3478";

crypto::PublicKey key_of(unsigned octet) {
    crypto::PublicKey key;
    key.raw.fill(static_cast<std::byte>(octet));
    return key;
}

Problem server(node::ServerTrouble trouble) {
    return server_trouble({.trouble = trouble, .via = kVia, .self = kAlice});
}

TEST(Problems, SilentRendezvousNamesTheFirewallCommand) {
    const Problem problem = server(node::ServerTrouble::kNoAnswer);
    EXPECT_EQ(problem.code, ExitCode::kRendezvousUnreachable);
    EXPECT_THAT(problem.text, AllOf(HasSubstr("203.0.113.7:3478 did not answer"),
                                    HasSubstr("sudo ufw allow 3478:3479/udp")));
}

TEST(Problems, OfRoomsHaveCodesAndAWayOut) {
    using Trouble = node::RoomTrouble;
    const Id garden = *Id::parse("garden");
    const Problem full = room_refused(garden, Trouble::kFull, kVia);
    EXPECT_EQ(full.code, ExitCode::kRefused);
    EXPECT_THAT(full.text, AllOf(HasSubstr("garden is full"), HasSubstr("--wait")));
    const Problem limit = room_refused(garden, Trouble::kLimit, kVia);
    EXPECT_EQ(limit.code, ExitCode::kRefused);
    EXPECT_THAT(limit.text, HasSubstr("try again"));
    const Problem old = room_refused(garden, Trouble::kNoAnswer, kVia);
    EXPECT_EQ(old.code, ExitCode::kTimeout);
    EXPECT_THAT(old.text, HasSubstr("peer --via 203.0.113.7:3478 NAME..."));
    const Problem empty = nobody_in_room(garden, kVia);
    EXPECT_EQ(empty.code, ExitCode::kPeerOffline);
    EXPECT_THAT(empty.text, HasSubstr("peer --id NAME --via 203.0.113.7:3478 --room garden"));
    EXPECT_THAT(room_message_timed_out(garden, 2).text, HasSubstr("2 of room garden did not"));
    EXPECT_THAT(room_message_timed_out(garden, 0).text, HasSubstr("nothing was sent"));
    EXPECT_EQ(room_message_timed_out(garden, 0).code, ExitCode::kTimeout);
}

TEST(Problems, ChangedServerKeyShowsBothAndTheWayOut) {
    const Problem problem =
        server_trouble({.trouble = node::ServerTrouble::kKeyChanged,
                        .via = kVia,
                        .self = kAlice,
                        .known = KnownKey{.key = key_of(1), .first_seen = "2026-05-17"},
                        .shown = key_of(2)});
    EXPECT_EQ(problem.code, ExitCode::kIdentity);
    const std::string fresh = key_of(2).to_string("rv");
    EXPECT_THAT(problem.text, AllOf(HasSubstr(key_of(1).to_string("rv")), HasSubstr("2026-05-17"),
                                    HasSubstr("peer trust replace 203.0.113.7:3478 " + fresh)));
}

TEST(Problems, ChangedPeerKeyShowsBothAndTheWayOut) {
    const Problem problem =
        peer_key_changed({.name = {.id = kAlice, .server = key_of(3)},
                          .word = "alice",
                          .known = {.key = key_of(1), .first_seen = "2026-05-17"},
                          .announced = key_of(2)});
    EXPECT_EQ(problem.code, ExitCode::kIdentity);
    EXPECT_THAT(problem.text,
                AllOf(HasSubstr(key_of(1).to_string()), HasSubstr("2026-05-17"),
                      HasSubstr("peer trust replace alice " + key_of(2).to_string())));
}

TEST(Problems, CodesAreThoseOfTheContract) {
    EXPECT_EQ(server(node::ServerTrouble::kIdTaken).code, ExitCode::kIdentity);
    EXPECT_EQ(server(node::ServerTrouble::kReplaced).code, ExitCode::kOther);
    EXPECT_EQ(server(node::ServerTrouble::kLimit).code, ExitCode::kRefused);
    const auto code_of = [](node::CloseReason reason) {
        const Problem problem = not_connected(kAlice, reason, kVia);
        EXPECT_THAT(problem.text, HasSubstr("\n  ")) << "says what to do next";
        return problem.code;
    };
    EXPECT_EQ(code_of(node::CloseReason::kUnknownPeer), ExitCode::kPeerOffline);
    EXPECT_EQ(code_of(node::CloseReason::kUnreachable), ExitCode::kPeerOffline);
    EXPECT_EQ(code_of(node::CloseReason::kDone), ExitCode::kPeerOffline);
    EXPECT_EQ(code_of(node::CloseReason::kKeyMismatch), ExitCode::kIdentity);
    EXPECT_EQ(code_of(node::CloseReason::kGroupKey), ExitCode::kIdentity);
    EXPECT_EQ(code_of(node::CloseReason::kNoAnswer), ExitCode::kTimeout);
    EXPECT_EQ(code_of(node::CloseReason::kRefused), ExitCode::kRefused);
    EXPECT_EQ(message_timed_out(kAlice, true).code, ExitCode::kTimeout);
    EXPECT_EQ(ping_timed_out(kAlice, false).code, ExitCode::kTimeout);
    EXPECT_EQ(only_a_relay(kAlice, "x").code, ExitCode::kOnlyRelay);
}

TEST(Problems, APingThatTimesOutSaysWhetherThereIsAConnection) {
    EXPECT_THAT(ping_timed_out(kAlice, true).text,
                StartsWith("alice is connected, but does not answer\n  "));
    EXPECT_THAT(ping_timed_out(kAlice, false).text, StartsWith("alice did not answer\n  "));
}

TEST(Problems, AMessageThatMayHaveArrivedIsNotCalledLost) {
    EXPECT_THAT(message_timed_out(kAlice, true).text, HasSubstr("may or may not"));
    EXPECT_THAT(message_timed_out(kAlice, false).text, HasSubstr("nothing was sent"));
}

}  // namespace
}  // namespace pinhole::peer
