// An authenticated peer that sends whatever it likes: nothing breaks, memory stays bounded, and the
// conversation with somebody else goes on untouched.

#include <enet/enet.h>
#include <gtest/gtest.h>

#include "shared/reliable/enet_host.hpp"
#include "shared/reliable/enet_platform.hpp"
#include "tests/unit/reliable/enet_bytes.hpp"
#include "tests/unit/reliable/wire.hpp"

namespace pinhole::reliable {
namespace {

using test::Forgery;
using test::numbered_message;
using test::SeededRandom;

constexpr VirtualAddress kVictim{1};
constexpr VirtualAddress kFriend{2};
constexpr VirtualAddress kAttacker{3};

// What the victim keeps for one peer: 8 MiB of waiting messages and the one that oversteps them,
// 32768 commands, and the rest of three hosts.
constexpr std::size_t kMemoryMax = std::size_t{24} << 20U;

class EnetHostile : public testing::Test {
  protected:
    void SetUp() override {
        ASSERT_TRUE(attacker_.connect(now_, kVictim, 10ms));
        ASSERT_TRUE(friend_.connect(now_, kVictim, 10ms));
        for (int i = 0; i < 5; ++i) exchange();
        ASSERT_TRUE(victim_.is_connected(kFriend));
        ASSERT_TRUE(victim_.is_connected(kAttacker));
        // A genuine datagram to imitate; its first two bytes address the victim's peer slot.
        say("genuine");
        peer_word_ = static_cast<std::uint16_t>(Reader{genuine_.back()}.u16() & 0x3fffU);
    }

    void say(std::string_view text) {
        EXPECT_TRUE(attacker_.send(now_, kVictim, 0, as_bytes(text), Delivery::kReliable));
        EXPECT_TRUE(
            attacker_.send(now_, kVictim, 1, numbered_message(1, 3000), Delivery::kUnreliable));
        exchange();
    }

    // Everything that waits goes to where it belongs, and what the friend said is collected.
    void exchange() {
        while (const auto out = attacker_.poll_transmit()) {
            genuine_.push_back(to_vector(out->bytes));
            victim_.handle_datagram(now_, kAttacker, out->bytes);
        }
        while (const auto out = friend_.poll_transmit()) {
            victim_.handle_datagram(now_, kFriend, out->bytes);
        }
        drain_victim();
        while (attacker_.poll_event()) {
        }
        while (friend_.poll_event()) {
        }
        attacker_.handle_timeout(now_);
        friend_.handle_timeout(now_);
        victim_.handle_timeout(now_);
        now_ += 1ms;
    }

    void drain_victim() {
        while (const auto event = victim_.poll_event()) {
            const auto* message = std::get_if<EnetMessage>(&*event);
            if (message != nullptr && message->peer == kFriend) {
                heard_.push_back(to_vector(message->bytes));
            }
        }
        while (const auto out = victim_.poll_transmit()) {
            if (out->to == kFriend) friend_.handle_datagram(now_, kVictim, out->bytes);
            if (out->to == kAttacker) attacker_.handle_datagram(now_, kVictim, out->bytes);
        }
        memory_seen_ = std::max(memory_seen_, enet_bytes_in_use());
    }

    void attack(Bytes datagram) {
        victim_.handle_datagram(now_, kAttacker, datagram);
        drain_victim();
    }

    // The friend says the next thing, and all it ever said must have arrived in order.
    void converse() {
        const ByteVector message = numbered_message(said_.size(), 200);
        ASSERT_TRUE(friend_.send(now_, kVictim, 3, message, Delivery::kReliable));
        said_.push_back(message);
        exchange();
        ASSERT_EQ(heard_, said_);
        ASSERT_TRUE(victim_.is_connected(kFriend));
    }

