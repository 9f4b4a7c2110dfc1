#include "shared/net/port_mapping.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pinhole::net::test {
namespace {

using Reason = PortUnmapped::Reason;

const Gateway kGateway{IpAddress::parse("192.168.1.1").value(),
                       IpAddress::parse("192.168.1.2").value()};
const Endpoint kPublic = Endpoint::parse("11.0.0.9:50001").value();
const Endpoint kOtherPublic = Endpoint::parse("11.0.0.9:50002").value();
const Endpoint kPrivate = Endpoint::parse("100.64.0.9:50001").value();
constexpr SocketId kSocket{5};
constexpr std::uint16_t kPort = 40000;

/// Keeps the open question for the test to answer.
class FakeClient final : public MappingClient {
  public:
    void ask(const MappingWish& wish, MappingDone done) override {
        asked.push_back(wish);
        done_ = std::move(done);
    }
    void cancel() override { done_ = nullptr; }

    void answer(Instant now, const MappingOutcome& outcome) {
        ASSERT_TRUE(is_asking());
        std::exchange(done_, nullptr)(now, outcome);
    }
    void grant(Instant now, const Endpoint& external, Duration lifetime = 7200s) {
        answer(now, MappingGrant{.external = external, .lifetime = lifetime});
    }
    void refuse(Instant now, MappingRefusal why) { answer(now, failure(MappingFailure{why, {}})); }
    [[nodiscard]] bool is_asking() const { return done_ != nullptr; }

    std::vector<MappingWish> asked;

  private:
    MappingDone done_;
};

Instant at(Duration since_start) {
    return Instant{} + since_start;
}

class PortMappingTest : public ::testing::Test {
  protected:
    PortMapping make() {
        std::vector<PortMapping::Way> ways;
        const auto add = [&](MappingProtocol protocol, Duration head_start) {
            auto client = std::make_unique<FakeClient>();
            clients_.push_back(client.get());
            ways.push_back({protocol, head_start, std::move(client)});
        };
        add(MappingProtocol::kPcp, 0s);
        add(MappingProtocol::kNatPmp, 250ms);
        add(MappingProtocol::kUpnp, 1s);
        return {kSocket, std::move(ways),
                PortMapping::Owner{
                    .find_gateway = [this] { return gateway_; },
                    .report = [this](const IoEvent& event) { reports_.push_back(event); },
                    .on_answered = [this] { ++answers_; }}};
    }

    FakeClient& pcp() { return *clients_[0]; }
    FakeClient& nat_pmp() { return *clients_[1]; }
    FakeClient& upnp() { return *clients_[2]; }

    /// The last report, which must be of that type.
    template <class Event>
    Event last() {
        if (reports_.empty() || !std::holds_alternative<Event>(reports_.back())) {
            ADD_FAILURE() << "not reported";
            return {};
        }
        return std::get<Event>(reports_.back());
    }

