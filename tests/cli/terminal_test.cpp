// The prompt, on a pseudo-terminal: what a person types and sees.
#include <csignal>

#include <gmock/gmock.h>
#include <termios.h>

#include "tests/cli/terminal_peer.hpp"

namespace pinhole::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;

class Terminal : public ProgramsTest {
  protected:
    [[nodiscard]] std::unique_ptr<TerminalPeer> start_bob(std::vector<std::string> words = {}) {
        words.insert(words.begin(), {program("PINHOLE_PEER"), "--id", "bob", "--via", via()});
        return std::make_unique<TerminalPeer>(words, folder("bob"));
    }

    // Bob at his terminal, connected to alice at her pipe.
    void start_both() {
        start_rendezvous();
        alice_ = &start_chat("alice", {});
        ASSERT_TRUE(says(*alice_, Stream::kErr, "rendezvous ok"));
        bob_ = start_bob({"alice"});
        ASSERT_TRUE(bob_->shows("; new peer alice ")) << bob_->seen();
        ASSERT_TRUE(bob_->shows("bob> ")) << bob_->seen();
    }

    Process* alice_ = nullptr;
    std::unique_ptr<TerminalPeer> bob_;
};

TEST_F(Terminal, WhatIsTypedArrivesAndWhatArrivesLeavesThePromptAlone) {
    ASSERT_NO_FATAL_FAILURE(start_both());
    bob_->type("Grüße\r");
    EXPECT_TRUE(says(*alice_, Stream::kOut, "bob: Grüße")) << bob_->seen();
    bob_->type("half a li");
    ASSERT_TRUE(bob_->shows("half a li")) << bob_->seen();
    alice_->write_line("hello\x1b[2J");
    ASSERT_TRUE(bob_->shows("hello\\u{1b}[2J")) << bob_->seen();
    ASSERT_TRUE(bob_->shows("bob ✓> half a li")) << "the line comes back: " << bob_->seen();
    bob_->type("ne\r");
    EXPECT_TRUE(says(*alice_, Stream::kOut, "bob: half a line")) << bob_->seen();
}

TEST_F(Terminal, IncomingLinesCarryATimeAndANameInColour) {
    ASSERT_NO_FATAL_FAILURE(start_both());
    alice_->write_line("hello");
    ASSERT_TRUE(bob_->shows("\x1b[32malice:\x1b[0m hello")) << bob_->seen();
    const std::string before = bob_->seen().substr(0, bob_->seen().find("\x1b[32malice:"));
    EXPECT_THAT(before.substr(before.size() - 6), MatchesRegex("[0-9][0-9]:[0-9][0-9] "));
}

TEST_F(Terminal, ThePromptTellsWhatIsNotConfirmed) {
    ASSERT_NO_FATAL_FAILURE(start_both());
    alice_->send_signal(SIGSTOP);
    bob_->type("one\r");
    ASSERT_TRUE(bob_->shows("bob 1…> ")) << bob_->seen();
    bob_->type("two\rha");
    ASSERT_TRUE(bob_->shows("bob 2…> ")) << bob_->seen();
    ASSERT_TRUE(bob_->shows("ha")) << bob_->seen();
    alice_->send_signal(SIGCONT);
    ASSERT_TRUE(bob_->shows("bob ✓> ha")) << "what is being typed stays: " << bob_->seen();
}

TEST_F(Terminal, LinesAreEditedByCharactersAndComeBack) {
    ASSERT_NO_FATAL_FAILURE(start_both());
    const std::string left = "\x1b[D";
    const std::string up = "\x1b[A";
    bob_->type("日本語" + left + left + "é\x7f" + "x\r");
    EXPECT_TRUE(says(*alice_, Stream::kOut, "bob: 日x本語")) << bob_->seen();
    bob_->type("e\u0301 and more\r");
    EXPECT_TRUE(says(*alice_, Stream::kOut, "bob: e\u0301 and more")) << bob_->seen();
    bob_->type(up + up + "!\r");
    EXPECT_TRUE(says(*alice_, Stream::kOut, "bob: 日x本語!")) << bob_->seen();
}

