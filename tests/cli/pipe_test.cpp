// `peer pipe` between two shells: exact bytes, ends, and exit codes.
#include <csignal>

#include <gmock/gmock.h>

#include "tests/cli/programs.hpp"
#include "tests/support/whole_file.hpp"

namespace pinhole::cli {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class PipeVerb : public ProgramsTest {
  protected:
    void SetUp() override {
        ProgramsTest::SetUp();
        start_rendezvous();
    }

    /// A script with the command of this peer's pipe as $PIPE, in the peer's own folder.
    Process& start_script(const std::string& id, const std::string& script) {
        const std::string command =
            program("PINHOLE_PEER") + " pipe --id " + id + " --via " + via();
        return start_program(
            id, {"bash", "-c", "cd \"$0\"; PIPE=\"$1\"; " + script, folder(id).string(), command});
    }
    /// One that waits for a call.
    Process& start_listener(const std::string& id, const std::string& script) {
        Process& process = start_script(id, script);
        EXPECT_TRUE(says(process, Stream::kErr, "rendezvous ok"));
        return process;
    }

    std::string content(const std::string& id, const std::string& name) const {
        return pinhole::test::read_file(folder(id) / name);
    }
    std::string write_random(const std::string& id, const std::string& name, std::size_t size) {
        std::string text = pinhole::test::content_of(size, size);
        pinhole::test::write_file(folder(id) / name, text);
        return text;
    }
};

TEST_F(PipeVerb, CarriesExactBytesBothWaysWithAnEndOfEach) {
    const std::string there = write_random("alice", "in", 20'000'000);
    const std::string back = write_random("bob", "in", 3'000'001);
    // Bob answers only after the end of what alice says.
    Process& bob = start_listener(
        "bob", "mkfifo hold; (exec 3>hold; cat >out; cat in >&3) < <(exec $PIPE <hold)");
    Process& alice = start_script("alice", "cat in | exec $PIPE bob >out");
    EXPECT_EQ(status_of(alice), 0);
    EXPECT_EQ(status_of(bob), 0);
    EXPECT_TRUE(content("bob", "out") == there);
    EXPECT_TRUE(content("alice", "out") == back);
    EXPECT_THAT(lines_of(alice, Stream::kOut), IsEmpty());
}

TEST_F(PipeVerb, CarriesATarOfAFolder) {
    std::filesystem::create_directories(folder("alice") / "tree" / "deep");
    const std::string text = write_random("alice", "tree/deep/file", 1'000'000);
    Process& bob = start_listener("bob", "$PIPE </dev/null | tar x");
    Process& alice = start_script("alice", "tar c tree | $PIPE bob");
    EXPECT_EQ(status_of(alice), 0);
    EXPECT_EQ(status_of(bob), 0);
    EXPECT_TRUE(content("bob", "tree/deep/file") == text);
}

TEST_F(PipeVerb, WhoStartsFirstDoesNotMatterWhenBothWait) {
    for (const auto& [first, second] : {std::pair{"alice", "bob"}, {"bob", "alice"}}) {
        Process& one =
            start_script(first, std::string{"echo from-"} + first + " | $PIPE --wait " + second);
        ASSERT_TRUE(says(one, Stream::kErr, "waiting"));
        Process& two =
            start_script(second, std::string{"echo from-"} + second + " | $PIPE --wait " + first);
        EXPECT_EQ(status_of(one), 0);
        EXPECT_EQ(status_of(two), 0);
        EXPECT_THAT(lines_of(one, Stream::kOut), Contains(std::string{"from-"} + second));
        EXPECT_THAT(lines_of(two, Stream::kOut), Contains(std::string{"from-"} + first));
    }
}

TEST_F(PipeVerb, SendOnlyEndsWhenItsInputIsThrough) {
    // Bob's input stays open.
    Process& bob = start_listener("bob", "exec $PIPE");
    Process& alice = start_script("alice", "echo hello | $PIPE --send-only bob");
    EXPECT_EQ(status_of(alice), 0);
    EXPECT_EQ(status_of(bob), 0);
    EXPECT_THAT(lines_of(bob, Stream::kOut), Contains("hello"));
}

TEST_F(PipeVerb, CloseOnEofReadsUntilItsOwnEnd) {
    Process& bob = start_listener("bob", "exec $PIPE");
    Process& alice = start_script("alice", "exec $PIPE --close-on-eof bob");
    ASSERT_TRUE(says(bob, Stream::kErr, "the pipe to alice stands"));
    bob.write_line("question");
    ASSERT_TRUE(says(alice, Stream::kOut, "question"));
    alice.write_line("answer");
    ASSERT_TRUE(says(bob, Stream::kOut, "answer"));
    alice.close_input();
    EXPECT_EQ(status_of(alice), 0);
    EXPECT_EQ(status_of(bob), 0);
}

TEST_F(PipeVerb, RecvOnlyReadsNoInput) {
    Process& bob = start_listener("bob", "echo data | $PIPE");
    Process& alice = start_script("alice", "exec $PIPE --recv-only bob");
    EXPECT_EQ(status_of(alice), 0);
    EXPECT_EQ(status_of(bob), 0);
    EXPECT_THAT(lines_of(alice, Stream::kOut), Contains("data"));
}

TEST_F(PipeVerb, AReaderThatLeavesIs141AndTheOtherSideHears) {
    Process& bob = start_listener("bob", "yes | $PIPE; exit ${PIPESTATUS[1]}");
    Process& alice =
        start_script("alice", "$PIPE bob </dev/null | head -n 1; exit ${PIPESTATUS[0]}");
    EXPECT_EQ(status_of(alice), 141);
    EXPECT_EQ(status_of(bob), 1);
    EXPECT_THAT(lines_of(alice, Stream::kOut), Contains("y"));
    EXPECT_TRUE(says(bob, Stream::kErr, "alice ended the pipe early"));
}

TEST_F(PipeVerb, AChatDoesNotTakeAPipeAndThatIs8) {
    Process& bob = start_chat("bob", {});
    ASSERT_TRUE(says(bob, Stream::kErr, "rendezvous ok"));
    Process& alice = start_script("alice", "echo hello | $PIPE bob");
    EXPECT_EQ(status_of(alice), 8);
    EXPECT_TRUE(says(alice, Stream::kErr, "bob is there, but not as a pipe"));
    EXPECT_TRUE(says(alice, Stream::kErr, "run: peer pipe --id bob"));
}

TEST_F(PipeVerb, APipeForSomebodyElseIs8) {
    start_listener("bob", "exec $PIPE");
    Process& carol = start_script("carol", "exec $PIPE bob");
    ASSERT_TRUE(says(carol, Stream::kErr, "the pipe to bob stands"));
    Process& alice = start_script("alice", "echo hello | $PIPE bob");
    EXPECT_EQ(status_of(alice), 8);
    EXPECT_TRUE(says(alice, Stream::kErr, "this pipe is taken"));
}

TEST_F(PipeVerb, AnOfflinePeerIs4) {
    Process& alice = start_script("alice", "echo hello | $PIPE nobody");
    EXPECT_EQ(status_of(alice), 4);
}

TEST_F(PipeVerb, NobodyInTimeIs7) {
    EXPECT_EQ(status_of(start_script("alice", "exec $PIPE --timeout 1")), 7);
    EXPECT_EQ(status_of(start_script("alice", "exec $PIPE --wait --timeout 1 nobody")), 7);
}

TEST_F(PipeVerb, AKilledOtherSideIs1AndSaysHowMuchIsThrough) {
    Process& bob = start_listener("bob", "exec $PIPE");
    Process& alice = start_script("alice", "exec $PIPE bob");
    alice.write_line("1234");
    ASSERT_TRUE(says(bob, Stream::kOut, "1234"));
    // A killed process says nothing, but the one that takes its name does.
    bob.send_signal(SIGKILL);
    ASSERT_EQ(status_of(bob), 137);
    start_listener("bob", "exec $PIPE");
    // Who has nothing to say notices only when consent runs out, after 30 s (RFC 7675 5.1).
    EXPECT_EQ(alice.wait_for_exit(2 * kPatience).value_or(-1), 1);
    EXPECT_TRUE(says(alice, Stream::kErr, "of 5 bytes sent are confirmed"));
    EXPECT_TRUE(says(alice, Stream::kErr, "cannot be resumed"));
}

TEST_F(PipeVerb, ControlCEndsBothSides) {
    Process& bob = start_listener("bob", "exec $PIPE");
    Process& alice = start_script("alice", "exec $PIPE bob");
    alice.write_line("1234");
    ASSERT_TRUE(says(bob, Stream::kOut, "1234"));
    alice.send_signal(SIGINT);
    EXPECT_EQ(status_of(alice), 130);
    EXPECT_EQ(status_of(bob), 1);
    EXPECT_TRUE(says(bob, Stream::kErr, "alice ended the pipe early"));
}

TEST_F(PipeVerb, EventsGoToStandardError) {
    Process& bob = start_listener("bob", "exec $PIPE --json </dev/null");
    Process& alice = start_script("alice", "echo data | $PIPE bob");
    EXPECT_EQ(status_of(alice), 0);
    EXPECT_EQ(status_of(bob), 0);
    EXPECT_THAT(lines_of(bob, Stream::kOut), ::testing::ElementsAre("data"));
    EXPECT_TRUE(says(bob, Stream::kErr, R"("event":"pipe","peer":"alice","sent":0)"));
}

TEST_F(PipeVerb, AFullDeviceIs1AndTheOtherSideHears) {
    Process& bob = start_listener("bob", "exec $PIPE >/dev/full");
    Process& alice = start_script("alice", "echo data | $PIPE bob");
    EXPECT_EQ(status_of(bob), 1);
    EXPECT_EQ(status_of(alice), 1);
    EXPECT_TRUE(says(bob, Stream::kErr, "standard output: No space left on device"));
    EXPECT_TRUE(says(alice, Stream::kErr, "reading or writing failed at bob"));
}

TEST_F(PipeVerb, OptionsThatContradictAre2) {
    for (const char* words :
         {"--send-only --recv-only bob", "--recv-only --close-on-eof bob", "bob carol", "alice"}) {
        Process& alice = start_script("alice", std::string{"exec $PIPE "} + words);
        EXPECT_EQ(status_of(alice), 2) << words;
        EXPECT_THAT(lines_of(alice, Stream::kErr), ::testing::SizeIs(2));
    }
}

}  // namespace
}  // namespace pinhole::cli
