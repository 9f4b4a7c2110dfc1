// How much of a link a flow gets that is told nothing of it, and what it does to the link's queue
// and to a line of chat, over virtual time.

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "tests/unit/reliable/flow_lab.hpp"

namespace pinhole::reliable {
namespace {

using test::FlowLab;
using test::LinkProfile;
using test::percentile;

// Of 100 Mbit/s: 1132 bytes of message in 1212 on the wire.
constexpr double kMost = 93.4;

struct Cell {
    double goodput = 0;
    double repeated = 0;
    Duration queue_median{0};
    Duration chat_high{0};
};

Cell measure(const LinkProfile& profile, std::size_t datagram_size = 0) {
    FlowLab lab{profile, 7};
    auto& pair = lab.add_pair({.chat_every = 20ms, .datagram_size = datagram_size});
    lab.run_for(2s);
    const std::uint64_t before = pair.tally.bytes;
    const std::uint64_t commands_before = pair.tally.commands;
    const std::uint64_t repeated_before = pair.tally.repeated;
    pair.tally.chat_delays.clear();
    lab.samples_queue = true;
    constexpr double kSeconds = 4;
    lab.run_for(4s);
    return {.goodput = static_cast<double>(pair.tally.bytes - before) * 8 / kSeconds / 1e6,
            .repeated = static_cast<double>(pair.tally.repeated - repeated_before) /
                        static_cast<double>(pair.tally.commands - commands_before),
            .queue_median = percentile(lab.queue_delays, 50),
            .chat_high = percentile(pair.tally.chat_delays, 99)};
}

// Of the possible goodput, what is left at so much loss each way.
double least_share(unsigned loss_permille) {
    if (loss_permille == 0) return 0.97;
    return loss_permille <= 10 ? 0.90 : 0.85;
}

class FlowGoodput : public testing::TestWithParam<int> {};

TEST_P(FlowGoodput, FillsTheLinkWithoutDelayingAnybody) {
    const auto round_trip = std::chrono::milliseconds{GetParam()};
    for (const unsigned loss : {0U, 1U, 10U, 30U}) {
        const Cell cell = measure({.round_trip = round_trip, .loss_permille = loss});
        SCOPED_TRACE(fmt::format("{} ms, loss {} permille", GetParam(), loss));
        fmt::print(
            "{:>4} ms {:>4.1f} % loss: {:5.1f} Mbit/s, {:4.1f} % repeated, queue {:5.1f} ms, "
            "chat {:5.1f} ms\n",
            GetParam(), loss / 10.0, cell.goodput, cell.repeated * 100,
            static_cast<double>(cell.queue_median.count()) / 1000,
            static_cast<double>(cell.chat_high.count()) / 1000);
        EXPECT_GE(cell.goodput, kMost * least_share(loss));
        EXPECT_LT(cell.queue_median, Duration{25ms});
        // An acknowledgement lost is a command repeated, and nothing else may be.
        EXPECT_LE(cell.repeated, 0.01 + 1.5 * loss / 1000.0);
        // There, no later than 20 ms after; a lost one, or one behind it, a round trip more.
        const Duration lost = loss > 0 ? Duration{3 * round_trip / 2} : Duration{0};
        if (loss <= 10) {
            EXPECT_LE(cell.chat_high, round_trip / 2 + lost + 20ms);
        }
    }
}

// As many bytes are fewer datagrams: less to tell loss and queues by.
TEST(FlowOfJumboFrames, FillsFastAndSlowLinks) {
    constexpr std::size_t kJumbo = 4065;
    for (const std::uint64_t megabits : {2U, 10U, 100U}) {
        for (const unsigned loss : {0U, 10U, 30U}) {
            const Cell cell = measure({.rate = megabits * 1'000'000,
                                       .round_trip = 20ms,
                                       .loss_permille = loss,
                                       .queue_bytes = megabits * 15'000},
                                      kJumbo);
            const double share = cell.goodput / static_cast<double>(megabits);
            SCOPED_TRACE(fmt::format("{} Mbit/s, loss {} permille", megabits, loss));
            fmt::print("{:>4} Mbit/s {:>4.1f} % loss: {:5.2f} of it, {:4.1f} % repeated\n",
                       megabits, loss / 10.0, share, cell.repeated * 100);
            EXPECT_GE(share, least_share(loss) - 0.02);
        }
    }
}

INSTANTIATE_TEST_SUITE_P(RoundTrips, FlowGoodput, testing::Values(20, 50, 100));

}  // namespace
}  // namespace pinhole::reliable
