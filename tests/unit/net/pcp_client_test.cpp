// The client against a gateway played by the test, over loopback.
#include "shared/net/pcp_client.hpp"

#include <gtest/gtest.h>

#include "shared/net/clock.hpp"
#include "tests/support/seeded_random.hpp"
#include "tests/unit/net/loopback.hpp"

namespace pinhole::net::test {
namespace {

const Endpoint kExternal = Endpoint::parse("11.0.0.9:50001").value();

class PcpClientTest : public ::testing::Test {
  protected:
    void ask(Duration lifetime, std::optional<Endpoint> external = {}) {
        outcome_.reset();
        client_.ask({.gateway = {loopback(Family::kV4).ip, loopback(Family::kV4).ip},
                     .internal_port = 40000,
                     .lifetime = lifetime,
                     .external = external},
                    [this](Instant, const MappingOutcome& outcome) { outcome_ = outcome; });
        EXPECT_FALSE(outcome_) << "answered from inside the question";
    }

    /// The next request that reaches the gateway, and from where.
    wire::PcpMapRequest take_request() {
        ReceiveArena arena;
        EXPECT_TRUE(wait_readable(gateway_.fd()));
        for (const Received& in : gateway_.receive(arena)) {
            client_endpoint_ = in.remote;
            const auto request = wire::parse_pcp_map_request(in.bytes);
            EXPECT_TRUE(request);
            if (request) return *request;
        }
        return {};
    }

    void answer(const wire::PcpMapResponse& response) {
        FixedBytes<wire::kPcpMapSize> bytes;
        wire::encode(response, bytes);
        send_now(gateway_, Transmit{Path{SocketId{0}, client_endpoint_}, bytes});
    }

    static wire::PcpMapResponse grant_of(const wire::PcpMapRequest& request) {
        return {.lifetime_s = request.lifetime_s,
                .epoch_s = 1000,
                .nonce = request.nonce,
                .internal_port = request.internal_port,
                .external = kExternal};
    }

    /// Runs the loop until there is an outcome; false when it ends without.
    bool run() {
        io_.restart();
        const Instant patience = now() + 10s;
        while (!outcome_ && now() < patience) io_.run_one_for(std::chrono::milliseconds{50});
        return outcome_.has_value();
    }

