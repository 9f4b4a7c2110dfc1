#include "shared/traversal/allocation.hpp"

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <vector>

namespace pinhole::traversal {
namespace {

constexpr std::size_t kSamplesMin = 3;
/// A step against the direction of the others, and longer than this, is where a NAT that counts
/// began its range anew.
constexpr int kWrapMin = 1000;

/// The median step when the samples count in one direction.
std::optional<std::int16_t> step_of(std::span<const PortSample> samples) {
    std::vector<int> steps;
    for (std::size_t i = 1; i < samples.size(); ++i) {
        steps.push_back(samples[i].external - samples[i - 1].external);
    }
    if (steps.size() > 2) {
        const auto widest = std::ranges::max_element(steps, {}, [](int step) { return abs(step); });
        const auto others = static_cast<std::ptrdiff_t>(steps.size()) - 1;
        const bool is_against = std::ranges::count_if(steps, [&](int step) {
                                    return (step < 0) != (*widest < 0);
                                }) == others;
        if (is_against && std::abs(*widest) > kWrapMin) steps.erase(widest);
    }
    std::ranges::sort(steps);
    const int low = steps.front();
    const int high = steps.back();
    const int median = steps[(steps.size() - 1) / 2];
    const bool is_one_way = low > 0 || high < 0;
    if (!is_one_way || high - low > kStepSpreadMax || std::abs(median) > kStepMax) {
        return std::nullopt;
    }
    return static_cast<std::int16_t>(median);
}

}  // namespace

AllocationFinding allocation_of(std::span<const PortSample> samples) {
    const auto kept = static_cast<std::size_t>(std::ranges::count_if(
        samples, [](const PortSample& sample) { return sample.local == sample.external; }));
    // A port that somebody else has already is not to be had; the others show the rule.
    if (kept >= 2 && 4 * kept >= 3 * samples.size()) {
        return {.allocation = wire::Allocation::kPreserving};
    }
    if (samples.size() < kSamplesMin) return {};
    if (const auto step = step_of(samples)) {
        return {.allocation = wire::Allocation::kSequential, .step = *step};
    }
    const auto [low, high] = std::ranges::minmax(samples, {}, &PortSample::external);
    if (high.external - low.external >= kBlockMax) return {.allocation = wire::Allocation::kRandom};
    return {.allocation = wire::Allocation::kRandom,
            .first_port = low.external,
            .last_port = high.external};
}

}  // namespace pinhole::traversal
