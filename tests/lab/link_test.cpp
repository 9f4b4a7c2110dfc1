#include "tests/lab/link.hpp"

#include <gtest/gtest.h>

#include "tests/lab/lab.hpp"

namespace pinhole::lab {
namespace {

/// Writes down when what arrives.
class Sink final : public Node {
  public:
    void receive(Instant now, CableId, Packet packet) override {
        arrivals.emplace_back(now.time_since_epoch(), packet.source.port);
    }
    std::vector<std::pair<Duration, std::uint16_t>> arrivals;
};

/// One link into a sink.
struct Wire {
    explicit Wire(const LinkQuality& quality, std::uint64_t seed = 1)
        : link({queue, trace}, "wire", seed, {&sink, 0}) {
        link.set_quality(quality);
    }

    /// A packet of `wire_size` bytes with its headers, named by its source port.
    void send(std::uint16_t number, std::size_t wire_size = 100) {
        link.send(queue.now(), {.source = {ip("192.0.2.2"), number},
                                .destination = endpoint("192.0.2.3:1"),
                                .payload = ByteVector(wire_size - 28)});
    }
    void run() {
        while (queue.step(kNever)) {
        }
    }
    std::size_t inversions() const {
        std::size_t count = 0;
        for (std::size_t i = 1; i < sink.arrivals.size(); ++i) {
            count += sink.arrivals[i].second < sink.arrivals[i - 1].second ? 1 : 0;
        }
        return count;
    }

