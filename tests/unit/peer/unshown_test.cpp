#include "peer/unshown.hpp"

#include <gtest/gtest.h>

#include "tests/unit/peer/captured_screen.hpp"

namespace pinhole::peer {
namespace {

using wire::Id;

const Id kAlice = *Id::parse("alice");
const Id kBob = *Id::parse("bob");

TEST(Unshown, ATextIsShownWhenItsLineIsWritten) {
    test::CapturedScreen captured;
    Unshown unshown;
    const auto first = captured.screen.precious_data("a");
    const auto second = captured.screen.precious_data(std::string(std::size_t{1} << 20U, 'x'));
    ASSERT_TRUE(first && second);
    unshown.add({.peer = kAlice, .name = {.run = 1, .number = 1}, .end = *first});
    unshown.add({.peer = kBob, .name = {.run = 2, .number = 7}, .end = *second});
    const auto shown = unshown.take_shown(captured.screen);
    ASSERT_TRUE(shown);
    EXPECT_EQ(shown->peer, kAlice);
    EXPECT_FALSE(unshown.take_shown(captured.screen)) << "most of its line still waits";
    EXPECT_TRUE(unshown.contains(kBob, {.run = 2, .number = 7}));
    EXPECT_FALSE(unshown.contains(kAlice, {.run = 1, .number = 1}));
    EXPECT_EQ(unshown.counts(), (std::map<Id, std::size_t>{{kBob, 1}}));
}

TEST(Unshown, HasABound) {
    Unshown unshown;
    for (std::uint32_t number = 1; number <= kUnshownMax; ++number) {
        EXPECT_FALSE(unshown.is_full());
        unshown.add({.peer = kBob, .name = {.run = 1, .number = number}, .end = number});
    }
    EXPECT_TRUE(unshown.is_full());
}

}  // namespace
}  // namespace pinhole::peer
