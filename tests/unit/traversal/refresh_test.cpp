#include "shared/traversal/refresh.hpp"

#include <gtest/gtest.h>

namespace pinhole::traversal {
namespace {

Refresh measured(Duration lived) {
    Refresh refresh;
    refresh.set_lived(Lived{.family = Family::kV4, .time = lived});
    return refresh;
}

TEST(Refresh, WhatWasNeverMeasuredComesEvery15SecondsWithin20Percent) {
    EXPECT_EQ(Refresh{}.pace(Family::kV4), (Pace{.shortest = 12s, .longest = 18s}));
}

TEST(Refresh, AMeasuredLifetimeIsUsedUpByFourFifthsWithin2And20Seconds) {
    for (const auto& [lived, longest] :
         {std::pair<Duration, Duration>{0s, 2s}, {5s, 4s}, {12s, 9600ms}, {25s, 20s}, {2h, 20s}}) {
        const Pace pace = measured(lived).pace(Family::kV4);
        EXPECT_EQ(pace.longest, longest) << lived.count();
        EXPECT_EQ(pace.shortest, longest * 4 / 5) << lived.count();
    }
}

TEST(Refresh, SaysNothingOfTheFamilyThatWasNotMeasured) {
    EXPECT_EQ(measured(5s).pace(Family::kV6), Pace{});
    EXPECT_EQ(measured(25s).spare_interval(Family::kV6, false), kSpareInterval);
}

TEST(Refresh, EachLostMappingHalvesTheIntervalUntilTheLessonIsForgotten) {
    Refresh refresh;
    refresh.on_mapping_lost(Family::kV4);
    EXPECT_EQ(refresh.pace(Family::kV4).longest, 9s);
    refresh.on_mapping_lost(Family::kV4);
    EXPECT_EQ(refresh.pace(Family::kV4), (Pace{.shortest = 3600ms, .longest = 4500ms}));
    for (int i = 0; i < 5; ++i) refresh.on_mapping_lost(Family::kV4);
    EXPECT_EQ(refresh.pace(Family::kV4).longest, kKeepaliveMin);
    refresh.forget_lesson();
    EXPECT_EQ(refresh.pace(Family::kV4), Pace{});
}

TEST(Refresh, ALessonNeverLengthensWhatWasMeasured) {
    Refresh refresh;
    refresh.on_mapping_lost(Family::kV4);
    refresh.set_lived(Lived{.family = Family::kV4, .time = 5s});
    EXPECT_EQ(refresh.pace(Family::kV4).longest, 4s);
}

TEST(Refresh, SparesAreComparedWhileDataFlowsAndElseOnlyKept) {
    EXPECT_EQ(measured(25s).spare_interval(Family::kV4, true), kSpareInterval);
    EXPECT_EQ(measured(25s).spare_interval(Family::kV4, false), kKeepaliveMax);
    EXPECT_EQ(measured(5s).spare_interval(Family::kV4, true), 4s);
    EXPECT_EQ(Refresh{}.spare_interval(Family::kV4, false), kSpareInterval);
}

}  // namespace
}  // namespace pinhole::traversal
