#include "shared/base/datagram.hpp"

#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pinhole {
namespace {

using ::testing::ElementsAre;

Path path_to(int port) {
    return {kSocketV4, {IpAddress::v4(0x0a000001), static_cast<std::uint16_t>(port)}};
}

/// A datagram of `size` bytes that all have one value.
struct Filled {
    Filled(std::size_t size, std::uint8_t value) : bytes(size, std::byte{value}) {}
    [[nodiscard]] Transmit to(const Path& path) const { return {.path = path, .bytes = bytes}; }

    ByteVector bytes;
};

/// Everything that waits: for each run the sizes of its datagrams.
std::vector<std::vector<std::size_t>> runs_of(TransmitQueue& queue) {
    std::vector<std::vector<std::size_t>> out;
    while (const auto transmit = queue.pop()) {
        auto& sizes = out.emplace_back();
        for_each_datagram(transmit->bytes, transmit->segment_size,
                          [&](Bytes datagram) { sizes.push_back(datagram.size()); });
    }
    return out;
}

TEST(TransmitQueue, KeepsOrderWhileItGrowsAndWraps) {
    TransmitQueue queue{100};
    std::uint8_t in = 0;
    std::uint8_t out = 0;
    const auto take = [&](const Transmit& transmit) {
        for_each_datagram(transmit.bytes, transmit.segment_size, [&](Bytes datagram) {
            EXPECT_EQ(datagram.size(), 1000U);
            EXPECT_EQ(datagram.front(), std::byte{out});
            EXPECT_EQ(datagram.back(), std::byte{out++});
        });
    };
    for (int round = 0; round < 300; ++round) {
        // Two paths in turn, so that not all of it is one run.
        for (int i = 0; i < 3; ++i) {
            const Filled next{1000, in++};
            ASSERT_TRUE(queue.push(next.to(path_to(round % 2 == 0 ? 1 : 2))));
        }
        take(*queue.pop());
        if (queue.size() > 90) {
            while (const auto rest = queue.pop()) take(*rest);
        }
    }
    while (const auto rest = queue.pop()) take(*rest);
    EXPECT_EQ(in, out);
}

TEST(TransmitQueue, RefusesWhatIsBeyondItsBound) {
    TransmitQueue queue{2};
    const Filled one{1, 0};
    EXPECT_TRUE(queue.push(one.to(path_to(1))));
    EXPECT_TRUE(queue.push(one.to(path_to(1))));
    EXPECT_FALSE(queue.push(one.to(path_to(1))));
    EXPECT_EQ(queue.size(), 2U);
    EXPECT_FALSE(queue.commit({.path = path_to(1), .bytes = queue.reserve(1)}));
    EXPECT_EQ(queue.size(), 2U);
}

TEST(TransmitQueue, TakesARunWholeOrNotAtAll) {
    TransmitQueue queue{2};
    const Filled three{12, 0};
    Transmit run = three.to(path_to(1));
    run.segment_size = 4;
    EXPECT_FALSE(queue.push(run));
    EXPECT_TRUE(queue.empty());
    run.bytes = run.bytes.first(7);
    EXPECT_TRUE(queue.push(run));
    EXPECT_EQ(queue.size(), 2U);
    EXPECT_THAT(runs_of(queue), ElementsAre(ElementsAre(4, 3)));
}

TEST(TransmitQueue, EqualDatagramsToOnePathFormARunThatAShorterOneEnds) {
    TransmitQueue queue{100};
    for (const std::size_t size : std::vector<std::size_t>{10, 10, 10, 7, 10, 11, 11}) {
        ASSERT_TRUE(queue.push(Filled{size, 0}.to(path_to(1))));
    }
    EXPECT_EQ(queue.size(), 7U);
    EXPECT_THAT(runs_of(queue),
                ElementsAre(ElementsAre(10, 10, 10, 7), ElementsAre(10), ElementsAre(11, 11)));
    EXPECT_EQ(queue.size(), 0U);
}

TEST(TransmitQueue, AnotherPathBeginsAnotherRun) {
    TransmitQueue queue{100};
    const Filled one{10, 0};
    for (const int port : {1, 1, 2, 1}) {
        ASSERT_TRUE(queue.push(one.to(path_to(port))));
    }
    Path other_socket = path_to(1);
    other_socket.socket = kSocketV6;
    ASSERT_TRUE(queue.push(one.to(other_socket)));
    EXPECT_THAT(runs_of(queue), ElementsAre(ElementsAre(10, 10), ElementsAre(10), ElementsAre(10),
                                            ElementsAre(10)));
}

TEST(TransmitQueue, ATimeToLiveOrOtherCongestionBitsKeepADatagramApart) {
    TransmitQueue queue{100};
    const Filled one{10, 0};
    Transmit opener = one.to(path_to(1));
    opener.ttl = 3;
    Transmit marked = one.to(path_to(1));
    marked.ecn = 2;
    const Transmit plain = one.to(path_to(1));
    for (const Transmit& next : {opener, opener, plain, opener, marked, marked, plain}) {
        ASSERT_TRUE(queue.push(next));
    }
    std::vector<std::size_t> datagrams;
    std::vector<int> hops;
    std::vector<int> congestion;
    while (const auto run = queue.pop()) {
        datagrams.push_back(count_datagrams(run->bytes.size(), run->segment_size));
        hops.push_back(run->ttl.value_or(0));
        congestion.push_back(run->ecn);
    }
    EXPECT_THAT(datagrams, ElementsAre(1, 1, 1, 1, 2, 1));
    EXPECT_THAT(hops, ElementsAre(3, 3, 0, 3, 0, 0));
    EXPECT_THAT(congestion, ElementsAre(0, 0, 0, 0, 2, 0));
}

TEST(TransmitQueue, ARunStaysWithinWhatOneSystemCallMaySend) {
    TransmitQueue queue{1000};
    for (int i = 0; i < 130; ++i) ASSERT_TRUE(queue.push(Filled{100, 0}.to(path_to(1))));
    for (int i = 0; i < 130; ++i) ASSERT_TRUE(queue.push(Filled{1232, 0}.to(path_to(2))));
    std::size_t datagrams = 0;
    while (const auto run = queue.pop()) {
        const std::size_t count = count_datagrams(run->bytes.size(), run->segment_size);
        EXPECT_LE(count, kRunDatagramsMax);
        EXPECT_LE(run->bytes.size(), kRunBytesMax);
        datagrams += count;
    }
    EXPECT_EQ(datagrams, 260U);
}

TEST(TransmitQueue, AnEmptyDatagramStaysAlone) {
    TransmitQueue queue{10};
    for (const std::size_t size : std::vector<std::size_t>{0, 0, 5, 0}) {
        ASSERT_TRUE(queue.push(Filled{size, 0}.to(path_to(1))));
    }
    EXPECT_EQ(runs_of(queue).size(), 4U);
}

TEST(TransmitQueue, WhatIsWrittenIntoItsRoomLeavesFromThere) {
    TransmitQueue queue{10};
    const MutableBytes room = queue.reserve(100);
    ASSERT_EQ(room.size(), 100U);
    std::ranges::fill(room, std::byte{7});
    ASSERT_TRUE(queue.commit({.path = path_to(1), .bytes = room.first(60)}));
    const MutableBytes next = queue.reserve(60);
    EXPECT_EQ(next.data(), room.data() + 60);
    ASSERT_TRUE(queue.commit({.path = path_to(1), .bytes = next}));
    const auto run = queue.pop();
    EXPECT_EQ(run->bytes.data(), room.data());
    EXPECT_EQ(run->segment_size, 60);
}

TEST(TransmitQueue, ARoomThatIsGivenUpLeavesNothing) {
    TransmitQueue queue{10};
    const std::byte* const first = queue.reserve(100).data();
    const MutableBytes again = queue.reserve(10);
    EXPECT_EQ(again.data(), first);
    EXPECT_TRUE(queue.empty());
}

TEST(TransmitQueue, WhatWasPoppedStaysUntilSomethingNewJoins) {
    TransmitQueue queue{1000};
    std::vector<Transmit> popped;
    for (int i = 0; i < 200; ++i) {
        const Filled next{1000, static_cast<std::uint8_t>(i)};
        ASSERT_TRUE(queue.push(next.to(path_to(i / 3 + 1))));
    }
    while (const auto run = queue.pop()) popped.push_back(*run);
    int i = 0;
    for (const Transmit& run : popped) {
        for_each_datagram(run.bytes, run.segment_size, [&](Bytes datagram) {
            EXPECT_EQ(datagram.front(), static_cast<std::byte>(i));
            EXPECT_EQ(datagram.back(), static_cast<std::byte>(i++));
        });
    }
    EXPECT_EQ(i, 200);
}

TEST(TransmitQueue, UsesTheSameMemoryOverAndOver) {
    TransmitQueue queue{1000};
    std::set<const std::byte*> blocks;
    for (int round = 0; round < 50; ++round) {
        for (int i = 0; i < 150; ++i) ASSERT_TRUE(queue.push(Filled{1232, 0}.to(path_to(1))));
        while (const auto run = queue.pop()) blocks.insert(run->bytes.data());
    }
    // 150 datagrams are three blocks.
    EXPECT_EQ(blocks.size(), 3U);
}

TEST(ForEachDatagram, SplitsARunAndShowsASingleDatagramWhole) {
    const Filled ten{10, 0};
    const auto sizes = [&](std::size_t segment_size) {
        std::vector<std::size_t> out;
        for_each_datagram(ten.bytes, segment_size,
                          [&](Bytes datagram) { out.push_back(datagram.size()); });
        EXPECT_EQ(count_datagrams(ten.bytes.size(), segment_size), out.size());
        return out;
    };
    EXPECT_THAT(sizes(0), ElementsAre(10));
    EXPECT_THAT(sizes(4), ElementsAre(4, 4, 2));
    EXPECT_THAT(sizes(5), ElementsAre(5, 5));
    EXPECT_THAT(sizes(20), ElementsAre(10));
    EXPECT_EQ(count_datagrams(0, 0), 1U);
}

}  // namespace
}  // namespace pinhole
