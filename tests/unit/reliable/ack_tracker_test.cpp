#include "shared/reliable/ack_tracker.hpp"

#include <gtest/gtest.h>

namespace pinhole::reliable {
namespace {

constexpr Instant kStart{1s};

CommandKey key(std::uint16_t sequence) {
    return {.channel = 2, .sequence = sequence};
}

EnetAcknowledgement answer(std::uint16_t sequence, std::uint16_t sent_time) {
    return {.channel = 2, .sequence = sequence, .sent_time = sent_time};
}

/// 1000 bytes left at the start, counted as lost, and left again 100 ms later.
AckTracker with_a_repetition() {
    AckTracker tracker;
    EXPECT_TRUE(tracker.on_sent(kStart, key(1), 10, 1000));
    tracker.mark_lost(key(1));
    EXPECT_FALSE(tracker.on_sent(kStart + 100ms, key(1), 110, 1000));
    return tracker;
}

TEST(AckTracker, CountsWhatIsInFlightUntilItIsAcknowledgedOrGivenUp) {
    AckTracker tracker;
    EXPECT_TRUE(tracker.on_sent(kStart, key(1), 10, 1000));
    EXPECT_TRUE(tracker.on_sent(kStart, key(2), 10, 500));
    EXPECT_EQ(tracker.in_flight(), 1500U);
    tracker.on_acknowledged(kStart + 50ms, answer(1, 10));
    EXPECT_EQ(tracker.in_flight(), 500U);
    EXPECT_EQ(tracker.delivered(), 1000U);
    tracker.mark_lost(key(2));
    EXPECT_EQ(tracker.in_flight(), 0U);
    EXPECT_EQ(tracker.to_repeat(), 500U);
    EXPECT_EQ(tracker.lost(), 500U);
    EXPECT_FALSE(tracker.on_sent(kStart + 60ms, key(2), 70, 500));
    EXPECT_EQ(tracker.in_flight(), 500U);
    EXPECT_EQ(tracker.to_repeat(), 0U);
}

TEST(AckTracker, KnowsHowMuchLeftSinceTheOldestGap) {
    AckTracker tracker;
    EXPECT_EQ(tracker.span(), 0U);
    for (std::uint16_t i = 1; i <= 4; ++i) {
        EXPECT_TRUE(tracker.on_sent(kStart, key(i), 10, 1000));
    }
    EXPECT_EQ(tracker.span(), 4000U);
    tracker.on_acknowledged(kStart + 50ms, answer(2, 10));
    tracker.on_acknowledged(kStart + 50ms, answer(3, 10));
    EXPECT_EQ(tracker.span(), 4000U) << "the first is missing";
    tracker.mark_lost(key(1));
    EXPECT_FALSE(tracker.on_sent(kStart + 60ms, key(1), 70, 1000));
    EXPECT_EQ(tracker.span(), 4000U) << "a repetition is as old as its first sending";
    tracker.on_acknowledged(kStart + 90ms, answer(1, 70));
    EXPECT_EQ(tracker.span(), 1000U);
    tracker.on_acknowledged(kStart + 90ms, answer(4, 10));
    EXPECT_EQ(tracker.span(), 0U);
}

TEST(AckTracker, IgnoresAcknowledgementsOfNothing) {
    AckTracker tracker;
    tracker.on_acknowledged(kStart, answer(1, 10));
    EXPECT_TRUE(tracker.on_sent(kStart, key(1), 10, 1000));
    tracker.on_acknowledged(kStart + 50ms, answer(1, 10));
    tracker.on_acknowledged(kStart + 51ms, answer(1, 10));
    EXPECT_EQ(tracker.delivered(), 1000U);
    EXPECT_EQ(tracker.in_flight(), 0U);
}

// Otherwise a lost answer to the needless repetition leaves bytes in flight for ever.
TEST(AckTracker, WaitsForNoAnswerToWhatIsRepeatedAfterItsAcknowledgement) {
    AckTracker tracker;
    EXPECT_TRUE(tracker.on_sent(kStart, key(65535), 10, 1000));
    EXPECT_TRUE(tracker.on_sent(kStart, key(0), 10, 1000)) << "numbers wrap";
    tracker.on_acknowledged(kStart + 50ms, answer(65535, 10));
    EXPECT_FALSE(tracker.on_sent(kStart + 50ms, key(65535), 60, 1000));
    EXPECT_EQ(tracker.in_flight(), 1000U);
    EXPECT_EQ(tracker.span(), 1000U);
    tracker.on_acknowledged(kStart + 60ms, answer(0, 10));
    tracker.on_acknowledged(kStart + 99ms, answer(65535, 60));
    EXPECT_EQ(tracker.in_flight(), 0U);
    EXPECT_EQ(tracker.delivered(), 2000U);
    EXPECT_TRUE(tracker.on_sent(kStart + 99ms, {.channel = 1, .sequence = 1}, 99, 10));
}

TEST(AckTracker, MeasuresTheRoundTripOfTheSendingThatWasAnswered) {
    AckTracker tracker = with_a_repetition();
    tracker.on_acknowledged(kStart + 130ms, answer(1, 110));
    const AckSample sample = tracker.take_sample(kStart + 130ms);
    EXPECT_EQ(sample.round_trip, Duration{30ms});
    EXPECT_EQ(tracker.round_trip().smoothed(), Duration{30ms});
    EXPECT_FALSE(sample.is_spurious);
}

TEST(AckTracker, KnowsARepetitionThatWasNotNeeded) {
    AckTracker tracker = with_a_repetition();
    tracker.on_acknowledged(kStart + 105ms, answer(1, 10));
    const AckSample sample = tracker.take_sample(kStart + 105ms);
    EXPECT_TRUE(sample.is_spurious);
    EXPECT_EQ(sample.round_trip, Duration{0});
    EXPECT_EQ(sample.bytes, 1000U);
}

TEST(AckTracker, CountsALateAcknowledgementOfWhatWasGivenUp) {
    AckTracker tracker;
    EXPECT_TRUE(tracker.on_sent(kStart, key(1), 10, 1000));
    tracker.mark_lost(key(1));
    tracker.on_acknowledged(kStart + 200ms, answer(1, 10));
    EXPECT_TRUE(tracker.take_sample(kStart + 200ms).is_spurious);
    EXPECT_EQ(tracker.delivered(), 1000U);
    EXPECT_EQ(tracker.to_repeat(), 0U);
}

TEST(AckTracker, TellsTheRateAtWhichThePathDelivers) {
    AckTracker tracker;
    // A thousand bytes each millisecond, and a round trip of 50 ms.
    AckSample sample;
    for (std::uint16_t i = 0; i < 200; ++i) {
        const Instant now = kStart + i * Duration{1ms};
        EXPECT_TRUE(tracker.on_sent(now, key(i), i, 1000));
        if (i < 50) continue;
        tracker.on_acknowledged(
            now, answer(static_cast<std::uint16_t>(i - 50), static_cast<std::uint16_t>(i - 50)));
        sample = tracker.take_sample(now);
    }
    EXPECT_EQ(sample.rate, 1'000'000U);
    EXPECT_GE(sample.interval, Duration{50ms});
    EXPECT_FALSE(sample.is_app_limited);
}

TEST(AckTracker, MarksSamplesTakenWhileTheSenderHadNothingToSend) {
    AckTracker tracker;
    tracker.note_app_limited();
    EXPECT_TRUE(tracker.on_sent(kStart, key(1), 10, 1000));
    tracker.on_acknowledged(kStart + 50ms, answer(1, 10));
    EXPECT_TRUE(tracker.take_sample(kStart + 50ms).is_app_limited);
}

TEST(AckTracker, KnowsWhatWasOvertaken) {
    AckTracker tracker;
    for (std::uint16_t i = 1; i <= 3; ++i) {
        EXPECT_TRUE(tracker.on_sent(kStart + i * Duration{1ms}, key(i), i, 100));
    }
    EXPECT_FALSE(tracker.was_overtaken(key(1)));
    tracker.on_acknowledged(kStart + 50ms, answer(2, 2));
    EXPECT_TRUE(tracker.was_overtaken(key(1)));
    EXPECT_FALSE(tracker.was_overtaken(key(3)));
    EXPECT_EQ(tracker.sent_at(key(1)), kStart + 1ms);
    EXPECT_EQ(tracker.sent_at(key(2)), std::nullopt);
}

TEST(SequenceIndex, FindsEachOfAWindowThatWrapsAround) {
    SequenceIndex index;
    for (std::uint32_t i = 0; i < 28'000; ++i) {
        index.set({.channel = 1, .sequence = static_cast<std::uint16_t>(60'000 + i)}, i);
    }
    for (std::uint32_t i = 0; i < 28'000; ++i) {
        const CommandKey wanted{.channel = 1, .sequence = static_cast<std::uint16_t>(60'000 + i)};
        ASSERT_EQ(index.find(wanted), i);
        index.erase(wanted);
        ASSERT_EQ(index.find(wanted), SequenceIndex::kNone);
    }
    EXPECT_EQ(index.find({.channel = 0, .sequence = 1}), SequenceIndex::kNone);
    EXPECT_EQ(index.find({.channel = 9, .sequence = 1}), SequenceIndex::kNone);
}

}  // namespace
}  // namespace pinhole::reliable
