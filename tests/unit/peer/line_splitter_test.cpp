#include "peer/line_splitter.hpp"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pinhole::peer {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> all_of(LineSplitter& lines) {
    std::vector<std::string> out;
    while (auto line = lines.next()) out.push_back(std::move(*line));
    return out;
}

TEST(LineSplitter, CutsAtLineEndsOfBothKinds) {
    LineSplitter lines{100};
    lines.feed("one\ntwo\r\n\nthr");
    EXPECT_THAT(all_of(lines), ElementsAre("one", "two", ""));
    lines.feed("ee\n");
    EXPECT_THAT(all_of(lines), ElementsAre("three"));
}

TEST(LineSplitter, LastLineNeedsNoEnd) {
    LineSplitter lines{100};
    lines.feed("one\ntwo");
    EXPECT_THAT(all_of(lines), ElementsAre("one"));
    lines.finish();
    EXPECT_THAT(all_of(lines), ElementsAre("two"));
    EXPECT_THAT(all_of(lines), IsEmpty());
}

TEST(LineSplitter, CutsLongLinesBetweenCharactersAndSaysSo) {
    LineSplitter lines{4};
    lines.feed("abcd\n");
    EXPECT_THAT(all_of(lines), ElementsAre("abcd"));
    EXPECT_FALSE(lines.take_was_cut());
    lines.feed("ab世界\nx\n");
    EXPECT_THAT(all_of(lines), ElementsAre("ab", "世", "界", "x"));
    EXPECT_TRUE(lines.take_was_cut());
    EXPECT_FALSE(lines.take_was_cut());
}

TEST(LineSplitter, HoldsNoMoreThanALineOfAnEndlessOne) {
    LineSplitter lines{4};
    lines.feed("aaaaaaaaa");
    EXPECT_THAT(all_of(lines), ElementsAre("aaaa", "aaaa"));
}

}  // namespace
}  // namespace pinhole::peer
