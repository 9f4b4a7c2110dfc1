// What a stranger can measure about somebody who is not there, or does not take the call: nothing.
#include <functional>

#include "tests/unit/rendezvous/test_world.hpp"

namespace pinhole::rendezvous::test {
namespace {

using Step = std::function<void()>;
/// What happens how long after the first `connect`.
using Script = std::multimap<Duration, Step>;

class Absence : public testing::Test {
  protected:
    void enter(wire::AcceptMode mode = wire::AcceptMode::kAsk) {
        alice.enter("alice");
        bob.enter("bob", mode);
        ASSERT_TRUE(alice.is_registered());
        ASSERT_TRUE(bob.is_registered());
    }

    /// Asks for `whom`, follows the script, and tells when after that each error came. Anything
    /// else that comes fails the test.
    std::vector<Duration> errors_after_asking_for(std::string_view whom, const Script& script = {},
                                                  Duration whole = 2s) {
        const Instant asked = world.now;
        ++nonce;
        ask_again(whom);
        auto next = script.begin();
        std::vector<Duration> times;
        while (world.now < asked + whole) {
            for (const auto& error : alice.take<wire::Error>()) {
                EXPECT_EQ(error.code, wire::ErrorCode::kUnknownPeer);
                EXPECT_EQ(error.nonce, TestClient::nonce_of(nonce));
                times.push_back(world.now - asked);
            }
            EXPECT_TRUE(alice.frames.empty());
            world.advance(1ms);
            for (; next != script.end() && asked + next->first <= world.now; ++next) {
                next->second();
            }
        }
        return times;
    }

    void ask_again(std::string_view whom) { alice.ask_for(whom, nonce); }
    Step refusal() {
        return [this] { bob.send(wire::Refuse{.nonce = TestClient::nonce_of(nonce)}); };
    }
    Step acceptance() {
        return [this] { bob.send(wire::Accept{.nonce = TestClient::nonce_of(nonce)}); };
    }
    Step repeat(std::string_view whom) {
        return [this, whom] { ask_again(whom); };
    }
    Script repeats(std::string_view whom) {
        Script script;
        for (const Duration at : {50ms, 150ms, 350ms, 499ms, 501ms, 750ms, 1750ms}) {
            script.emplace(at, repeat(whom));
        }
        return script;
    }

