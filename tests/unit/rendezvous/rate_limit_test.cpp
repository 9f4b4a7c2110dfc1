#include "rendezvous/rate_limit.hpp"

#include <gtest/gtest.h>

#include "tests/support/seeded_random.hpp"

namespace pinhole::rendezvous {
namespace {

IpAddress ip(std::string_view text) {
    return IpAddress::parse(text).value();
}

TEST(RateLimit, GivesTheBurstThenTheRate) {
    pinhole::test::SeededRandom random{1};
    RateLimit limit({.interval = 100ms, .burst = 3}, 64, random);
    Instant now{};
    const auto taken = [&](int tries) {
        int out = 0;
        for (int i = 0; i < tries; ++i) out += limit.try_take(now, ip("192.0.2.1")) ? 1 : 0;
        return out;
    };
    EXPECT_EQ(taken(10), 3);
    EXPECT_FALSE(limit.has_token(now, ip("192.0.2.1")));
    now += 99ms;
    EXPECT_EQ(taken(10), 0);
    now += 1ms;
    EXPECT_TRUE(limit.has_token(now, ip("192.0.2.1")));
    EXPECT_EQ(taken(10), 1);
    now += 1h;  // a bucket holds no more than the burst
    EXPECT_EQ(taken(10), 3);
}

TEST(RateLimit, CountsASubscribersPrefixAsOne) {
    pinhole::test::SeededRandom random{1};
    RateLimit limit({.interval = 1s, .burst = 1}, 64, random);
    const Instant now{};
    EXPECT_TRUE(limit.try_take(now, ip("2001:db8::1")));
    EXPECT_FALSE(limit.try_take(now, ip("2001:db8::ffff:2")));
    EXPECT_TRUE(limit.try_take(now, ip("2001:db8:0:1::1")));
    EXPECT_TRUE(limit.try_take(now, ip("192.0.2.1")));
    EXPECT_TRUE(limit.try_take(now, ip("192.0.2.2")));
}

TEST(RateLimit, AFloodOfKeysDoesNotWashABucketAway) {
    pinhole::test::SeededRandom random{1};
    RateLimit limit({.interval = 1min, .burst = 5}, 64, random);
    const Instant now{};
    for (int i = 0; i < 5; ++i) EXPECT_TRUE(limit.try_take(now, ip("192.0.2.1")));
    for (std::uint32_t i = 0; i < 10'000; ++i) {
        static_cast<void>(limit.try_take(now, IpAddress::v4(0x0A000000U + i)));
    }
    EXPECT_FALSE(limit.try_take(now, ip("192.0.2.1")));
}

TEST(TokenBucket, SaysHowLongToWait) {
    TokenBucket bucket;
    const Instant now{};
    EXPECT_TRUE(bucket.try_take(now, 80ms, 100ms));
    EXPECT_EQ(bucket.wait(now, 20ms, 100ms), Duration{0});
    EXPECT_EQ(bucket.wait(now, 50ms, 100ms), Duration{30ms});
    EXPECT_FALSE(bucket.try_take(now, 50ms, 100ms));
    EXPECT_TRUE(bucket.try_take(now + 30ms, 50ms, 100ms));
}

}  // namespace
}  // namespace pinhole::rendezvous
