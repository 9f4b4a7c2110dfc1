#include "peer/screen.hpp"

#include <cerrno>
#include <csignal>
#include <set>
#include <string>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/peer/captured_screen.hpp"

namespace pinhole::peer {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(Screen, DataAndTalkGoTheirOwnWays) {
    test::CapturedScreen captured;
    captured.screen.data("bob: hi");
    captured.screen.talk("bob left");
    EXPECT_EQ(captured.out.take(), "bob: hi\n");
    EXPECT_EQ(captured.err.take(), "bob left\n");
}

TEST(Screen, WritesNoEscapesWhereThereIsNoTerminal) {
    test::CapturedScreen captured;
    captured.screen.state("registering");
    captured.screen.data(captured.screen.data_painted_as("bob", "bob:"));
    captured.screen.talk(captured.screen.painted_talk(Paint::kError, "peer:"));
    EXPECT_EQ(captured.out.take(), "bob:\n");
    EXPECT_EQ(captured.err.take(), "peer:\n");
}

TEST(Screen, ColoursWhenAskedTo) {
    test::CapturedScreen captured{false, ColorMode::kAlways};
    EXPECT_EQ(captured.screen.painted_data(Paint::kGood, "ok"), "\x1b[32mok\x1b[0m");
    test::CapturedScreen plain{false, ColorMode::kNever};
    EXPECT_EQ(plain.screen.painted_data(Paint::kGood, "ok"), "ok");
    EXPECT_EQ(plain.screen.data_painted_as("bob", "bob:"), "bob:");
}

TEST(Screen, AnIdHasOneColourForEver) {
    test::CapturedScreen captured{false, ColorMode::kAlways};
    const auto code_of = [&](std::string_view id) {
        const std::string painted = captured.screen.data_painted_as(id, "x");
        EXPECT_EQ(painted, captured.screen.talk_painted_as(id, "x"));
        return painted.substr(0, painted.find('x'));
    };
    EXPECT_EQ(code_of("alice"), "\x1b[32m");
    EXPECT_EQ(code_of("bob"), "\x1b[36m");
    std::set<std::string> codes;
    for (int number = 0; number < 100; ++number) codes.insert(code_of(fmt::format("p{}", number)));
    EXPECT_EQ(codes.size(), 5U) << "all of them are used";
    EXPECT_FALSE(codes.contains("\x1b[31m")) << "red is for errors";
}

TEST(Screen, QuietKeepsDataAndWarnings) {
    test::CapturedScreen captured{true};
    captured.screen.talk("chatter");
    captured.screen.warn("trouble");
    captured.screen.data("data");
    EXPECT_EQ(captured.err.take(), "trouble\n");
    EXPECT_EQ(captured.out.take(), "data\n");
}

TEST(Screen, NoticesThatNobodyReads) {
    std::signal(SIGPIPE, SIG_IGN);
    test::CapturedScreen captured;
    captured.out.close_reader();
    EXPECT_FALSE(captured.screen.precious_data("lost"));
    EXPECT_EQ(captured.screen.broken_by(), EPIPE);
    captured.screen.talk("still heard");
    EXPECT_THAT(captured.err.take(), HasSubstr("still heard"));
}

/// Everything that comes out when the reader comes back and reads to the end.
std::string read_all(test::CapturedScreen& captured) {
    std::string out;
    for (std::string piece; !(piece = captured.out.take()).empty(); captured.io.poll()) {
        captured.io.restart();
        out += piece;
    }
    return out;
}

TEST(Screen, WaitsForNoReaderAndLosesNothing) {
    test::CapturedScreen captured;
    const std::string line(9'999, 'x');
    constexpr std::size_t kLines = 100;
    std::optional<OutputMark> first;
    std::optional<OutputMark> last;
    for (std::size_t i = 0; i < kLines; ++i) {
        last = captured.screen.precious_data(line);
        ASSERT_TRUE(last);
        if (!first) first = last;
    }
    EXPECT_TRUE(captured.screen.is_out(*first));
    EXPECT_FALSE(captured.screen.is_out(*last)) << "no pipe holds a million bytes";
    EXPECT_TRUE(captured.screen.is_behind());
    int progress = 0;
    captured.screen.set_listener([&] { ++progress; });
    EXPECT_EQ(read_all(captured).size(), kLines * (line.size() + 1));
    EXPECT_TRUE(captured.screen.is_out(*last));
    EXPECT_FALSE(captured.screen.is_behind());
    EXPECT_GT(progress, 0);
}

TEST(Screen, BoundsWhatWaitsAndTellsWhatItLeftOut) {
    test::CapturedScreen captured;
    const std::string line(std::size_t{1} << 20U, 'x');
    std::size_t taken = 0;
    while (captured.screen.precious_data(line)) ++taken;
    EXPECT_GT(taken * line.size(), kDataWaitingMax);
    EXPECT_LT(taken * line.size(), 2 * kDataWaitingMax);
    captured.screen.data("left out");
    captured.screen.data("and this");
    EXPECT_EQ(captured.err.take(), "") << "there is nobody to tell yet";
    EXPECT_EQ(read_all(captured).size(), taken * (line.size() + 1));
    EXPECT_THAT(captured.err.take(), HasSubstr("2 lines of data are missing"));
    captured.screen.data("again");
    EXPECT_EQ(captured.out.take(), "again\n");
    EXPECT_EQ(captured.err.take(), "") << "once is enough";
}

TEST(Screen, TalkThatNobodyReadsIsBoundedToo) {
    test::CapturedScreen captured;
    const std::string line(std::size_t{1} << 18U, 'x');
    for (int i = 0; i < 20; ++i) captured.screen.talk(line);
    std::string heard;
    for (std::string piece; !(piece = captured.err.take()).empty(); captured.io.poll()) {
        captured.io.restart();
        heard += piece;
    }
    EXPECT_LT(heard.size(), 2 * kTalkWaitingMax);
    EXPECT_THAT(heard.substr(heard.rfind('(')), HasSubstr("lines are missing here"));
}

TEST(Screen, AFullDeviceIsNotAReaderWhoLeft) {
    const int full = ::open("/dev/full", O_WRONLY | O_CLOEXEC);
    ASSERT_GE(full, 0);
    asio::io_context io;
    test::CapturedPipe err;
    Screen screen{io, {.out_fd = full, .err_fd = err.fd()}, [](std::string_view) {
                      return std::optional<std::string>{};
                  }};
    EXPECT_FALSE(screen.precious_data("lost"));
    EXPECT_EQ(screen.broken_by(), ENOSPC);
    ::close(full);
}

TEST(Screen, OneStreamKeepsTheOrderOfDataAndTalk) {
    asio::io_context io;
    test::CapturedPipe both;
    Screen screen{io, {.out_fd = both.fd(), .err_fd = both.fd()}, [](std::string_view) {
                      return std::optional<std::string>{};
                  }};
    const std::string line(std::size_t{1} << 18U, 'x');
    screen.data(line);
    screen.talk("after it");
    std::string all;
    for (std::string piece; !(piece = both.take()).empty(); io.poll()) {
        io.restart();
        all += piece;
    }
    EXPECT_EQ(all, line + "\nafter it\n");
}

class Recorder final : public Overlay {
  public:
    void hide() override { ++hidden; }
    void show() override { ++shown; }
    int hidden = 0;
    int shown = 0;
};

TEST(Screen, PromptNeedNotGiveWayToWhatGoesElsewhere) {
    test::CapturedScreen captured;
    Recorder prompt;
    captured.screen.set_overlay(&prompt);
    captured.screen.data("to a pipe");
    EXPECT_EQ(prompt.hidden, 0);
    EXPECT_EQ(prompt.shown, 0);
}

}  // namespace
}  // namespace pinhole::peer