    World world;
    TestClient alice{world, "198.51.100.4:4000"};
    TestClient bob{world, "203.0.113.9:5000"};
    std::uint8_t nonce = 0;
};

const std::vector<Duration> kOnce{kAbsenceDelay};

TEST_F(Absence, IsToldOnceAndAtItsTime) {
    enter();
    EXPECT_EQ(errors_after_asking_for("nobody"), kOnce);
    bob.send(wire::Close{});
    EXPECT_EQ(world.server.registered(), 1U);
    EXPECT_EQ(errors_after_asking_for("bob"), kOnce);
    EXPECT_EQ(errors_after_asking_for("alice"), kOnce);  // nobody calls himself
}

TEST_F(Absence, LooksLikeARefusalWheneverThatCame) {
    enter();
    for (const Duration at : {1ms, 100ms, 499ms, 500ms, 501ms, 1900ms}) {
        EXPECT_EQ(errors_after_asking_for("bob", {{at, refusal()}}), kOnce)
            << "refused after " << at.count() << " us";
    }
    EXPECT_EQ(world.server.sizes().relay_pairs, 0U);
}

TEST_F(Absence, LooksLikeSilence) {
    enter();
    EXPECT_EQ(errors_after_asking_for("bob"), kOnce);
    EXPECT_EQ(bob.take<wire::Introduction>().size(), 1U + kIntroductionRepeats);
    EXPECT_EQ(world.server.metrics().happened[Happening::kIntroductionUnanswered], 1U);
}

TEST_F(Absence, AnswersRepeatsAsARefusalDoes) {
    enter();
    const std::vector<Duration> expected{kAbsenceDelay, 501ms, 750ms, 1750ms};
    EXPECT_EQ(errors_after_asking_for("nobody", repeats("nobody")), expected);
    EXPECT_EQ(errors_after_asking_for("bob", repeats("bob")), expected);
    static_cast<void>(bob.take<wire::Introduction>());
    Script refused = repeats("bob");
    refused.emplace(20ms, refusal());
    EXPECT_EQ(errors_after_asking_for("bob", refused), expected);
    EXPECT_EQ(bob.take<wire::Introduction>().size(), 1U);  // who refused is not asked again
}

TEST_F(Absence, IsForgottenWhenARefusalIs) {
    enter();
    // After the lifetime the nonce is a new one, and the wait begins anew.
    const Duration late = kIntroductionLifetime + 100ms;
    const std::vector<Duration> expected{kAbsenceDelay, late + kAbsenceDelay};
    EXPECT_EQ(errors_after_asking_for("nobody", {{late, repeat("nobody")}}, late + 1s), expected);
    Script refused{{late, repeat("bob")}};
    refused.emplace(300ms,
                    [this] { bob.send(wire::Trickle{.nonce = TestClient::nonce_of(nonce)}); });
    refused.emplace(400ms, refusal());
    EXPECT_EQ(errors_after_asking_for("bob", refused, late + 1s), expected);
}

TEST_F(Absence, DoesNotShowWhoComesAndGoes) {
    enter();
    const std::vector<Duration> expected{kAbsenceDelay, 501ms, 750ms, 1750ms};
    Script leaves = repeats("bob");
    leaves.emplace(100ms, [this] { bob.send(wire::Close{}); });
    EXPECT_EQ(errors_after_asking_for("bob", leaves), expected);

    for (const Duration at : {100ms, 600ms}) {
        TestClient again{world, "203.0.113.9:5001", bob};
        Script comes = repeats("bob");
        comes.emplace(at, [&] { again.enter("bob", wire::AcceptMode::kAsk); });
        comes.emplace(at + 100ms,
                      [&] { again.send(wire::Refuse{.nonce = TestClient::nonce_of(nonce)}); });
        EXPECT_EQ(errors_after_asking_for("bob", comes), expected);
        again.send(wire::Close{});
    }
}

TEST_F(Absence, EndsWhenSomebodyOpenComesInTime) {
    alice.enter("alice");
    ASSERT_TRUE(alice.is_registered());
    alice.ask_for("bob", 1);
    world.advance(100ms);
    bob.enter("bob");
    EXPECT_TRUE(alice.frames.empty());
    alice.ask_for("bob", 1);
    EXPECT_EQ(alice.take<wire::Introduction>().size(), 1U);
    bob.send(wire::Accept{.nonce = TestClient::nonce_of(1)});
    world.advance(2s);
    EXPECT_TRUE(alice.take<wire::Error>().empty());
}

TEST_F(Absence, IsNotToldToWhomIsAcceptedInTime) {
    enter();
    alice.ask_for("bob", 1);
    world.advance(kAbsenceDelay - 1ms);
    bob.send(wire::Accept{.nonce = TestClient::nonce_of(1)});
    world.advance(2s);
    EXPECT_EQ(alice.take<wire::Introduction>().size(), 1U);
    EXPECT_TRUE(alice.take<wire::Error>().empty());
}

TEST_F(Absence, OfASlowCalleeEndsWithTheNextNonce) {
    enter();
    EXPECT_EQ(errors_after_asking_for("bob", {{900ms, acceptance()}, {950ms, repeat("bob")}}),
              (std::vector<Duration>{kAbsenceDelay, 950ms}));
    static_cast<void>(bob.take<wire::Introduction>());
    alice.ask_for("bob", ++nonce);
    EXPECT_EQ(alice.take<wire::Introduction>().size(), 1U);
    const auto offer = bob.take<wire::Introduction>();
    ASSERT_EQ(offer.size(), 1U);
    EXPECT_FALSE(offer[0].answer_first);
}

TEST_F(Absence, IsNotEndedByAnAcceptanceAfterARefusal) {
    enter();
    EXPECT_EQ(errors_after_asking_for(
                  "bob", {{20ms, refusal()}, {120ms, acceptance()}, {900ms, acceptance()}}),
              kOnce);
    EXPECT_EQ(errors_after_asking_for("bob"), kOnce);
    EXPECT_EQ(world.server.sizes().relay_pairs, 0U);
}

TEST_F(Absence, CountsAgainstTheAskersBudget) {
    enter();
    for (int i = 0; i < kIntroductionBurst; ++i) ask_again(++nonce % 2 == 0 ? "bob" : "nobody");
    EXPECT_EQ(world.server.sizes().introductions, static_cast<std::size_t>(kIntroductionBurst));
    EXPECT_TRUE(alice.frames.empty());
    alice.ask_for("nobody", ++nonce);
    EXPECT_EQ(alice.take<wire::Error>().at(0).code, wire::ErrorCode::kLimit);
    EXPECT_EQ(world.server.sizes().introductions, static_cast<std::size_t>(kIntroductionBurst));
    world.advance(kIntroductionLifetime);
    EXPECT_EQ(world.server.sizes().introductions, 0U);
}

}  // namespace
}  // namespace pinhole::rendezvous::test
