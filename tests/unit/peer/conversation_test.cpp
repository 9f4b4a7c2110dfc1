#include "peer/conversation.hpp"

#include <gtest/gtest.h>

namespace pinhole::peer {
namespace {

constexpr std::uint32_t kRun = 7;

TextName named(std::uint32_t number) {
    return {.run = kRun, .number = number};
}

// Takes what the connection would carry next; its number, or 0.
std::uint32_t carry(Conversation& talk) {
    const auto next = talk.next_unsent();
    if (!next) return 0;
    EXPECT_EQ(next->name.run, kRun);
    const std::uint32_t number = next->name.number;
    talk.on_sent();
    return number;
}

TEST(Conversation, CarriesTextsInOrderAndOnce) {
    Conversation talk{kRun};
    EXPECT_EQ(talk.say("one"), 1U);
    EXPECT_EQ(talk.say("two"), 2U);
    EXPECT_EQ(talk.next_unsent()->text, "one");
    EXPECT_EQ(carry(talk), 1U);
    EXPECT_EQ(carry(talk), 2U);
    EXPECT_EQ(carry(talk), 0U);
    EXPECT_EQ(talk.in_flight(), 2U);
}

TEST(Conversation, KeepsATextUntilItIsAcknowledged) {
    Conversation talk{kRun};
    talk.say("one");
    talk.say("four");
    static_cast<void>(carry(talk));
    static_cast<void>(carry(talk));
    EXPECT_EQ(talk.waiting_bytes(), 7U);
    EXPECT_TRUE(talk.on_ack(named(1)));
    EXPECT_EQ(talk.waiting(), 1U);
    EXPECT_EQ(talk.waiting_bytes(), 4U);
    EXPECT_FALSE(talk.on_ack(named(1))) << "an acknowledgement counts once";
    EXPECT_TRUE(talk.on_ack(named(2)));
    EXPECT_EQ(talk.waiting(), 0U);
}

TEST(Conversation, IgnoresAcknowledgementsOfWhatWasNotSent) {
    Conversation talk{kRun};
    talk.say("one");
    EXPECT_FALSE(talk.on_ack(named(1)));
    static_cast<void>(carry(talk));
    EXPECT_FALSE(talk.on_ack({.run = kRun + 1, .number = 1})) << "of another start of ours";
    EXPECT_FALSE(talk.on_ack(named(2)));
    EXPECT_EQ(talk.waiting(), 1U);
}

TEST(Conversation, SaysAgainWhatANewConnectionHasNotCarried) {
    Conversation talk{kRun};
    talk.say("one");
    talk.say("two");
    talk.say("three");
    static_cast<void>(carry(talk));
    static_cast<void>(carry(talk));
    EXPECT_TRUE(talk.on_ack(named(1)));
    talk.on_new_connection();
    EXPECT_EQ(carry(talk), 2U);
    EXPECT_EQ(carry(talk), 3U);
    EXPECT_EQ(carry(talk), 0U);
}

TEST(Conversation, ShowsATextOnce) {
    Conversation talk{kRun};
    for (const std::uint32_t number : {1U, 2U}) {
        EXPECT_TRUE(talk.is_new({.run = 50, .number = number}));
        talk.on_shown({.run = 50, .number = number});
    }
    EXPECT_FALSE(talk.is_new({.run = 50, .number = 2}));
    EXPECT_FALSE(talk.is_new({.run = 50, .number = 1}));
    EXPECT_TRUE(talk.is_new({.run = 50, .number = 3}));
}

TEST(Conversation, ATextThatWasNotHandedOverStaysNew) {
    Conversation talk{kRun};
    EXPECT_TRUE(talk.is_new({.run = 50, .number = 1}));
    EXPECT_TRUE(talk.is_new({.run = 50, .number = 1}));
}

TEST(Conversation, CountsAnewAfterTheOtherSideRestarted) {
    Conversation talk{kRun};
    talk.on_shown({.run = 50, .number = 9});
    EXPECT_TRUE(talk.is_new({.run = 51, .number = 1}));
}

TEST(Conversation, ForgetsWhatItGivesUp) {
    Conversation talk{kRun};
    talk.say("one");
    static_cast<void>(carry(talk));
    talk.forget_waiting();
    EXPECT_EQ(talk.waiting(), 0U);
    EXPECT_EQ(talk.waiting_bytes(), 0U);
    EXPECT_EQ(talk.say("two"), 2U) << "numbers are never used again";
    EXPECT_EQ(carry(talk), 2U);
}

}  // namespace
}  // namespace pinhole::peer
