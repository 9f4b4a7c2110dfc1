// Both ends send while rekeys run over a network that loses, delays, reorders and duplicates.
#include <map>
#include <set>

#include <fmt/format.h>

#include "tests/unit/session/session_pair.hpp"

namespace pinhole::session {
namespace {

using test::Datagrams;
using test::kStart;
using test::PeerPair;

constexpr Duration kTick = 20ms;

struct Weather {
    std::uint64_t lost_percent = 0;
    std::uint64_t doubled_percent = 0;
    Duration delay_max{};
};

/// One direction: what `from` sealed reaches `to`, late, twice or never.
struct Direction {
    test::End<PeerSession>& from;
    test::End<PeerSession>& to;
    std::multimap<Instant, ByteVector> in_flight{};
    std::set<std::string> sealed{};
    std::set<std::string> opened{};
    std::uint32_t sent = 0;
};

class Storm {
  public:
    Storm(std::uint64_t seed, const Weather& weather)
        : seed_(seed),
          random_(seed ^ 0x5707),
          weather_(weather),
          pair_(seed, {.busy = 2s, .idle = 4s, .messages = 60}) {}

    void run(Duration length, bool sends_data) {
        for (const Instant end = now_ + length; now_ < end; now_ += kTick) {
            for (Direction* direction : {&there_, &back_}) {
                arrive(*direction);
                for (auto& datagram : direction->from.poll(now_)) send(*direction, datagram);
                EXPECT_FALSE(direction->from.session().take_rekey_failed()) << "seed " << seed_;
                if (sends_data && random_.below(3) == 0) send_text(*direction);
            }
        }
    }

    void calm_down() { weather_ = {.lost_percent = 0, .doubled_percent = 0, .delay_max = 20ms}; }

    [[nodiscard]] const Direction& there() const { return there_; }
    [[nodiscard]] const Direction& back() const { return back_; }
    [[nodiscard]] PeerPair& pair() { return pair_; }

  private:
    void send_text(Direction& direction) {
        const std::string text = fmt::format("{}-{}", direction.sent++, random_.u64());
        direction.sealed.insert(text);
        direction.from.session().on_data_sent();
        send(direction, direction.from.seal(text));
    }

    void send(Direction& direction, const ByteVector& datagram) {
        if (random_.below(100) < weather_.lost_percent) return;
        const int copies = random_.below(100) < weather_.doubled_percent ? 2 : 1;
        for (int i = 0; i < copies; ++i) {
            direction.in_flight.emplace(now_ + random_.jitter(weather_.delay_max), datagram);
        }
    }

    void arrive(Direction& direction) {
        auto& queue = direction.in_flight;
        while (!queue.empty() && queue.begin()->first <= now_) {
            const auto node = queue.extract(queue.begin());
            const auto taken = direction.to.deliver(now_, node.mapped());
            if (!taken || !*taken) continue;
            ASSERT_TRUE(direction.sealed.contains(**taken)) << "seed " << seed_;
            ASSERT_TRUE(direction.opened.insert(**taken).second) << "opened twice, seed " << seed_;
        }
    }