    EventQueue queue;
    Trace trace;
    Sink sink;
    Link link;
};

class Recorder final : public EventTarget {
  public:
    void handle_event(Instant, std::uint64_t token) override { tokens.push_back(token); }
    std::vector<std::uint64_t> tokens;
};

TEST(EventQueue, RunsInOrderOfTimeAndThenOfScheduling) {
    EventQueue queue;
    Recorder recorder;
    for (std::uint64_t i = 0; i < 100; ++i) queue.schedule(Instant{1ms}, recorder, 100 + i);
    queue.schedule(Instant{0ms}, recorder, 1);
    queue.schedule(Instant{2ms}, recorder, 2);
    EXPECT_FALSE(queue.step(Instant{-1us}));
    while (queue.step(Instant{1ms})) {
    }
    ASSERT_EQ(recorder.tokens.size(), 101U);
    EXPECT_EQ(recorder.tokens.front(), 1U);
    for (std::uint64_t i = 0; i < 100; ++i) EXPECT_EQ(recorder.tokens[i + 1], 100 + i);
    EXPECT_EQ(queue.next(), Instant{2ms});
}

TEST(EventQueue, APastDeadlineComesNow) {
    EventQueue queue;
    Recorder recorder;
    queue.advance_to(Instant{5s});
    queue.schedule(Instant{1s}, recorder, 1);
    EXPECT_TRUE(queue.step(kNever));
    EXPECT_EQ(queue.now(), Instant{5s});
}

TEST(Link, DelaysByExactlyItsDelay) {
    Wire wire{{.delay = 12345us}};
    wire.send(1);
    wire.run();
    ASSERT_EQ(wire.sink.arrivals.size(), 1U);
    EXPECT_EQ(wire.sink.arrivals[0].first, 12345us);
}

TEST(Link, LosesAndDuplicatesAboutAsOftenAsItShould) {
    Wire wire{{.loss = 0.1, .duplication = 0.05}};
    for (int i = 0; i < 20'000; ++i) wire.send(static_cast<std::uint16_t>(i));
    wire.run();
    EXPECT_NEAR(static_cast<double>(wire.trace.count(Fate::kLost)), 2000, 200);
    EXPECT_NEAR(static_cast<double>(wire.trace.count(Fate::kDuplicated)), 900, 130);
    EXPECT_EQ(wire.sink.arrivals.size(),
              20'000U - wire.trace.count(Fate::kLost) + wire.trace.count(Fate::kDuplicated));
}

TEST(Link, ReordersAboutAsOftenAsItShould) {
    Wire wire{{.reordering = 0.05, .reorder_by = 3ms}};
    for (std::uint16_t i = 0; i < 10'000; ++i) {
        wire.queue.advance_to(Instant{i * 1ms});
        wire.send(i);
        while (wire.queue.step(Instant{(i + 1) * 1ms})) {
        }
    }
    wire.run();
    EXPECT_EQ(wire.sink.arrivals.size(), 10'000U);
    EXPECT_NEAR(static_cast<double>(wire.inversions()), 480, 80);
}

TEST(Link, JitterSpreadsOverItsRangeAndKeepsOrderOnlyWhenAsked) {
    for (const bool keeps_order : {false, true}) {
        Wire wire{{.delay = 10ms, .jitter = 4ms, .keeps_order = keeps_order}};
        for (std::uint16_t i = 0; i < 1000; ++i) wire.send(i);
        wire.run();
        for (const auto& [when, number] : wire.sink.arrivals) {
            EXPECT_TRUE(10ms <= when && when <= 14ms);
        }
        EXPECT_EQ(wire.inversions() == 0, keeps_order);
    }
}

TEST(Link, RateSpacesPacketsExactly) {
    // 1000 bytes at 8 Mbit/s take 1 ms.
    Wire wire{{.delay = 5ms, .rate = 8'000'000, .queue_bytes = 1'000'000}};
    for (std::uint16_t i = 0; i < 500; ++i) wire.send(i, 1000);
    wire.run();
    ASSERT_EQ(wire.sink.arrivals.size(), 500U);
    for (std::uint16_t i = 0; i < 500; ++i) {
        EXPECT_EQ(wire.sink.arrivals[i].first, 5ms + (i + 1) * 1ms);
    }
}

TEST(Link, CountsHowLongPacketsWaitForTheRate) {
    Wire wire{{.delay = 5ms}};
    wire.send(1, 1000);
    EXPECT_TRUE(wire.link.waits().empty()) << "without a rate nobody waits";
    wire.link.set_quality({.delay = 5ms, .rate = 8'000'000, .queue_bytes = 10'000});
    for (std::uint16_t i = 0; i < 25; ++i) wire.send(i, 1000);
    for (std::size_t i = 0; i < 12; ++i) EXPECT_EQ(wire.link.waits()[i], i < 10 ? 1U : 0U) << i;
    wire.link.set_quality({.rate = 8000, .queue_bytes = 10'000});
    wire.run();
    wire.send(1, 1000);
    wire.send(2, 1000);
    EXPECT_EQ(wire.link.waits().back(), 1U) << "longer than there are places";
}

TEST(Link, FullQueueDropsWhatDoesNotFitAndRecovers) {
    Wire wire{{.delay = 5ms, .rate = 8'000'000, .queue_bytes = 10'000}};
    for (std::uint16_t i = 0; i < 25; ++i) wire.send(i, 1000);
    EXPECT_EQ(wire.trace.count(Fate::kQueueFull), 15U);
    wire.run();
    EXPECT_EQ(wire.sink.arrivals.size(), 10U);
    wire.send(99, 1000);
    wire.run();
    EXPECT_EQ(wire.sink.arrivals.size(), 11U);
}

TEST(Link, DownLosesWhatEntersButNotWhatIsOnTheWay) {
    Wire wire{{}};
    wire.send(1);
    wire.link.set_up(false);
    wire.send(2);
    wire.run();
    EXPECT_EQ(wire.sink.arrivals.size(), 1U);
    EXPECT_EQ(wire.trace.count(Fate::kLinkDown), 1U);
}

TEST(Link, DropsWhatExceedsItsMtu) {
    Wire wire{{.mtu = 1280}};
    wire.send(1, 1280);
    wire.send(2, 1281);
    wire.run();
    EXPECT_EQ(wire.sink.arrivals.size(), 1U);
    EXPECT_EQ(wire.trace.count(Fate::kTooBig), 1U);
}

TEST(Link, FilterTakesWhatATestWantsGone) {
    Wire wire{{}};
    wire.link.set_filter([](const Packet& packet) { return packet.source.port != 2; });
    for (std::uint16_t i = 0; i < 4; ++i) wire.send(i);
    wire.run();
    EXPECT_EQ(wire.sink.arrivals.size(), 3U);
    EXPECT_EQ(wire.trace.count(Fate::kInterfered), 1U);
}

TEST(Link, BlackHoleSwallowsOneFamilyOnly) {
    Wire wire{{.black_hole = Family::kV6}};
    wire.send(1);
    wire.link.send(wire.queue.now(), {.source = endpoint("[2001:db8::1]:1"),
                                      .destination = endpoint("[2001:db8::2]:1"),
                                      .payload = {}});
    wire.run();
    EXPECT_EQ(wire.sink.arrivals.size(), 1U);
}

}  // namespace
}  // namespace pinhole::lab