    SeededRandom random_{11};
    EnetHost victim_{EnetOptions{}, random_};
    EnetHost friend_{EnetOptions{}, random_};
    EnetHost attacker_{EnetOptions{}, random_};
    Instant now_{Duration{1'000'000}};
    std::uint16_t peer_word_ = 0;
    std::vector<ByteVector> genuine_;
    std::vector<ByteVector> said_;
    std::vector<ByteVector> heard_;
    std::size_t memory_seen_ = 0;
};

TEST_F(EnetHostile, SurvivesRandomDatagrams) {
    SeededRandom dice{21};
    for (int i = 0; i < 60'000; ++i) {
        ByteVector datagram(dice.below(200));
        dice.fill(datagram);
        // Half of them reach the attacker's own slot, with commands that exist.
        if (datagram.size() > 8 && i % 2 == 0) {
            datagram[0] = static_cast<std::byte>(0x80U | (peer_word_ >> 8U));
            datagram[1] = static_cast<std::byte>(peer_word_);
            datagram[4] = static_cast<std::byte>((std::to_integer<unsigned>(datagram[4]) & 0xf0U) |
                                                 dice.below(13));
            datagram[5] = static_cast<std::byte>(dice.below(18));
        }
        attack(datagram);
        if (i % 1000 == 0) {
            ASSERT_NO_FATAL_FAILURE(converse()) << "seed 21, datagram " << i;
        }
    }
    EXPECT_LT(memory_seen_, kMemoryMax);
}

TEST_F(EnetHostile, SurvivesMutatedDatagrams) {
    SeededRandom dice{22};
    for (int i = 0; i < 60'000; ++i) {
        ByteVector datagram = genuine_.at(dice.below(genuine_.size()));
        const std::uint64_t mutations = 1 + dice.below(4);
        for (std::uint64_t j = 0; j < mutations; ++j) {
            // The front holds the headers; elsewhere is payload as a rule.
            const std::size_t reach =
                std::min<std::size_t>(datagram.size(), dice.below(2) == 0 ? 40 : 1200);
            datagram.at(dice.below(reach)) = static_cast<std::byte>(dice.u32());
        }
        if (dice.below(10) == 0) datagram.resize(dice.below(datagram.size()));
        attack(datagram);
        if (i % 1000 == 0) {
            ASSERT_NO_FATAL_FAILURE(converse()) << "seed 22, datagram " << i;
        }
        // A lucky hit closed the attacker's connection: it comes back.
        if (!victim_.has_peer(kAttacker)) {
            attacker_.reset(kVictim);
            ASSERT_TRUE(attacker_.connect(now_, kVictim, 10ms));
            for (int j = 0; j < 5; ++j) exchange();
        }
    }
    EXPECT_LT(memory_seen_, kMemoryMax);
}

TEST_F(EnetHostile, KeepsNoMoreEmptyReliableMessagesThanItsBound) {
    const std::size_t before = enet_bytes_in_use();
    for (std::uint32_t sequence = 2; sequence < 28'000; sequence += 50) {
        for (std::uint8_t channel = 0; channel < 16; ++channel) {
            Forgery forgery{peer_word_};
            for (std::uint32_t i = 0; i < 50; ++i) {
                forgery.reliable(channel, static_cast<std::uint16_t>(sequence + 2 + i), {});
            }
            attack(forgery.bytes());
        }
    }
    // Without the bound: 16 channels of 28,000 waiting commands, 80 MB.
    EXPECT_LT(memory_seen_ - before, kMemoryMax / 2);
    EXPECT_GT(victim_.drops()[Drop::kLimit], 0U);
    converse();
}

TEST_F(EnetHostile, KeepsNoMoreEmptyUnreliableMessagesThanItsBound) {
    const std::size_t before = enet_bytes_in_use();
    for (std::uint16_t reliable = 100; reliable < 120; ++reliable) {
        for (std::uint32_t sequence = 1; sequence < 60'000; sequence += 300) {
            Forgery forgery{peer_word_};
            for (std::uint32_t i = 0; i < 300; ++i) {
                forgery.unreliable(2, reliable, static_cast<std::uint16_t>(sequence + i), {});
            }
            attack(forgery.bytes());
        }
    }
    // Without the bound: 1.2 million waiting commands, 200 MB and more.
    EXPECT_LT(memory_seen_ - before, kMemoryMax / 2);
    EXPECT_GT(victim_.drops()[Drop::kLimit], 0U);
    converse();
}

TEST_F(EnetHostile, HearsReliableMessagesOfAPeerWhoseUnreliableOnesItCuts) {
    // Unreliable messages that wait for reliable message 3 of channel 2, more than are kept.
    for (std::uint32_t sequence = 1; sequence < 60'000; sequence += 300) {
        Forgery forgery{peer_word_};
        for (std::uint32_t i = 0; i < 300; ++i) {
            forgery.unreliable(2, 1, static_cast<std::uint16_t>(sequence + i), {});
        }
        attack(forgery.bytes());
    }
    ASSERT_GT(victim_.drops()[Drop::kLimit], 0U);
    const Forgery missing =
        Forgery{peer_word_}.unreliable(2, 1, 60'000, {}).reliable(2, 1, as_bytes("missing"));
    victim_.handle_datagram(now_, kAttacker, missing.bytes());
    const auto event = victim_.poll_event();
    ASSERT_TRUE(event);
    ASSERT_TRUE(std::holds_alternative<EnetMessage>(*event));
    EXPECT_EQ(as_text(std::get<EnetMessage>(*event).bytes), "missing");
}

TEST_F(EnetHostile, ReservesNoMoreThanItsBoundForMessagesThatNeverComplete) {
    const std::size_t before = enet_bytes_in_use();
    for (std::uint32_t i = 0; i < 2000; ++i) {
        const Forgery::Fragment part{.start = static_cast<std::uint16_t>(2 + 10 * i),
                                     .count = 2049,
                                     .number = 5,
                                     .total = std::uint32_t{1} << 20U,
                                     .offset = 0};
        attack(Forgery{peer_word_}.fragment(4, part, as_bytes("x")).bytes());
    }
    // 8 MiB of `waiting_bytes_max`, one message beyond, and their fragment maps.
    EXPECT_LT(memory_seen_ - before, std::size_t{10} << 20U);
    EXPECT_GT(memory_seen_ - before, std::size_t{7} << 20U);
    converse();
}

TEST_F(EnetHostile, TakesNoMoreThanItsBoundFromAPeerWhoseEventsNobodyPolls) {
    for (std::uint32_t i = 0; i < 20'000; ++i) {
        const ByteVector payload(1000);
        victim_.handle_datagram(
            now_, kAttacker,
            Forgery{peer_word_}.reliable(5, static_cast<std::uint16_t>(1 + i), payload).bytes());
        memory_seen_ = std::max(memory_seen_, enet_bytes_in_use());
        while (victim_.poll_transmit()) {
        }
    }
    EXPECT_LT(memory_seen_, kMemoryMax);
    EXPECT_GT(victim_.drops()[Drop::kLimit], 0U);
    drain_victim();
    converse();
}

TEST_F(EnetHostile, CannotSpeakForAnotherAddress) {
    const std::size_t before = heard_.size();
    // The friend's slot, from the attacker's address: ENet itself would refuse it as well.
    for (std::uint16_t word = 0; word < 64; ++word) {
        for (std::uint16_t session = 0; session < 4; ++session) {
            const auto peer = static_cast<std::uint16_t>(word | (session << 12U));
            if (word == (peer_word_ & 0xfffU)) continue;
            attack(Forgery{peer}.reliable(3, 1, as_bytes("forged")).bytes());
        }
    }
    EXPECT_EQ(heard_.size(), before);
    EXPECT_GT(victim_.drops()[Drop::kUnknownSession], 0U);
    converse();
}

}  // namespace
}  // namespace pinhole::reliable
