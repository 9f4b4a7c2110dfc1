// Readers of our output that are slow, stand still or leave.
#include <chrono>
#include <csignal>
#include <thread>

#include <gmock/gmock.h>

#include "tests/cli/programs.hpp"

namespace pinhole::cli {
namespace {

using ::testing::Contains;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

class Output : public ProgramsTest {
  protected:
    /// Alice, whose output nobody reads, and bob, who sent her more than a pipe holds. Now it is
    /// full, and something waits inside her.
    void fill_alices_pipe(int lines) {
        start_rendezvous();
        alice_ = &start_chat("alice", {});
        ASSERT_TRUE(says(*alice_, Stream::kErr, "rendezvous ok"));
        alice_->stall_output();
        bob_ = &start_chat("bob", {"--json", "alice"});
        for (int number = 1; number <= lines; ++number) {
            bob_->write_line(std::to_string(number) + std::string(kLineBytes, '.'));
        }
        ASSERT_TRUE(tells(*bob_, {{"event", "delivered"}, {"id", kLinesThatFit}}));
        const auto patience = std::chrono::steady_clock::now() + kPatience;
        while (alice_->bytes_unread() <= kLinesThatFit * (kLineBytes + 100)) {
            ASSERT_LT(std::chrono::steady_clock::now(), patience) << "no further line came";
            std::this_thread::sleep_for(std::chrono::milliseconds{10});
        }
    }

    /// Asks alice for signs of life: what she writes waits, but she herself must not.
    void expect_that_alice_answers() {
        Process& ping = run_peer("carol", {"ping", "--id", "carol", "--via", via(), "--count", "2",
                                           "--timeout", "30", "alice"});
        EXPECT_EQ(status_of(ping), 0);
    }

    static constexpr std::size_t kLineBytes = 20'000;
    /// Of those into a pipe of 64 KiB (pipe(7)), whole.
    static constexpr int kLinesThatFit = 3;
    Process* alice_ = nullptr;
    Process* bob_ = nullptr;
};

TEST_F(Output, AReaderThatStandsStillHoldsUpNothingButItsOwnLines) {
    // More than a pipe holds, and less than makes bob stop reading his input.
    constexpr int kLines = 40;
    ASSERT_NO_FATAL_FAILURE(fill_alices_pipe(kLines));
    expect_that_alice_answers();
    // What nobody has read counts as not delivered.
    EXPECT_THAT(lines_of(*bob_, Stream::kOut),
                Each(Not(HasSubstr("\"id\":" + std::to_string(kLines) + "}"))));
    alice_->resume_output();
    bob_->close_input();
    EXPECT_TRUE(says(*alice_, Stream::kOut, "bob: " + std::to_string(kLines) + "."));
    EXPECT_EQ(status_of(*bob_), 0);
    const auto lines = lines_of(*alice_, Stream::kOut);
    ASSERT_EQ(lines.size(), kLines);
    for (int number = 1; number <= kLines; ++number) {
        ASSERT_THAT(lines[static_cast<std::size_t>(number - 1)],
                    StartsWith("bob: " + std::to_string(number) + "."));
    }
}

TEST_F(Output, WhatNobodyReadIsToldToBothSidesAtTheEnd) {
    ASSERT_NO_FATAL_FAILURE(fill_alices_pipe(20));
    alice_->send_signal(SIGINT);
    EXPECT_EQ(status_of(*alice_), 130);
    EXPECT_TRUE(says(*alice_, Stream::kErr, "from bob: nobody reads our output, so not confirmed"));
    EXPECT_TRUE(says(*alice_, Stream::kErr, "bytes for standard output are given up"));
    bob_->send_signal(SIGINT);
    EXPECT_EQ(status_of(*bob_), 130);
    EXPECT_TRUE(says(*bob_, Stream::kErr, "to alice: not confirmed, perhaps not shown"));
}

TEST_F(Output, AGoodEndWaitsForTheReader) {
    ASSERT_NO_FATAL_FAILURE(fill_alices_pipe(20));
    alice_->close_input();
    expect_that_alice_answers();
    alice_->resume_output();
    EXPECT_EQ(status_of(*alice_), 0);
    EXPECT_EQ(lines_of(*alice_, Stream::kOut).size(), 20U);
    bob_->close_input();
    EXPECT_EQ(status_of(*bob_), 0) << "all was confirmed";
}

TEST_F(Output, AReaderThatLeavesIs141) {
    start_rendezvous();
    Process& alice = start_chat("alice", {});
    ASSERT_TRUE(says(alice, Stream::kErr, "rendezvous ok"));
    alice.close_output();
    Process& bob = start_chat("bob", {"--json", "alice"});
    bob.write_line("is anybody reading?");
    EXPECT_EQ(status_of(alice), 141);
    ASSERT_TRUE(tells(bob, {{"event", "closed"}, {"peer", "alice"}}));
    EXPECT_THAT(lines_of(bob, Stream::kOut), Not(Contains(HasSubstr("\"delivered\""))));
}

TEST_F(Output, AReaderThatLeavesWhileItIsWaitedForIs141) {
    ASSERT_NO_FATAL_FAILURE(fill_alices_pipe(20));
    alice_->close_output();
    EXPECT_EQ(status_of(*alice_), 141);
}

TEST_F(Output, HelpForAReaderWhoLeftIs141) {
    // The shell becomes the tool once we have left.
    Process& help =
        start_program("any", {"sh", "-c", "read go; exec \"$0\" help", program("PINHOLE_PEER")});
    help.close_output();
    help.write_line("go");
    EXPECT_EQ(status_of(help), 141);
}

TEST_F(Output, AFullDeviceIsAFailureThatIsSaid) {
    start_rendezvous();
    Process& alice =
        start_program("alice", {"sh", "-c", "exec \"$0\" --id alice --via \"$1\" >/dev/full",
                                program("PINHOLE_PEER"), via()});
    ASSERT_TRUE(says(alice, Stream::kErr, "rendezvous ok"));
    start_chat("bob", {"alice"}).write_line("no room for this");
    EXPECT_EQ(status_of(alice), 1);
    EXPECT_TRUE(says(alice, Stream::kErr, "standard output: No space left on device"));
}

/// Runs a chat with one end of a pair of sockets as its standard input and output, and says whether
/// the program that has that end too can still wait on it.
constexpr const char* kShareSockets = R"(
import fcntl, os, socket, subprocess, sys
ours, theirs = socket.socketpair()
peer = subprocess.Popen([*sys.argv[1:], '--json'], stdin=theirs, stdout=theirs)
seen = b''
while b'registered' not in seen: seen += ours.recv(4096)
ours.sendall(b'nobody is here' + bytes([10]))
flags = fcntl.fcntl(theirs, fcntl.F_GETFL)
peer.terminate()
peer.wait()
print('waits' if not flags & os.O_NONBLOCK else 'does not wait', flush=True)
)";

TEST_F(Output, ASharedSocketKeepsItsFlags) {
    start_rendezvous();
    Process& both = start_program("alice", {"python3", "-c", kShareSockets, program("PINHOLE_PEER"),
                                            "--id", "alice", "--via", via()});
    EXPECT_EQ(status_of(both), 0);
    EXPECT_TRUE(says(both, Stream::kOut, "waits"));
    EXPECT_THAT(lines_of(both, Stream::kOut), Not(Contains("does not wait")));
}

}  // namespace
}  // namespace pinhole::cli
