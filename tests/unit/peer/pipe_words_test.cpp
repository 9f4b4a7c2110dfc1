#include "peer/pipe_words.hpp"

#include <cerrno>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pinhole::peer {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

const Id kAlice = *Id::parse("alice");
const Id kBob = *Id::parse("bob");

PipeTotals totals() {
    return {.peer = kBob, .sent = 12 << 20, .confirmed = 11 << 20, .received = 3, .time = 1'200ms};
}

PipeRefusal refusal(Refusal reason, std::string_view text = {}) {
    return {.peer = kBob, .reason = reason, .text = text, .self = kAlice, .via = "vps:3478"};
}

PipeBreak broken(PipeEnd end, int error = 0) {
    return {.peer = kBob, .end = end, .error = error, .sent = 9, .confirmed = 7, .received = 5};
}

TEST(PipeWords, SayHowMuchWentEachWayAndHowFast) {
    EXPECT_EQ(words_of(totals()),
              "sent 12.0 MiB to bob and received 3 bytes in 1.2 s (10.0 MiB/s)");
}

TEST(PipeWords, NameNoRateOfAMoment) {
    PipeTotals short_one = totals();
    short_one.time = 99ms;
    EXPECT_THAT(words_of(short_one), EndsWith(" in 0.1 s"));
    short_one.time = Duration{0};
    EXPECT_THAT(words_of(short_one), EndsWith(" in 0.0 s"));
}

TEST(PipeWords, TellHowToOpenThePipeOnTheOtherSide) {
    for (const Refusal reason : {Refusal::kNoSuchService, Refusal::kNotAllowed, Refusal::kBusy,
                                 Refusal::kFailed, static_cast<Refusal>(77)}) {
        const Problem problem = pipe_refused(refusal(reason));
        EXPECT_EQ(problem.code, ExitCode::kRefused);
        EXPECT_THAT(problem.text, EndsWith("peer pipe --id bob --via vps:3478 alice"));
    }
    EXPECT_THAT(pipe_refused(refusal(Refusal::kNoSuchService, "whatever")).text,
                StartsWith("bob is there, but not as a pipe\n"));
}

TEST(PipeWords, MakeTheOtherSidesReasonHarmless) {
    const Problem problem = pipe_refused(refusal(Refusal::kBusy, "no\x1b[2J\nway"));
    EXPECT_THAT(problem.text, StartsWith("bob refused the pipe: no\\u{1b}[2J"));
    EXPECT_THAT(problem.text, Not(HasSubstr("\x1b")));
    EXPECT_THAT(problem.text, Not(HasSubstr("\nway")));
}

TEST(PipeWords, SayWhoEndedItAndWhatArrived) {
    EXPECT_THAT(pipe_broken(broken(PipeEnd::kInput, EIO)).text,
                StartsWith("standard input: Input/output error; 7 of 9 bytes sent are confirmed, 5 "
                           "received\n"));
    EXPECT_THAT(pipe_broken(broken(PipeEnd::kOutput, ENOSPC)).text,
                StartsWith("standard output: No space left on device; "));
    EXPECT_THAT(pipe_broken(broken(PipeEnd::kCancelled)).text,
                StartsWith("bob ended the pipe early; "));
    EXPECT_THAT(pipe_broken(broken(PipeEnd::kFailed)).text,
                StartsWith("reading or writing failed at bob; "));
    EXPECT_THAT(pipe_broken(broken(PipeEnd::kLost)).text,
                StartsWith("the connection to bob was lost in the middle; "));
    EXPECT_EQ(pipe_broken(broken(PipeEnd::kLost)).code, ExitCode::kOther);
}

TEST(PipeWords, SayWhatDidNotComeInTime) {
    EXPECT_THAT(pipe_timed_out(std::nullopt, false).text,
                StartsWith("nobody opened a pipe in time\n"));
    EXPECT_THAT(pipe_timed_out(kBob, false).text, StartsWith("no connection to bob in time\n"));
    EXPECT_THAT(pipe_timed_out(kBob, true).text, StartsWith("bob is connected, but "));
    EXPECT_EQ(pipe_timed_out(kBob, true).code, ExitCode::kTimeout);
}

TEST(PipeWords, AreOneLineOfJson) {
    EXPECT_EQ(json::pipe(totals()),
              R"({"v":1,"event":"pipe","peer":"bob","sent":12582912,"confirmed":11534336,)"
              R"("received":3,"seconds":1.2})");
}

}  // namespace
}  // namespace pinhole::peer
