#include "shared/traversal/selection.hpp"

#include <vector>

#include <gtest/gtest.h>

namespace pinhole::traversal {
namespace {

const Path kOne{kSocketV4, *Endpoint::parse("198.51.100.1:1000")};
const Path kTwo{kSocketV4, *Endpoint::parse("198.51.100.2:1000")};
const Path kLan{kSocketV4, *Endpoint::parse("192.168.1.2:1000")};
const Path kSix{kSocketV6, *Endpoint::parse("[2001:db9::1]:1000")};

Selection::Option option(const Path& path, Duration rtt, unsigned answers = kSamplesToSwitch) {
    Quality quality;
    for (unsigned i = 0; i < answers; ++i) quality.on_answer(rtt, true);
    return {path, quality};
}

bool consider(Selection& selection, Instant now, std::vector<Selection::Option> options) {
    return selection.consider(now, options);
}

TEST(Quality, IsSelectableAfter3AnswersOfWhichOneIsDataSized) {
    Quality quality;
    for (int i = 0; i < 5; ++i) quality.on_answer(10ms, false);
    EXPECT_FALSE(quality.is_selectable());
    quality.on_answer(10ms, true);
    EXPECT_TRUE(quality.is_selectable());

    Quality two;
    two.on_answer(10ms, true);
    two.on_answer(10ms, true);
    EXPECT_FALSE(two.is_selectable());
}

TEST(Quality, SmoothsTheRoundTripTime) {
    Quality quality;
    quality.on_answer(80ms, false);
    EXPECT_EQ(quality.rtt(), 80ms);
    quality.on_answer(160ms, false);
    EXPECT_EQ(quality.rtt(), 90ms);
}

TEST(Quality, OneFailureBarsNothingButMustQualifyAgain) {
    Quality quality = option(kOne, 10ms).quality;
    Instant now{};
    for (int failure = 0; failure < 3; ++failure) {
        quality.on_failed(now);
        EXPECT_FALSE(quality.is_barred(now));
        EXPECT_FALSE(quality.is_selectable());
        now += kFailureForgotten;
    }
}

TEST(Quality, FurtherFailuresBarFor30Then60Then120Seconds) {
    Quality quality = option(kOne, 10ms).quality;
    const Instant now{};
    quality.on_failed(now);
    for (const Duration bar : {30s, 60s, 120s, 120s}) {
        quality.on_failed(now);
        EXPECT_TRUE(quality.is_barred(now + bar - 1us));
        EXPECT_FALSE(quality.is_barred(now + bar));
    }
    quality.lift_bar();
    EXPECT_FALSE(quality.is_barred(now));
}

TEST(Selection, TakesTheBestOfTheFirst) {
    Selection selection;
    EXPECT_FALSE(consider(selection, {}, {}));
    EXPECT_TRUE(consider(selection, {}, {option(kOne, 30ms, 3), option(kTwo, 20ms, 3)}));
    EXPECT_EQ(selection.selected(), kTwo);
}

TEST(Selection, SwitchesOnlyWhenAFifthAnd5MillisecondsBetter) {
    struct Case {
        Duration current, challenger;
        bool switches;
    };
    for (const Case& c : {Case{100ms, 81ms, false}, Case{100ms, 80ms, true}, Case{10ms, 6ms, false},
                          Case{10ms, 5ms, true}}) {
        Selection selection;
        ASSERT_TRUE(consider(selection, {}, {option(kOne, c.current)}));
        EXPECT_EQ(consider(selection, Instant{kDwell},
                           {option(kOne, c.current), option(kTwo, c.challenger)}),
                  c.switches)
            << c.current.count() << " " << c.challenger.count();
    }
}

TEST(Selection, WaitsForFiveSamplesAndTheDwell) {
    Selection selection;
    ASSERT_TRUE(consider(selection, {}, {option(kOne, 100ms)}));
    EXPECT_FALSE(
        consider(selection, Instant{kDwell}, {option(kOne, 100ms), option(kTwo, 10ms, 4)}));
    EXPECT_FALSE(
        consider(selection, Instant{kDwell - 1us}, {option(kOne, 100ms), option(kTwo, 10ms, 5)}));
    EXPECT_TRUE(consider(selection, Instant{kDwell}, {option(kOne, 100ms), option(kTwo, 10ms, 5)}));
}

TEST(Selection, ALostPathIsReplacedAtOnce) {
    Selection selection;
    ASSERT_TRUE(consider(selection, {}, {option(kOne, 10ms)}));
    selection.drop();
    EXPECT_TRUE(consider(selection, Instant{1ms}, {option(kTwo, 90ms, 3)}));
    EXPECT_EQ(selection.selected(), kTwo);
}

TEST(Selection, LanBeatsEveryRoundTripTime) {
    Selection selection;
    ASSERT_TRUE(consider(selection, {}, {option(kOne, 2ms), option(kLan, 3ms)}));
    EXPECT_EQ(selection.selected(), kLan);
    EXPECT_FALSE(consider(selection, Instant{1min}, {option(kOne, 1ms), option(kLan, 300ms)}));
    Selection other;
    ASSERT_TRUE(consider(other, {}, {option(kOne, 2ms)}));
    EXPECT_TRUE(consider(other, Instant{kDwell}, {option(kOne, 2ms), option(kLan, 3ms)}));
}

TEST(Selection, Ipv6IsWorth10Milliseconds) {
    Selection selection;
    ASSERT_TRUE(consider(selection, {}, {option(kOne, 20ms), option(kSix, 29ms)}));
    EXPECT_EQ(selection.selected(), kSix);
    Selection other;
    ASSERT_TRUE(consider(other, {}, {option(kOne, 20ms), option(kSix, 31ms)}));
    EXPECT_EQ(other.selected(), kOne);
}

}  // namespace
}  // namespace pinhole::traversal
