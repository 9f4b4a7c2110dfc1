// Two people talk: by pipes, by one shot, by events for scripts.
#include <gmock/gmock.h>

#include "tests/cli/programs.hpp"

namespace pinhole::cli {
namespace {

using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class Chat : public ProgramsTest {};

TEST_F(Chat, LinesOfAPipeArriveInOrderAndBothSidesEndWell) {
    start_rendezvous();
    Process& alice = start_chat("alice", {});
    ASSERT_TRUE(says(alice, Stream::kErr, "on another machine run: peer --id NAME --via"));
    Process& bob = start_chat("bob", {"alice"});
    for (const char* text : {"one", "two, with a comma", "", "Grüße \x1b[31m"})
        bob.write_line(text);
    ASSERT_TRUE(says(alice, Stream::kOut, "Grüße"));
    alice.write_line("back to you");
    ASSERT_TRUE(says(bob, Stream::kOut, "alice: back to you"));
    for (Process* side : {&bob, &alice}) {
        side->close_input();
        EXPECT_EQ(status_of(*side), 0);
    }
    EXPECT_THAT(lines_of(alice, Stream::kOut), ElementsAre("bob: one", "bob: two, with a comma",
                                                           "bob: ", "bob: Grüße \\u{1b}[31m"));
    EXPECT_THAT(lines_of(bob, Stream::kOut), ElementsAre("alice: back to you"));
    EXPECT_THAT(lines_of(bob, Stream::kErr), Contains(HasSubstr("bob -> alice: rendezvous ok")));
    EXPECT_THAT(lines_of(bob, Stream::kErr), Contains(HasSubstr("; new peer alice pk:")));
    EXPECT_THAT(lines_of(bob, Stream::kErr), Each(Not(HasSubstr("\x1b"))));
}

TEST_F(Chat, EventsAreWhatScriptsExpect) {
    start_rendezvous();
    Process& alice = start_chat("alice", {"--json"});
    ASSERT_TRUE(tells(alice, {{"v", 1}, {"event", "registered"}, {"server", via()}}));
    Process& bob = start_chat("bob", {"--json", "alice"});
    ASSERT_TRUE(tells(bob, {{"event", "introduced"}, {"peer", "alice"}}));
    ASSERT_TRUE(tells(bob, {{"event", "connected"}, {"peer", "alice"}, {"new", true}}));
    ASSERT_TRUE(tells(bob, {{"event", "path"}, {"peer", "alice"}}));
    bob.write_line("hello");
    ASSERT_TRUE(
        tells(alice, {{"event", "message"}, {"peer", "bob"}, {"id", 1}, {"text", "hello"}}));
    ASSERT_TRUE(tells(bob, {{"event", "delivered"}, {"peer", "alice"}, {"id", 1}}));
    bob.close_input();
    EXPECT_EQ(status_of(bob), 0);
    ASSERT_TRUE(tells(alice, {{"event", "closed"}, {"peer", "bob"}, {"reason", "done"}}));
    EXPECT_THAT(lines_of(alice, Stream::kOut), Each(StartsWith("{\"v\":1,\"event\":\"")));
}

TEST_F(Chat, WhatComesBeforeAnybodyIsThereWaits) {
    start_rendezvous();
    Process& alice = start_chat("alice", {});
    alice.write_line("said to nobody yet");
    alice.close_input();
    ASSERT_TRUE(says(alice, Stream::kErr, "nobody is connected yet"));
    Process& bob = start_chat("bob", {"alice"});
    EXPECT_TRUE(says(bob, Stream::kOut, "alice: said to nobody yet"));
    EXPECT_EQ(status_of(alice), 0);
}

TEST_F(Chat, WaitsForAPeerThatComesLater) {
    start_rendezvous();
    Process& bob = start_chat("bob", {"alice"});
    bob.write_line("are you there?");
    bob.close_input();
    ASSERT_TRUE(says(bob, Stream::kErr, "on its machine run: peer --id alice --via " + via()));
    Process& alice = start_chat("alice", {});
    EXPECT_TRUE(says(alice, Stream::kOut, "bob: are you there?"));
    EXPECT_EQ(status_of(bob), 0);
}

TEST_F(Chat, OneShotEndsWhenItsTextWasShown) {
    start_rendezvous();
    Process& alice = start_chat("alice", {});
    ASSERT_TRUE(says(alice, Stream::kErr, "rendezvous ok"));
    Process& bob = run_peer("bob", {"--id", "bob", "--via", via(), "--message", "a, b", "alice"});
    EXPECT_EQ(status_of(bob), 0);
    EXPECT_TRUE(says(alice, Stream::kOut, "bob: a, b"));
    EXPECT_TRUE(says(alice, Stream::kErr, "bob left"));
    EXPECT_THAT(lines_of(bob, Stream::kOut), ElementsAre());
}

TEST_F(Chat, ALongInputArrivesWhole) {
    start_rendezvous();
    Process& alice = start_chat("alice", {});
    ASSERT_TRUE(says(alice, Stream::kErr, "rendezvous ok"));
    Process& bob = start_chat("bob", {"alice"});
    constexpr int kLines = 2'000;
    for (int number = 1; number <= kLines; ++number) {
        bob.write_line(std::to_string(number) + std::string(200, '.'));
    }
    bob.close_input();
    // Alice waits for whoever reads her output, so she is read first.
    ASSERT_TRUE(says(alice, Stream::kOut, "bob: " + std::to_string(kLines) + "."));
    EXPECT_EQ(status_of(bob), 0);
    const auto lines = lines_of(alice, Stream::kOut);
    ASSERT_EQ(lines.size(), kLines);
    for (int number = 1; number <= kLines; ++number) {
        ASSERT_THAT(lines[static_cast<std::size_t>(number - 1)],
                    StartsWith("bob: " + std::to_string(number) + "."));
    }
}

TEST_F(Chat, TheTalkGoesOnAfterTheSenderRestarted) {
    start_rendezvous();
    Process& alice = start_chat("alice", {});
    ASSERT_TRUE(says(alice, Stream::kErr, "rendezvous ok"));
    for (const char* text : {"first", "second"}) {
        Process& bob = run_peer("bob", {"--id", "bob", "--via", via(), "--message", text, "alice"});
        ASSERT_EQ(status_of(bob), 0) << text;
    }
    EXPECT_TRUE(says(alice, Stream::kOut, "bob: second"));
    EXPECT_THAT(lines_of(alice, Stream::kOut), ElementsAre("bob: first", "bob: second"));
}

TEST_F(Chat, PingMeasuresThePath) {
    start_rendezvous();
    Process& alice = start_chat("alice", {});
    ASSERT_TRUE(says(alice, Stream::kErr, "rendezvous ok"));
    Process& ping =
        run_peer("bob", {"ping", "--id", "bob", "--via", via(), "--count", "2", "alice"});
    EXPECT_EQ(status_of(ping), 0);
    EXPECT_THAT(
        lines_of(ping, Stream::kOut),
        ElementsAre(HasSubstr("alice 1: "), HasSubstr("alice 2: "), HasSubstr("2 answers")));
}

}  // namespace
}  // namespace pinhole::cli
