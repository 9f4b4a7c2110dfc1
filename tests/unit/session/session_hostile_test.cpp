// Datagrams from outside, at a session that is alive and rekeying: drops, and nothing else.
#include <fmt/format.h>

#include "tests/unit/session/session_pair.hpp"

namespace pinhole::session {
namespace {

using test::Datagrams;
using test::kStart;
using test::PeerPair;

constexpr std::uint64_t kSeed = 20260;
constexpr int kDatagrams = 100'000;

/// A session in which everything that can be half done is half done: `small` has a previous epoch
/// and a rekey under way, `large` has keys that wait for their proof.
struct Busy {
    PeerPair pair{kSeed};
    Instant now = kStart + 5s;
    /// Genuine datagrams that nobody delivered, for an attacker to mutate.
    Datagrams seen{};

    Busy() {
        const ByteVector straggler = pair.large.seal("straggler");
        pair.rekey(now);
        pair.small.session().start_rekey(now + 1s, pair.small.allocate(), pair.random);
        const Datagrams first = pair.small.poll(now + 1s);
        expect_taken(pair.large, now + 1s, first.at(0));
        answer = pair.large.poll(now + 1s).at(0);
        now += 1s;
        seen = {straggler, answer, pair.large.seal("data"), pair.large.seal("more data")};
    }

    ByteVector answer{};
};

/// All that an outsider could have changed.
struct Observed {
    EpochIndices indices;
    std::uint32_t epoch_number;
    std::size_t indices_in_use;
    Instant next_timeout;
};

Observed observe(test::End<PeerSession>& end) {
    return {end.session().indices(), end.session().epoch_number(), end.indices_in_use(),
            end.session().next_timeout()};
}

void expect_same(const Observed& before, const Observed& after) {
    EXPECT_EQ(before.indices.local, after.indices.local);
    EXPECT_EQ(before.indices.remote, after.indices.remote);
    EXPECT_EQ(before.epoch_number, after.epoch_number);
    EXPECT_EQ(before.indices_in_use, after.indices_in_use);
    EXPECT_EQ(before.next_timeout, after.next_timeout);
}

ByteVector random_datagram(Busy& busy, const EpochIndices& indices) {
    auto& random = busy.pair.random;
    ByteVector out(random.below(200));
    random.fill(out);
    // Half of them name the live session.
    if (out.size() >= wire::kTransportSizeMin && random.below(2) == 0) {
        wire::encode_header({.receiver = indices.local, .counter = random.below(1000)}, out);
    }
    return out;
}

ByteVector mutated_datagram(Busy& busy) {
    auto& random = busy.pair.random;
    const ByteVector& genuine = busy.seen[random.below(busy.seen.size())];
    ByteVector out = genuine;
    switch (random.below(3)) {
        case 0:
            out[random.below(out.size())] ^= static_cast<std::byte>(1 + random.below(255));
            break;
        case 1: out.resize(random.below(out.size())); break;
        default: out.resize(out.size() + 1 + random.below(20)); break;
    }
    return out;
}

TEST(SessionHostile, DropsWhateverDoesNotComeFromTheOtherEnd) {
    Busy busy;
    auto& end = busy.pair.small;
    const Observed before = observe(end);
    for (int i = 0; i < kDatagrams; ++i) {
        const ByteVector datagram =
            i % 2 == 0 ? random_datagram(busy, before.indices) : mutated_datagram(busy);
        ASSERT_FALSE(end.deliver(busy.now, datagram)) << fmt::format("seed {}, {}", kSeed, i);
    }
    expect_same(before, observe(end));
    EXPECT_TRUE(end.poll_frames().empty());

    // The genuine ones open still, and the rekey goes on.
    expect_text(end, busy.now, busy.seen[0], "straggler");
    expect_text(end, busy.now, busy.seen[2], "data");
    expect_taken(end, busy.now, busy.answer);
    busy.pair.settle(busy.now);
    EXPECT_EQ(end.session().epoch_number(), 2U);
    EXPECT_EQ(busy.pair.large.session().epoch_number(), 2U);
}

TEST(SessionHostile, GarbageUnderUnprovenKeysProvesNothing) {
    Busy busy;
    auto& end = busy.pair.large;
    const Observed before = observe(end);
    const auto held = end.session().all_indices();
    ASSERT_EQ(held.size(), 3U);
    for (int i = 0; i < 10'000; ++i) {
        ByteVector datagram(wire::kTransportSizeMin + busy.pair.random.below(100));
        busy.pair.random.fill(datagram);
        wire::encode_header({.receiver = held[static_cast<std::size_t>(i) % held.size()],
                             .counter = busy.pair.random.below(1000)},
                            datagram);
        ASSERT_FALSE(end.deliver(busy.now, datagram)) << fmt::format("seed {}, {}", kSeed, i);
    }
    expect_same(before, observe(end));
}

TEST(SessionHostile, RandomRekeyFramesFromTheOtherEndAreDropped) {
    // The other end is authenticated and hostile: it may seal whatever it likes.
    Busy busy;
    auto& random = busy.pair.random;
    for (auto* end : {&busy.pair.small, &busy.pair.large}) {
        const Observed before = observe(*end);
        for (int i = 0; i < 2'000; ++i) {
            busy.now += random.jitter(1ms);
            ByteVector noise(random.below(160));
            random.fill(noise);
            const bool first = random.below(2) == 0;
            const wire::Rekey frame{
                .step = first ? wire::Rekey::Step::kMessage1 : wire::Rekey::Step::kMessage2,
                .sender = SessionIndex{random.u32()},
                .receiver = SessionIndex{random.u32()},
                .noise = noise};
            ASSERT_FALSE(end->handle_rekey(busy.now, frame)) << fmt::format("seed {}", kSeed);
        }
        expect_same(before, observe(*end));
    }
    expect_taken(busy.pair.small, busy.now, busy.answer);
    busy.pair.settle(busy.now);
    EXPECT_EQ(busy.pair.large.session().epoch_number(), 2U);
}

}  // namespace
}  // namespace pinhole::session