    asio::io_context io_;
    pinhole::test::SeededRandom random_{1};
    UdpSocket gateway_ = UdpSocket::open(loopback(Family::kV4));
    PcpClient client_{io_, random_, gateway_.local().port};
    Endpoint client_endpoint_;
    std::optional<MappingOutcome> outcome_;
};

TEST_F(PcpClientTest, AsksWithItsOwnAddressAndTakesTheGrant) {
    ask(7200s);
    const auto request = take_request();
    EXPECT_EQ(request.client, client_endpoint_.ip);
    EXPECT_EQ(request.internal_port, 40000);
    EXPECT_EQ(request.lifetime_s, 7200U);
    EXPECT_EQ(request.suggested, Endpoint{});
    answer(grant_of(request));
    ASSERT_TRUE(run());
    ASSERT_TRUE(outcome_->has_value());
    EXPECT_EQ((*outcome_)->external, kExternal);
    EXPECT_EQ((*outcome_)->lifetime, 7200s);
    EXPECT_FALSE((*outcome_)->gateway_restarted);
}

TEST_F(PcpClientTest, RepeatsTheSameRequestUntilItIsAnswered) {
    ask(7200s);
    const auto first = take_request();
    io_.run_one_for(std::chrono::seconds{10});
    const auto second = take_request();
    EXPECT_EQ(first, second);
    answer(grant_of(second));
    ASSERT_TRUE(run());
    EXPECT_TRUE(outcome_->has_value());
}

TEST_F(PcpClientTest, GivesUpOnAGatewayThatIsSilent) {
    ask(7200s);
    ASSERT_TRUE(run());
    ASSERT_FALSE(outcome_->has_value());
    EXPECT_EQ(outcome_->error().why, MappingRefusal::kNoAnswer);
    EXPECT_EQ(receive_texts(gateway_, kGatewayTries).size(), kGatewayTries);
}

TEST_F(PcpClientTest, NeedsNoPatienceWithAGatewayThatSpeaksNatPmpAlone) {
    ask(7200s);
    take_request();
    const FixedBytes<8> reply{std::byte{0}, std::byte{0x81}, std::byte{0}, std::byte{1}};
    send_now(gateway_, Transmit{Path{SocketId{0}, client_endpoint_}, reply});
    ASSERT_TRUE(run());
    EXPECT_EQ(outcome_->error().why, MappingRefusal::kNoAnswer);
}

TEST_F(PcpClientTest, NeedsNoPatienceWithAClosedPort) {
    const ClosedPort closed{Family::kV4};
    PcpClient client{io_, random_, closed.endpoint().port};
    client.ask({.gateway = {loopback(Family::kV4).ip, loopback(Family::kV4).ip},
                .internal_port = 1,
                .lifetime = 7200s},
               [this](Instant, const MappingOutcome& outcome) { outcome_ = outcome; });
    ASSERT_EQ(io_.run_one_for(std::chrono::seconds{10}), 1U);
    ASSERT_TRUE(outcome_) << "the first thing that happens is the refusal, not a repetition";
    EXPECT_EQ(outcome_->error().why, MappingRefusal::kNoAnswer);
}

TEST_F(PcpClientTest, TellsARefusalFromAMissingPublicAddress) {
    using wire::PcpResult;
    for (const auto& [result, why] :
         {std::pair{PcpResult::kNotAuthorized, MappingRefusal::kRefused},
          {PcpResult::kNoResources, MappingRefusal::kRefused},
          {static_cast<PcpResult>(200), MappingRefusal::kRefused},
          {PcpResult::kNetworkFailure, MappingRefusal::kNoPublicAddress},
          {PcpResult::kAddressMismatch, MappingRefusal::kNoPublicAddress}}) {
        ask(7200s);
        auto response = grant_of(take_request());
        response.result = result;
        answer(response);
        ASSERT_TRUE(run());
        ASSERT_FALSE(outcome_->has_value());
        EXPECT_EQ(outcome_->error().why, why) << static_cast<int>(result);
    }
}

TEST_F(PcpClientTest, ARefusalThatNamesAnAddressOfNoUseMeansAnotherNat) {
    using wire::PcpResult;
    const auto refusal_naming = [this](PcpResult result, const char* external) {
        ask(7200s);
        auto response = grant_of(take_request());
        response.result = result;
        response.external = Endpoint::parse(external);
        answer(response);
        EXPECT_TRUE(run());
        return outcome_->error();
    };
    const auto double_nat = refusal_naming(PcpResult::kNoResources, "100.64.7.7:40000");
    EXPECT_EQ(double_nat.why, MappingRefusal::kNoPublicAddress);
    EXPECT_EQ(double_nat.found, Endpoint::parse("100.64.7.7:0"));
    // What it says of a public address, or without one, is about us.
    EXPECT_EQ(refusal_naming(PcpResult::kNoResources, "11.0.0.9:1").why, MappingRefusal::kRefused);
    EXPECT_EQ(refusal_naming(PcpResult::kNoResources, "0.0.0.0:0").why, MappingRefusal::kRefused);
    EXPECT_EQ(refusal_naming(PcpResult::kUnsupportedOpcode, "10.0.0.1:1").why,
              MappingRefusal::kNoAnswer);
}

TEST_F(PcpClientTest, IgnoresAnswersToSomebodyElsesQuestion) {
    ask(7200s);
    const auto request = take_request();
    auto other_nonce = grant_of(request);
    other_nonce.nonce[0] ^= std::byte{1};
    other_nonce.external = Endpoint::parse("11.0.0.66:1");
    answer(other_nonce);
    auto other_port = grant_of(request);
    other_port.internal_port = 40001;
    other_port.external = Endpoint::parse("11.0.0.66:2");
    answer(other_port);
    answer(grant_of(request));
    ASSERT_TRUE(run());
    EXPECT_EQ((*outcome_)->external, kExternal);
}

TEST_F(PcpClientTest, RenewsAndRemovesWithTheSameNonceAndNamesTheMapping) {
    ask(7200s);
    const auto first = take_request();
    answer(grant_of(first));
    ASSERT_TRUE(run());
    ask(0s, kExternal);
    const auto removal = take_request();
    EXPECT_EQ(removal.nonce, first.nonce);
    EXPECT_EQ(removal.suggested, kExternal);
    EXPECT_EQ(removal.lifetime_s, 0U);
    auto removed = grant_of(removal);
    removed.external.reset();
    answer(removed);
    ASSERT_TRUE(run());
    EXPECT_TRUE(outcome_->has_value());
}

TEST_F(PcpClientTest, NoticesFromTheEpochThatTheGatewayForgot) {
    ask(7200s);
    answer(grant_of(take_request()));
    ASSERT_TRUE(run());
    ask(7200s, kExternal);
    auto restarted = grant_of(take_request());
    restarted.epoch_s = 3;
    answer(restarted);
    ASSERT_TRUE(run());
    EXPECT_TRUE((*outcome_)->gateway_restarted);
}

TEST_F(PcpClientTest, ACancelledQuestionLetsTheLoopEnd) {
    ask(7200s);
    client_.cancel();
    io_.run_for(std::chrono::seconds{10});
    EXPECT_TRUE(io_.stopped());
    EXPECT_FALSE(outcome_);
}

}  // namespace
}  // namespace pinhole::net::test
