// The prompt, on a pseudo-terminal: what a person types and sees.
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <stdexcept>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <poll.h>
#include <pty.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "tests/cli/programs.hpp"

namespace pinhole::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using Clock = std::chrono::steady_clock;

/// A peer that has a terminal of its own as its three streams.
class TerminalPeer {
  public:
    TerminalPeer(const std::vector<std::string>& words, const std::string& home) {
        winsize size{};
        size.ws_col = 80;
        size.ws_row = 24;
        std::vector<char*> arguments;
        for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
        arguments.push_back(nullptr);
        pid_ = ::forkpty(&master_, nullptr, nullptr, &size);
        if (pid_ < 0) throw std::runtime_error("forkpty");
        if (pid_ == 0) {
            ::setenv("XDG_STATE_HOME", home.c_str(), 1);
            ::setenv("XDG_RUNTIME_DIR", home.c_str(), 1);
            ::setenv("HOME", home.c_str(), 1);
            ::setenv("TERM", "xterm", 1);
            ::setenv("LC_ALL", "C.UTF-8", 1);
            ::unsetenv("NO_COLOR");
            ::execv(arguments[0], arguments.data());
            ::_exit(127);
        }
    }
    TerminalPeer(const TerminalPeer&) = delete;
    TerminalPeer& operator=(const TerminalPeer&) = delete;
    ~TerminalPeer() {
        if (!status_) {
            ::kill(pid_, SIGKILL);
            ::waitpid(pid_, nullptr, 0);
        }
        ::close(master_);
    }

    void type(const std::string& keys) const {
        EXPECT_EQ(::write(master_, keys.data(), keys.size()), static_cast<ssize_t>(keys.size()));
    }

    void send_signal(int number) const { ::kill(pid_, number); }

    /// Waits until `text` is on the terminal after what earlier calls found.
    [[nodiscard]] bool shows(const std::string& text) {
        const auto deadline = Clock::now() + kPatience;
        while (true) {
            const auto at = seen_.find(text, looked_at_);
            if (at != std::string::npos) {
                looked_at_ = at + text.size();
                return true;
            }
            if (Clock::now() > deadline || !read_more()) return false;
        }
    }

    [[nodiscard]] int wait_for_exit() {
        const auto deadline = Clock::now() + kPatience;
        while (!status_ && Clock::now() < deadline) {
            static_cast<void>(read_more());
            int raw = 0;
            if (::waitpid(pid_, &raw, WNOHANG) == pid_) {
                status_ = WIFEXITED(raw) ? WEXITSTATUS(raw) : 128 + WTERMSIG(raw);
            }
        }
        return status_.value_or(-1);
    }

    [[nodiscard]] tcflag_t local_modes() const {
        termios modes{};
        EXPECT_EQ(::tcgetattr(master_, &modes), 0);
        return modes.c_lflag;
    }
    [[nodiscard]] const std::string& seen() const { return seen_; }

  private:
    bool read_more() {
        pollfd watched{.fd = master_, .events = POLLIN, .revents = 0};
        constexpr int kTurn = 50;
        if (::poll(&watched, 1, kTurn) <= 0) return true;
        std::array<char, 4096> chunk{};
        const ssize_t got = ::read(master_, chunk.data(), chunk.size());
        if (got <= 0) return false;
        seen_.append(chunk.data(), static_cast<std::size_t>(got));
        return true;
    }

    int master_ = -1;
    pid_t pid_ = -1;
    std::string seen_;
    std::size_t looked_at_ = 0;
    std::optional<int> status_;
};

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
        ASSERT_TRUE(bob_->shows("bob -> alice:")) << bob_->seen();
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
    // the second one is full, and the cursor is in the third.
    std::string line;
    for (int count = 0; count < 77; ++count) line += "漢";
    bob_->type(line + "\x05");
    ASSERT_TRUE(bob_->shows("漢漢漢")) << bob_->seen();
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
    bob_->type("/quit\r");
    EXPECT_EQ(bob_->wait_for_exit(), 0) << bob_->seen();
}

TEST_F(Terminal, ControlCEndsCleanlyAndRestoresTheTerminal) {
    start_rendezvous();
    bob_ = start_bob();
    const tcflag_t before = bob_->local_modes();
    ASSERT_TRUE(bob_->shows("bob> ")) << bob_->seen();
    EXPECT_NE(bob_->local_modes() & ICANON, before & ICANON) << "the prompt takes single keys";
    bob_->type("\x03");
    EXPECT_EQ(bob_->wait_for_exit(), 130) << bob_->seen();
    EXPECT_EQ(bob_->local_modes() & (ICANON | ECHO), before & (ICANON | ECHO));
}

TEST_F(Terminal, SecondSignalRestoresTheTerminalToo) {
    start_rendezvous();
    bob_ = start_bob();
    const tcflag_t before = bob_->local_modes();
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
                                       "--timeout", "10", "bob"});
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
