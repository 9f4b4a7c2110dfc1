#include "rendezvous/half_open.hpp"

#include <gtest/gtest.h>

#include "tests/unit/rendezvous/sessions.hpp"

namespace pinhole::rendezvous::test {
namespace {

constexpr Instant kOpened{};
const Path kUnproven{.socket = kSocketV4,
                     .remote = {.ip = *IpAddress::parse("10.0.0.1"), .port = 1}};

class HalfOpenTest : public testing::Test {
  protected:
    crypto::PublicKey add(Instant now, SessionIndex index) {
        const crypto::PublicKey ephemeral{source.random.bytes<32>()};
        half_open.add(
            ephemeral,
            {.path = kUnproven,
             .incarnation = {},
             .message_2 = {std::byte{7}},
             .answered = now,
             .session = std::make_unique<session::ServerSession>(source.make(now, index))});
        return ephemeral;
    }

    SessionSource source;
    HalfOpen half_open;
    std::optional<SessionIndex> unproven;
};

TEST_F(HalfOpenTest, KeepsTheAnswerOfAProvenSessionForItsTime) {
    const auto ephemeral = add(kOpened, SessionIndex{5});
    EXPECT_EQ(half_open.take_session(*half_open.find(SessionIndex{5})).indices().local,
              SessionIndex{5});
    EXPECT_EQ(half_open.find(SessionIndex{5}), nullptr);
    ASSERT_NE(half_open.find(ephemeral), nullptr);
    EXPECT_FALSE(half_open.expire_one(kOpened + session::kAttemptLifetime - 1us, unproven));
    EXPECT_TRUE(half_open.expire_one(kOpened + session::kAttemptLifetime, unproven));
    EXPECT_EQ(unproven, std::nullopt);
    EXPECT_EQ(half_open.find(ephemeral), nullptr);
    EXPECT_EQ(half_open.next_timeout(), kNever);
}

TEST_F(HalfOpenTest, LeavesTheIndexOfAProvenSessionToWhoeverGetsItNext) {
    // The client left at once, and its index was drawn again.
    add(kOpened, SessionIndex{5});
    static_cast<void>(half_open.take_session(*half_open.find(SessionIndex{5})));
    add(kOpened + 1s, SessionIndex{5});
    EXPECT_TRUE(half_open.expire_one(kOpened + session::kAttemptLifetime, unproven));
    EXPECT_EQ(unproven, std::nullopt);
    EXPECT_NE(half_open.find(SessionIndex{5}), nullptr);
    EXPECT_TRUE(half_open.expire_one(kOpened + session::kAttemptLifetime + 1s, unproven));
    EXPECT_EQ(unproven, SessionIndex{5});
    EXPECT_EQ(half_open.size(), 0U);
}

TEST_F(HalfOpenTest, CountsOnlyUnprovenSessionsAgainstASubscriber) {
    for (std::uint32_t i = 1; i <= kHalfOpenPerPrefix; ++i) add(kOpened, SessionIndex{i});
    EXPECT_FALSE(half_open.has_room(kUnproven.remote.ip));
    EXPECT_TRUE(half_open.has_room(*IpAddress::parse("10.0.0.2")));
    static_cast<void>(half_open.take_session(*half_open.find(SessionIndex{1})));
    EXPECT_TRUE(half_open.has_room(kUnproven.remote.ip));
}

}  // namespace
}  // namespace pinhole::rendezvous::test
