#include "shared/traversal/allocation.hpp"

#include <vector>

#include <gtest/gtest.h>

#include "tests/support/seeded_random.hpp"

namespace pinhole::traversal {
namespace {

using wire::Allocation;

/// Samples whose local ports say nothing.
AllocationFinding of(const std::vector<int>& externals) {
    std::vector<PortSample> samples;
    for (const int external : externals) {
        samples.push_back({.local = 1, .external = static_cast<std::uint16_t>(external)});
    }
    return allocation_of(samples);
}

AllocationFinding sequence(std::int16_t step) {
    return {.allocation = Allocation::kSequential, .step = step};
}

TEST(PortAllocation, PreservesWhenThePortsAreOurs) {
    const AllocationFinding preserving{.allocation = Allocation::kPreserving};
    const auto same = [](std::uint16_t port) { return PortSample{port, port}; };
    EXPECT_EQ(allocation_of(std::vector{same(5000), same(40000)}), preserving);
    EXPECT_EQ(allocation_of(std::vector{same(1), same(2), same(3), same(4)}), preserving);
    // One of them belonged to somebody else.
    EXPECT_EQ(allocation_of(std::vector{same(9), same(700), PortSample{5, 61234}, same(80)}),
              preserving);
}

TEST(PortAllocation, IsUnknownFromTooLittle) {
    EXPECT_EQ(allocation_of({}), AllocationFinding{});
    EXPECT_EQ(of({40000}), AllocationFinding{});
    EXPECT_EQ(of({40000, 40001}), AllocationFinding{});
    EXPECT_EQ(allocation_of(std::vector{PortSample{80, 80}}), AllocationFinding{});
}

TEST(PortAllocation, CountsInEitherDirection) {
    EXPECT_EQ(of({40000, 40001, 40002, 40003}), sequence(1));
    EXPECT_EQ(of({40000, 39998, 39996, 39994}), sequence(-2));
    EXPECT_EQ(of({40000, 40002, 40004}), sequence(2));
}

TEST(PortAllocation, CountsAlthoughOthersTakePortsInBetween) {
    EXPECT_EQ(of({40000, 40001, 40010, 40011}), sequence(1));
    EXPECT_EQ(of({40000, 40002, 40018, 40021}), sequence(3));
    EXPECT_EQ(of({100, 101, 102 + 15, 118}).allocation, Allocation::kSequential);
    EXPECT_EQ(of({100, 101, 102 + 16, 119}).allocation, Allocation::kRandom);
}

TEST(PortAllocation, CountsBeyondTheEndOfItsRange) {
    EXPECT_EQ(of({65534, 65535, 1024, 1025}), sequence(1));
    EXPECT_EQ(of({1026, 1024, 65534, 65532}), sequence(-2));
    EXPECT_EQ(of({65535, 1024, 1025, 1026}), sequence(1));
    EXPECT_EQ(of({65533, 65534, 65535, 1024}), sequence(1));
}

TEST(PortAllocation, DoesNotCountBackAndForth) {
    EXPECT_EQ(of({40000, 40001, 40000, 40001}).allocation, Allocation::kRandom);
    EXPECT_EQ(of({40000, 40000, 40000, 40000}).allocation, Allocation::kRandom);
    EXPECT_EQ(of({40000, 40100, 40200, 40300}).allocation, Allocation::kRandom) << "too wide";
}

TEST(PortAllocation, NamesTheBlockOfRandomPortsThatLieClose) {
    const AllocationFinding found = of({21010, 20600, 21500, 20700});
    EXPECT_EQ(found.allocation, Allocation::kRandom);
    EXPECT_EQ(found.first_port, 20600);
    EXPECT_EQ(found.last_port, 21500);
    EXPECT_EQ(of({20000, 22047, 21000, 20500}).last_port, 22047) << "2048 ports";
    EXPECT_EQ(of({20000, 22048, 21000, 20500}).last_port, 0) << "2049 ports";
}

TEST(PortAllocation, RandomPortsOfTheWholeRangeAreNeitherABlockNorASequence) {
    constexpr std::uint64_t kSeed = 31;
    test::SeededRandom random{kSeed};
    std::size_t wrong = 0;
    for (int round = 0; round < 20'000; ++round) {
        std::vector<int> ports;
        for (int i = 0; i < 4; ++i) {
            ports.push_back(1024 + static_cast<int>(random.below(64512)));
        }
        const AllocationFinding found = of(ports);
        if (found.allocation != Allocation::kRandom || found.first_port != 0) ++wrong;
    }
    EXPECT_LE(wrong, 10U) << "seed " << kSeed;
}

}  // namespace
}  // namespace pinhole::traversal