    std::uint64_t seed_;
    test::SeededRandom random_;
    Weather weather_;
    PeerPair pair_;
    Instant now_ = kStart;
    Direction there_{pair_.small, pair_.large};
    Direction back_{pair_.large, pair_.small};
};

/// After the weather cleared both ends are in one epoch, and everything that is sealed now arrives.
void expect_recovered(Storm& storm, std::uint64_t seed) {
    storm.calm_down();
    storm.run(8s, false);
    const auto lost_before = [](const Direction& d) { return d.sealed.size() - d.opened.size(); };
    const std::size_t there = lost_before(storm.there());
    const std::size_t back = lost_before(storm.back());
    storm.run(6s, true);
    storm.run(1s, false);
    EXPECT_EQ(lost_before(storm.there()), there) << "seed " << seed;
    EXPECT_EQ(lost_before(storm.back()), back) << "seed " << seed;
    auto& pair = storm.pair();
    const auto small = pair.small.session().epoch_number();
    const auto large = pair.large.session().epoch_number();
    EXPECT_LE(std::max(small, large) - std::min(small, large), 1U) << "seed " << seed;
    EXPECT_GE(small, 6U) << "seed " << seed;
}

TEST(RekeyFaults, NothingIsForgedDoubledOrStuckInAnyWeather) {
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        SCOPED_TRACE(fmt::format("seed {}", seed));
        test::SeededRandom random{seed};
        Storm storm{seed,
                    {.lost_percent = random.below(40),
                     .doubled_percent = random.below(40),
                     .delay_max = random.jitter(400ms)}};
        storm.run(20s, true);
        expect_recovered(storm, seed);
        if (testing::Test::HasFailure()) return;
    }
}

TEST(RekeyFaults, WithoutLossNotOneFrameIsLostToARekey) {
    for (std::uint64_t seed = 101; seed <= 140; ++seed) {
        SCOPED_TRACE(fmt::format("seed {}", seed));
        Storm storm{seed, {.lost_percent = 0, .doubled_percent = 30, .delay_max = 200ms}};
        storm.run(20s, true);
        storm.run(1s, false);
        EXPECT_EQ(storm.there().opened, storm.there().sealed);
        EXPECT_EQ(storm.back().opened, storm.back().sealed);
        EXPECT_GE(storm.pair().small.session().epoch_number(), 6U);
        if (testing::Test::HasFailure()) return;
    }
}

TEST(RekeyFaults, ALateCopyOfMessage1DoesNotReplaceTheKeysThatWereTaken) {
    // Copies of message 1 linger on a slow path while the rekey goes on over a fast one; the proofs
    // are lost until the last copy came.
    PeerPair pair{200};
    pair.small.session().start_rekey(kStart, pair.small.allocate(), pair.random);
    Datagrams slow;
    for (int second = 0; second < 7; ++second) {
        for (auto& datagram : pair.small.poll(kStart + 1s * second)) slow.push_back(datagram);
    }
    ASSERT_EQ(slow.size(), 7U);
    const Instant now = kStart + 7s;
    expect_taken(pair.large, now, slow.back());
    slow.pop_back();
    for (const auto& datagram : pair.large.poll(now)) expect_taken(pair.small, now, datagram);
    ASSERT_EQ(pair.small.session().epoch_number(), 1U);
    for (const auto& datagram : slow) expect_taken(pair.large, now + 2s, datagram);
    expect_text(pair.large, now + 3s, pair.small.seal("under the keys that were taken"),
                "under the keys that were taken");
    EXPECT_TRUE(pair.large.moved());
}

TEST(RekeyFaults, EveryIndexIsReleasedOnceWhateverHappens) {
    // `End` checks after each call that the table holds what leads to the session and nothing else.
    for (std::uint64_t seed = 301; seed <= 330; ++seed) {
        SCOPED_TRACE(fmt::format("seed {}", seed));
        test::SeededRandom random{seed};
        PeerPair pair{seed, {.busy = 1s, .idle = 1s}};
        Instant now = kStart;
        Datagrams to_large;
        Datagrams to_small;
        std::size_t most = 0;
        const auto exchange = [&](auto& from, auto& to, Datagrams& waiting) {
            for (auto& datagram : from.poll(now)) waiting.push_back(std::move(datagram));
            while (!waiting.empty() && random.below(3) == 0) {
                std::swap(waiting[random.below(waiting.size())], waiting.back());
                static_cast<void>(to.deliver(now, waiting.back()));
                if (random.below(4) != 0) waiting.pop_back();
            }
            most = std::max(most, from.indices_in_use());
        };
        for (int step = 0; step < 2000; ++step) {
            now += random.jitter(400ms);
            exchange(pair.small, pair.large, to_large);
            exchange(pair.large, pair.small, to_small);
        }
        EXPECT_LE(most, 3U);
        EXPECT_GE(pair.small.session().epoch_number(), 3U);
        if (testing::Test::HasFailure()) return;
    }
}

}  // namespace
}  // namespace pinhole::session
