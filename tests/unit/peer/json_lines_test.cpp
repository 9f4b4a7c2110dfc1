#include "peer/json_lines.hpp"

#include <gtest/gtest.h>

namespace pinhole::peer {
namespace {

using wire::Id;

const Id kBob = *Id::parse("bob");

crypto::PublicKey key_of(unsigned octet) {
    crypto::PublicKey key;
    key.raw.fill(static_cast<std::byte>(octet));
    return key;
}

// The contract with scripts: fields may be added at the end, and nothing else may change.
TEST(JsonLines, AreAsScriptsKnowThem) {
    const std::string key = key_of(1).to_string();
    const std::string server = key_of(2).to_string("rv");
    EXPECT_EQ(json::registered({.server = *Endpoint::parse("198.51.100.10:3478"),
                                .observed = Endpoint::parse("192.0.2.10:40000"),
                                .server_key = key_of(2)}),
              R"({"v":1,"event":"registered","server":"198.51.100.10:3478",)"
              R"("observed":"192.0.2.10:40000","server_key":")" +
                  server + R"(","over_tcp":false})");
    EXPECT_EQ(json::introduced({.peer = {}, .id = kBob, .key = key_of(1)}),
              R"({"v":1,"event":"introduced","peer":"bob","key":")" + key + R"("})");
    EXPECT_EQ(json::connected({.peer = {}, .id = kBob, .key = key_of(1)}, true),
              R"({"v":1,"event":"connected","peer":"bob","key":")" + key + R"(","new":true})");
    EXPECT_EQ(json::message(kBob, 3, "hi"),
              R"({"v":1,"event":"message","peer":"bob","id":3,"text":"hi"})");
    EXPECT_EQ(json::delivered(kBob, 3), R"({"v":1,"event":"delivered","peer":"bob","id":3})");
    EXPECT_EQ(json::closed(kBob, node::CloseReason::kDone),
              R"({"v":1,"event":"closed","peer":"bob","reason":"done"})");
    EXPECT_EQ(json::server_lost({.trouble = node::ServerTrouble::kNoAnswer, .shown_key = {}}),
              R"({"v":1,"event":"server_lost","trouble":"no_answer"})");
    const Id garden = *Id::parse("garden");
    EXPECT_EQ(json::room({.room = garden, .members = {{kBob, key_of(1)}, {garden, key_of(2)}}}),
              R"({"v":1,"event":"room","room":"garden","members":["bob","garden"]})");
    EXPECT_EQ(json::room({.room = garden, .members = {}}),
              R"({"v":1,"event":"room","room":"garden","members":[]})");
    EXPECT_EQ(json::member(garden, kBob, Room::Change::kJoined),
              R"({"v":1,"event":"member","room":"garden","peer":"bob","change":"joined"})");
    EXPECT_EQ(json::token_of(Room::Change::kLeft), "left");
    EXPECT_EQ(json::token_of(Room::Change::kLost), "lost");
    EXPECT_EQ(json::token_of(Room::Change::kBack), "back");
    EXPECT_EQ(json::error(ExitCode::kPeerOffline, "x"),
              R"({"v":1,"event":"error","code":4,"message":"x"})");
}

TEST(JsonLines, TellThePathAndWhy) {
    EXPECT_EQ(json::path(kBob, {.peer = {},
                                .state = node::PathState::kDirect,
                                .reason = node::Reason::kSelected,
                                .remote = Endpoint::parse("203.0.113.10:50000"),
                                .round_trip_time = 1'234us,
                                .guesses = 1}),
              R"({"v":1,"event":"path","peer":"bob","path":"direct",)"
              R"("remote":"203.0.113.10:50000","rtt_ms":1.2,"reason":"selected",)"
              R"("why":"both sides send directly","guesses":1})");
    EXPECT_EQ(json::path(kBob, {.peer = {},
                                .state = node::PathState::kRelayOneWay,
                                .reason = node::Reason::kTheyAreNotYet,
                                .remote = Endpoint::parse("203.0.113.10:50000")}),
              R"~({"v":1,"event":"path","peer":"bob","path":"relay (one way)",)~"
              R"("reason":"peer_not_yet",)"
              R"("why":"our side sends directly, the other side still uses the relay"})");
    EXPECT_EQ(json::token_of(node::PathState::kRelay), "relay");
    EXPECT_EQ(json::token_of(node::PathState::kLost), "lost");
}

TEST(JsonLines, RemoteTextCannotBreakTheLineOrTheTerminal) {
    EXPECT_EQ(json::message(kBob, 1, "a\"\\\n\x1b\u202e\x7f\xff"),
              R"({"v":1,"event":"message","peer":"bob","id":1,)"
              R"("text":"a\"\\\n\u001b\u202e\u007f\ufffd"})");
}

TEST(JsonLines, PingNamesThePath) {
    EXPECT_EQ(json::ping({.peer = kBob,
                          .number = 2,
                          .round_trip_time = 12'340us,
                          .path =
                              node::PathChanged{
                                  .peer = {}, .state = node::PathState::kRelay, .remote = {}}}),
              R"({"v":1,"event":"ping","peer":"bob","number":2,"rtt_ms":12.3,"path":"relay",)"
              R"("reason":"checking","why":"direct paths are still being checked"})");
}

}  // namespace
}  // namespace pinhole::peer