TEST_F(Terminal, ALineOfSeveralRowsGivesWayWhole) {
    ASSERT_NO_FATAL_FAILURE(start_both());
    // Five columns of prompt and 77 wide characters: one column of the first row stays empty, so
    // the second one is full, and the cursor is in the third. A terminal hands over in parts what
    // is typed: the last one, which stands there once, says that all of it is drawn.
    std::string line;
    for (int count = 0; count < 76; ++count) line += "漢";
    line += "終";
    bob_->type(line);
    ASSERT_TRUE(bob_->shows("終")) << bob_->seen();
    alice_->write_line("hello");
    ASSERT_TRUE(bob_->shows("hello")) << bob_->seen();
    EXPECT_THAT(bob_->seen(), HasSubstr("\x1b[2A\r\x1b[J")) << "up two rows, then cleared";
    bob_->type("\r");
    EXPECT_TRUE(says(*alice_, Stream::kOut, "bob: " + line)) << bob_->seen();
}

TEST_F(Terminal, CommandsAnswer) {
    ASSERT_NO_FATAL_FAILURE(start_both());
    bob_->type("/peers\r");
    EXPECT_TRUE(bob_->shows("alice connected pk:")) << bob_->seen();
    bob_->type("/path\r");
    EXPECT_TRUE(bob_->shows("alice: ")) << bob_->seen();
    bob_->type("/help\r");
    EXPECT_TRUE(bob_->shows("/quit ")) << bob_->seen();
    bob_->type("/nonsense\r");
    EXPECT_TRUE(bob_->shows("no command /nonsense")) << bob_->seen();
    bob_->type("@alice only you\r");
    EXPECT_TRUE(says(*alice_, Stream::kOut, "bob: only you"));
    ASSERT_TRUE(bob_->shows("bob ✓> ")) << "else it leaves with a text unconfirmed";
    bob_->type("/quit\r");
    EXPECT_EQ(bob_->wait_for_exit(), 0) << bob_->seen();
}

TEST_F(Terminal, ControlCEndsCleanlyAndRestoresTheTerminal) {
    start_rendezvous();
    bob_ = start_bob();
    const tcflag_t before = bob_->local_modes_before();
    ASSERT_TRUE(bob_->shows("bob> ")) << bob_->seen();
    EXPECT_NE(bob_->local_modes() & ICANON, before & ICANON) << "the prompt takes single keys";
    bob_->type("\x03");
    EXPECT_EQ(bob_->wait_for_exit(), 130) << bob_->seen();
    EXPECT_EQ(bob_->local_modes() & (ICANON | ECHO), before & (ICANON | ECHO));
}

TEST_F(Terminal, SecondSignalRestoresTheTerminalToo) {
    start_rendezvous();
    bob_ = start_bob();
    const tcflag_t before = bob_->local_modes_before();
    ASSERT_TRUE(bob_->shows("bob> ")) << bob_->seen();
    for (const int number : {SIGSTOP, SIGINT, SIGTERM, SIGCONT}) bob_->send_signal(number);
    EXPECT_EQ(bob_->wait_for_exit(), 130) << bob_->seen();
    EXPECT_EQ(bob_->local_modes() & (ICANON | ECHO), before & (ICANON | ECHO));
}

TEST_F(Terminal, OneThatStandsStillHoldsUpNothingButItself) {
    ASSERT_NO_FATAL_FAILURE(start_both());
    // More than a pseudo-terminal holds, and nobody looks at it.
    constexpr int kLines = 20;
    for (int number = 1; number <= kLines; ++number) {
        alice_->write_line(std::to_string(number) + std::string(20'000, '.'));
    }
    Process& ping = run_peer("carol", {"ping", "--id", "carol", "--via", via(), "--count", "3",
                                       "--timeout", "30", "bob"});
    EXPECT_EQ(status_of(ping), 0);
    ASSERT_TRUE(bob_->shows(" " + std::to_string(kLines) + ".")) << "after a name in colour";
    ASSERT_TRUE(bob_->shows("bob> ")) << "the prompt comes back";
    bob_->type("I am back\r");
    EXPECT_TRUE(says(*alice_, Stream::kOut, "bob: I am back"));
}

TEST_F(Terminal, ControlDOnAnEmptyLineLeaves) {
    start_rendezvous();
    bob_ = start_bob();
    ASSERT_TRUE(bob_->shows("bob> ")) << bob_->seen();
    bob_->type("\x04");
    EXPECT_EQ(bob_->wait_for_exit(), 0) << bob_->seen();
}

TEST_F(Terminal, TypingToNobodyIsSaid) {
    start_rendezvous();
    bob_ = start_bob();
    ASSERT_TRUE(bob_->shows("bob> ")) << bob_->seen();
    bob_->type("anybody?\r");
    EXPECT_TRUE(bob_->shows("nobody is connected, so that was not sent")) << bob_->seen();
}

}  // namespace
}  // namespace pinhole::cli
