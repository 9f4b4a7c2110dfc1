// A flow among others, and on a link that changes, over virtual time.

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "tests/unit/reliable/flow_lab.hpp"

namespace pinhole::reliable {
namespace {

using test::FlowLab;

double rate_of(std::uint64_t bytes, Duration time) {
    return static_cast<double>(bytes) * 8 / static_cast<double>(time.count());
}

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
