#include "shared/crypto/cookie.hpp"

#include <gtest/gtest.h>

#include "tests/support/seeded_random.hpp"

namespace pinhole::crypto {
namespace {

// Not at the epoch: a jar counts from its first use.
constexpr Instant kStart{77s};
const Endpoint kClient{IpAddress::v4(0xc0000201), 4000};

class CookieOfJar : public testing::Test {
  protected:
    pinhole::test::SeededRandom random_{31};
    CookieJar jar_{random_};
};

TEST_F(CookieOfJar, ProvesTheEndpointItWasMadeFor) {
    const Cookie cookie = jar_.make(kStart, kClient);
    EXPECT_TRUE(jar_.is_valid(kStart, kClient, cookie));
    EXPECT_FALSE(jar_.is_valid(kStart, {kClient.ip, 4001}, cookie));
    EXPECT_FALSE(jar_.is_valid(kStart, {IpAddress::v4(0xc0000202), 4000}, cookie));
    Cookie changed = cookie;
    changed[15] ^= std::byte{1};
    EXPECT_FALSE(jar_.is_valid(kStart, kClient, changed));
}

TEST_F(CookieOfJar, CoversTheWholeOfAnIpv6Address) {
    FixedBytes<16> raw{};
    raw[0] = std::byte{0x20};
    const Endpoint first{IpAddress::v6(raw), 4000};
    const Cookie cookie = jar_.make(kStart, first);
    EXPECT_TRUE(jar_.is_valid(kStart, first, cookie));
    for (std::size_t i = 0; i < raw.size(); ++i) {
        FixedBytes<16> other = raw;
        other[i] ^= std::byte{1};
        EXPECT_FALSE(jar_.is_valid(kStart, {IpAddress::v6(other), 4000}, cookie)) << i;
    }
}

TEST_F(CookieOfJar, BelongsToOneJar) {
    pinhole::test::SeededRandom other_random{32};
    CookieJar other{other_random};
    EXPECT_FALSE(other.is_valid(kStart, kClient, jar_.make(kStart, kClient)));
}

TEST_F(CookieOfJar, RepeatsFromASeed) {
    pinhole::test::SeededRandom same_random{31};
    CookieJar same{same_random};
    EXPECT_EQ(same.make(kStart, kClient), jar_.make(kStart, kClient));
}

TEST_F(CookieOfJar, ChangesAtEachRotation) {
    const Cookie first = jar_.make(kStart, kClient);
    EXPECT_EQ(jar_.make(kStart + 120s - 1us, kClient), first);
    EXPECT_NE(jar_.make(kStart + 120s, kClient), first);
}

TEST_F(CookieOfJar, LivesFor240SecondsWhenMadeAtARotation) {
    const Cookie cookie = jar_.make(kStart, kClient);
    EXPECT_TRUE(jar_.is_valid(kStart + 120s, kClient, cookie));
    EXPECT_TRUE(jar_.is_valid(kStart + 240s - 1us, kClient, cookie));
    EXPECT_FALSE(jar_.is_valid(kStart + 240s, kClient, cookie));
}

TEST_F(CookieOfJar, LivesFor120SecondsWhenMadeJustBeforeARotation) {
    static_cast<void>(jar_.make(kStart, kClient));
    const Cookie cookie = jar_.make(kStart + 120s - 1us, kClient);
    EXPECT_TRUE(jar_.is_valid(kStart + 240s - 1us, kClient, cookie));
    EXPECT_FALSE(jar_.is_valid(kStart + 240s, kClient, cookie));
}

TEST_F(CookieOfJar, DoesNotLiveLongerBecauseARotationCameLate) {
    const Cookie cookie = jar_.make(kStart, kClient);
    EXPECT_TRUE(jar_.is_valid(kStart + 200s, kClient, cookie));
    EXPECT_FALSE(jar_.is_valid(kStart + 240s, kClient, cookie));
}

TEST_F(CookieOfJar, DiesInALongSilence) {
    const Cookie cookie = jar_.make(kStart, kClient);
    EXPECT_FALSE(jar_.is_valid(kStart + 1h, kClient, cookie));
    EXPECT_FALSE(jar_.is_valid(kStart + 1h, kClient, cookie));
}

TEST_F(CookieOfJar, ZeroMeansNone) {
    EXPECT_TRUE(is_zero(Cookie{}));
    EXPECT_FALSE(jar_.is_valid(kStart, kClient, Cookie{}));
    EXPECT_FALSE(is_zero(jar_.make(kStart, kClient)));
}

}  // namespace
}  // namespace pinhole::crypto