    std::optional<Gateway> gateway_ = kGateway;
    std::vector<FakeClient*> clients_;
    std::vector<IoEvent> reports_;
    int answers_ = 0;
    PortMapping mapping_ = make();
};

TEST_F(PortMappingTest, AsksPcpFirstAndReportsWhatItGrants) {
    mapping_.ask(at(0s), kPort);
    ASSERT_EQ(pcp().asked.size(), 1U);
    EXPECT_EQ(pcp().asked[0].gateway, kGateway);
    EXPECT_EQ(pcp().asked[0].internal_port, kPort);
    EXPECT_EQ(pcp().asked[0].lifetime, 7200s);
    EXPECT_EQ(pcp().asked[0].external, std::nullopt);
    EXPECT_FALSE(nat_pmp().is_asking());
    pcp().grant(at(10ms), kPublic);
    const auto mapped = last<PortMapped>();
    EXPECT_EQ(mapped.socket, kSocket);
    EXPECT_EQ(mapped.external, kPublic);
    EXPECT_EQ(mapped.via, MappingProtocol::kPcp);
    EXPECT_EQ(mapped.lifetime, 7200s);
    EXPECT_EQ(answers_, 1);
}

TEST_F(PortMappingTest, SilenceBringsInTheNextProtocolBesideTheFirst) {
    mapping_.ask(at(0s), kPort);
    EXPECT_EQ(mapping_.next_timeout(), at(250ms));
    mapping_.handle_timeout(at(249ms));
    EXPECT_FALSE(nat_pmp().is_asking());
    mapping_.handle_timeout(at(250ms));
    EXPECT_TRUE(nat_pmp().is_asking());
    EXPECT_TRUE(pcp().is_asking());
    EXPECT_EQ(mapping_.next_timeout(), at(1s));
    mapping_.handle_timeout(at(1s));
    EXPECT_TRUE(upnp().is_asking());
    EXPECT_EQ(mapping_.next_timeout(), kNever);
}

TEST_F(PortMappingTest, FailureBringsInTheNextProtocolAtOnce) {
    mapping_.ask(at(0s), kPort);
    pcp().refuse(at(1ms), MappingRefusal::kNoAnswer);
    EXPECT_TRUE(nat_pmp().is_asking());
    EXPECT_FALSE(upnp().is_asking());
    nat_pmp().refuse(at(2ms), MappingRefusal::kRefused);
    EXPECT_TRUE(upnp().is_asking());
}

TEST_F(PortMappingTest, TheFirstGrantEndsTheOtherQuestions) {
    mapping_.ask(at(0s), kPort);
    mapping_.handle_timeout(at(1s));
    nat_pmp().grant(at(1s), kPublic);
    EXPECT_EQ(last<PortMapped>().via, MappingProtocol::kNatPmp);
    EXPECT_FALSE(pcp().is_asking());
    EXPECT_FALSE(upnp().is_asking());
}

TEST_F(PortMappingTest, TellsTheGravestReasonWhenAllFailed) {
    const auto run = [&](MappingRefusal a, MappingRefusal b, MappingRefusal c) {
        mapping_.ask(at(0s), kPort);
        pcp().refuse(at(1ms), a);
        nat_pmp().refuse(at(2ms), b);
        upnp().refuse(at(3ms), c);
        return last<PortUnmapped>().reason;
    };
    using enum MappingRefusal;
    EXPECT_EQ(run(kNoAnswer, kNoAnswer, kNoAnswer), Reason::kNoGateway);
    EXPECT_EQ(run(kNoAnswer, kRefused, kNoAnswer), Reason::kRefused);
    EXPECT_EQ(run(kRefused, kNoPublicAddress, kNoAnswer), Reason::kDoubleNat);
    EXPECT_EQ(mapping_.next_timeout(), kNever) << "nothing was ever mapped: no more questions";
}

TEST_F(PortMappingTest, WithoutAGatewayNobodyIsAsked) {
    gateway_.reset();
    mapping_.ask(at(0s), kPort);
    EXPECT_EQ(last<PortUnmapped>().reason, Reason::kNoGateway);
    EXPECT_TRUE(pcp().asked.empty());
}

TEST_F(PortMappingTest, AMappingOnAPrivateAddressIsRemovedAndIsNone) {
    mapping_.ask(at(0s), kPort);
    pcp().grant(at(1ms), kPrivate);
    EXPECT_EQ(pcp().asked.back().lifetime, Duration{0});
    EXPECT_EQ(pcp().asked.back().external, kPrivate);
    nat_pmp().refuse(at(2ms), MappingRefusal::kNoAnswer);
    upnp().refuse(at(3ms), MappingRefusal::kNoAnswer);
    EXPECT_EQ(last<PortUnmapped>().reason, Reason::kDoubleNat);
    EXPECT_EQ(last<PortUnmapped>().found, kPrivate);
}

class MappedTest : public PortMappingTest {
  protected:
    void SetUp() override {
        mapping_.ask(at(0s), kPort);
        pcp().grant(at(0s), kPublic, 100s);
    }
};

TEST_F(MappedTest, IsRenewedAtHalfOfItsLifetime) {
    EXPECT_EQ(mapping_.next_timeout(), at(50s));
    mapping_.handle_timeout(at(50s));
    EXPECT_EQ(pcp().asked.back().external, kPublic);
    pcp().grant(at(50s), kPublic, 100s);
    EXPECT_EQ(mapping_.next_timeout(), at(100s));
    EXPECT_EQ(reports_.size(), 1U) << "a renewal is no news";
}

TEST_F(PortMappingTest, AGrantForSecondsIsGivenBackAndCountsAsARefusal) {
    mapping_.ask(at(0s), kPort);
    pcp().grant(at(0s), kPublic, 59s);
    EXPECT_EQ(pcp().asked.back().lifetime, Duration{0}) << "given back";
    nat_pmp().grant(at(1s), kPublic, 1s);
    upnp().refuse(at(2s), MappingRefusal::kNoAnswer);
    EXPECT_EQ(last<PortUnmapped>().reason, Reason::kTooShort);
    EXPECT_EQ(reports_.size(), 1U);
    EXPECT_EQ(mapping_.next_timeout(), kNever) << "and nobody asks once a second";
}

TEST_F(PortMappingTest, RenewalsAreNeverLessThanHalfAMinuteApart) {
    mapping_.ask(at(0s), kPort);
    pcp().grant(at(0s), kPublic, kLeastLifetime);
    EXPECT_EQ(mapping_.next_timeout(), at(kRenewalIntervalMin));
}

TEST_F(MappedTest, ARenewalForSecondsIsALossAndIsTriedAgainEverMoreRarely) {
    mapping_.handle_timeout(at(50s));
    pcp().grant(at(50s), kPublic, 1s);
    EXPECT_EQ(last<PortUnmapped>().reason, Reason::kLost);
    pcp().grant(at(50s), kPublic, 1s);
    nat_pmp().refuse(at(50s), MappingRefusal::kNoAnswer);
    upnp().refuse(at(50s), MappingRefusal::kNoAnswer);
    EXPECT_EQ(mapping_.next_timeout(), at(50s) + kRemapPauseMin);
}

TEST_F(MappedTest, AnotherPortAtRenewalIsNews) {
    mapping_.handle_timeout(at(50s));
    pcp().grant(at(50s), kOtherPublic, 100s);
    EXPECT_EQ(last<PortMapped>().external, kOtherPublic);
}

TEST_F(MappedTest, RenewalIsRepeatedAtHalfOfWhatIsLeftUntilItIsLost) {
    std::vector<Instant> tries;
    while (pcp().asked.back().external || tries.empty()) {
        const Instant due = mapping_.next_timeout();
        ASSERT_NE(due, kNever);
        mapping_.handle_timeout(due);
        if (!pcp().asked.back().external) break;
        tries.push_back(due);
        pcp().refuse(due, MappingRefusal::kNoAnswer);
    }
    EXPECT_THAT(tries,
                ::testing::ElementsAre(at(50s), at(75s), at(87500ms), at(93750ms), at(97750ms)));
    EXPECT_EQ(last<PortUnmapped>().reason, Reason::kLost);
    EXPECT_TRUE(pcp().is_asking()) << "and asked for anew at once";
}

TEST_F(MappedTest, ARefusedRenewalIsALossAndTheNextGrantIsNews) {
    mapping_.handle_timeout(at(50s));
    pcp().refuse(at(50s), MappingRefusal::kRefused);
    EXPECT_EQ(last<PortUnmapped>().reason, Reason::kLost);
    pcp().grant(at(51s), kPublic);
    EXPECT_EQ(last<PortMapped>().external, kPublic);
}

TEST_F(MappedTest, AfterALossItGoesOnTryingMoreAndMoreSeldom) {
    mapping_.handle_timeout(at(50s));
    pcp().refuse(at(50s), MappingRefusal::kRefused);
    Instant now = at(50s);
    std::vector<Duration> pauses;
    for (int round = 0; round < 7; ++round) {
        pcp().refuse(now, MappingRefusal::kNoAnswer);
        nat_pmp().refuse(now, MappingRefusal::kNoAnswer);
        upnp().refuse(now, MappingRefusal::kNoAnswer);
        pauses.push_back(mapping_.next_timeout() - now);
        now = mapping_.next_timeout();
        mapping_.handle_timeout(now);
    }
    EXPECT_THAT(pauses, ::testing::ElementsAre(30s, 60s, 120s, 240s, 480s, Duration{15min},
                                               Duration{15min}));
    EXPECT_EQ(reports_.size(), 2U) << "mapped, lost; the tries are no news";
}

TEST_F(MappedTest, IsRenewedAtOnceWhenTheGatewayForgot) {
    mapping_.renew(at(3s));
    EXPECT_EQ(pcp().asked.size(), 2U);
    EXPECT_EQ(pcp().asked.back().external, kPublic);
}

TEST_F(MappedTest, TellsOnceThatTheGatewayForgotOtherMappings) {
    mapping_.handle_timeout(at(50s));
    pcp().answer(at(50s), MappingGrant{kPublic, 100s, true});
    EXPECT_TRUE(mapping_.take_gateway_restarted());
    EXPECT_FALSE(mapping_.take_gateway_restarted());
}

TEST_F(MappedTest, RemovalNamesTheMappingAndIsAwaited) {
    bool is_removed = false;
    mapping_.remove([&] { is_removed = true; });
    EXPECT_EQ(pcp().asked.back().lifetime, Duration{0});
    EXPECT_EQ(pcp().asked.back().external, kPublic);
    EXPECT_FALSE(is_removed);
    EXPECT_EQ(mapping_.next_timeout(), kNever);
    pcp().grant(at(1s), kPublic, 0s);
    EXPECT_TRUE(is_removed);
    EXPECT_EQ(reports_.size(), 1U);
}

TEST_F(PortMappingTest, RemovalOfNothingIsDoneAtOnce) {
    mapping_.ask(at(0s), kPort);
    bool is_removed = false;
    mapping_.remove([&] { is_removed = true; });
    EXPECT_TRUE(is_removed);
    EXPECT_FALSE(pcp().is_asking());
}

TEST_F(MappedTest, AskingAgainBeginsAnewAndReportsAgain) {
    mapping_.ask(at(9s), kPort);
    EXPECT_EQ(pcp().asked.back().external, std::nullopt);
    pcp().grant(at(9s), kPublic);
    EXPECT_EQ(reports_.size(), 2U);
}

}  // namespace
}  // namespace pinhole::net::test
