// A flow among others, and on a link that changes, over virtual time.

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "tests/unit/reliable/bbr_model.hpp"
#include "tests/unit/reliable/flow_lab.hpp"

namespace pinhole::reliable {
namespace {

using test::BbrModel;
using test::FlowLab;

double rate_of(std::uint64_t bytes, Duration time) {
    return static_cast<double>(bytes) * 8 / static_cast<double>(time.count());
}

double share(double one, double other) {
    return one / (one + other);
}

class FlowSharing : public testing::TestWithParam<int> {
  protected:
    static constexpr std::uint64_t kSeed = 7;
    FlowLab lab_{{.round_trip = std::chrono::milliseconds{GetParam()}}, kSeed};
};

// Over some seconds: either may take two thirds for a while, until it gives in again.
TEST_P(FlowSharing, IsEvenBetweenTwoOfOurs) {
    auto& first = lab_.add_pair();
    auto& second = lab_.add_pair({.begins = Instant{2s}});
    lab_.run_for(9s);
    const std::uint64_t first_before = first.tally.bytes;
    const std::uint64_t second_before = second.tally.bytes;
    lab_.run_for(16s);
    const double one = rate_of(first.tally.bytes - first_before, 16s);
    const double other = rate_of(second.tally.bytes - second_before, 16s);
    fmt::print("{} ms: {:.1f} + {:.1f} Mbit/s\n", GetParam(), one, other);
    EXPECT_NEAR(share(one, other), 0.5, 0.1);
    EXPECT_GE(one + other, 88);
}

TEST_P(FlowSharing, IsEvenBesideCubic) {
    auto& ours = lab_.add_pair();
    auto& cubic = lab_.add_cubic(1s);
    lab_.run_for(5s);
    const std::uint64_t ours_before = ours.tally.bytes;
    const std::uint64_t cubic_before = cubic.bytes;
    lab_.run_for(10s);
    const double one = rate_of(ours.tally.bytes - ours_before, 10s);
    const double other = rate_of(cubic.bytes - cubic_before, 10s);
    fmt::print("{} ms: ours {:.1f}, cubic {:.1f} Mbit/s\n", GetParam(), one, other);
    EXPECT_NEAR(share(one, other), 0.5, 0.1);
}

// A flow that takes no notice of loss and keeps two products in flight: who only cuts ends with a
// tenth. The longer the path, the longer its start takes, which costs us most.
TEST_P(FlowSharing, KeepsItsShareWhenBbrJoins) {
    auto& ours = lab_.add_pair();
    const BbrModel bbr{lab_, 3s};
    lab_.run_for(8s);
    const std::uint64_t ours_before = ours.tally.bytes;
    const std::uint64_t bbr_before = bbr.bytes();
    lab_.run_for(12s);
    const double one = rate_of(ours.tally.bytes - ours_before, 12s);
    const double other = rate_of(bbr.bytes() - bbr_before, 12s);
    fmt::print("{} ms: ours {:.1f}, BBR {:.1f} Mbit/s\n", GetParam(), one, other);
    EXPECT_NEAR(share(one, other), 0.5, GetParam() < 100 ? 0.1 : 0.15);
}

INSTANTIATE_TEST_SUITE_P(RoundTrips, FlowSharing, testing::Values(20, 50, 100));

TEST(FlowChange, FollowsALinkThatBecomesTenTimesSlowerAndFastAgain) {
    FlowLab lab{{.round_trip = 50ms}, 7};
    auto& ours = lab.add_pair();
    lab.run_for(3s);
    lab.forward.profile().rate = 10'000'000;
    lab.forward.profile().queue_bytes = 62'500;
    lab.run_for(1250ms);
    std::uint64_t before = ours.tally.bytes;
    lab.run_for(2s);
    EXPECT_GE(rate_of(ours.tally.bytes - before, 2s), 8.5);

    lab.forward.profile().rate = 100'000'000;
    lab.forward.profile().queue_bytes = 625'000;
    lab.run_for(1500ms);
    before = ours.tally.bytes;
    lab.run_for(2s);
    EXPECT_GE(rate_of(ours.tally.bytes - before, 2s), 85.0);
}

}  // namespace
}  // namespace pinhole::reliable
