#include "peer/screen.hpp"

#include <csignal>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/peer/captured_screen.hpp"

namespace pinhole::peer {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(Screen, DataAndTalkGoTheirOwnWays) {
    test::CapturedScreen captured;
    EXPECT_TRUE(captured.screen.data("bob: hi"));
    captured.screen.talk("bob left");
    EXPECT_EQ(captured.out.take(), "bob: hi\n");
    EXPECT_EQ(captured.err.take(), "bob left\n");
}

TEST(Screen, WritesNoEscapesWhereThereIsNoTerminal) {
    test::CapturedScreen captured;
    captured.screen.state("registering");
    captured.screen.data(captured.screen.painted_data(Paint::kName, "bob:"));
    captured.screen.talk(captured.screen.painted_talk(Paint::kError, "peer:"));
    EXPECT_EQ(captured.out.take(), "bob:\n");
    EXPECT_EQ(captured.err.take(), "peer:\n");
}

TEST(Screen, ColoursWhenAskedTo) {
    test::CapturedScreen captured{false, ColorMode::kAlways};
    EXPECT_EQ(captured.screen.painted_data(Paint::kName, "bob:"), "\x1b[36mbob:\x1b[0m");
    test::CapturedScreen plain{false, ColorMode::kNever};
    EXPECT_EQ(plain.screen.painted_data(Paint::kName, "bob:"), "bob:");
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
    EXPECT_FALSE(captured.screen.data("lost"));
    EXPECT_TRUE(captured.screen.is_broken());
    captured.screen.talk("still heard");
    EXPECT_THAT(captured.err.take(), HasSubstr("still heard"));
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
