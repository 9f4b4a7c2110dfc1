// What an agent does about the size of datagrams on the path that it selected.
#include <gtest/gtest.h>

#include "tests/unit/traversal/pair_network.hpp"

namespace pinhole::traversal {
namespace {

using test::PairNetwork;

constexpr int kA = PairNetwork::kA;
constexpr int kB = PairNetwork::kB;

/// A direct pair on a path that carries datagrams of up to `payload` bytes.
void connect(PairNetwork& net, std::size_t payload) {
    net.passes = [payload](const PairNetwork::Passage& p) { return p.size <= payload; };
    net.introduce();
    net.run(3s);
    ASSERT_EQ(net.state(kA), PathState::kDirect);
    ASSERT_EQ(net.state(kB), PathState::kDirect);
}

/// Data of side A as large as it may be, and time for what follows.
void send_bulk(PairNetwork& net, Duration length) {
    for (Duration passed{}; passed < length; passed += 100ms) {
        for (int i = 0; i < 10; ++i) {
            net.agent(kA).on_data_sent(net.now(), net.agent(kA).payload_max());
        }
        net.drain(kA);
        net.run(100ms);
    }
}

TEST(AgentMtu, BulkFindsWhatTheSelectedPathCarriesAndOnlyForTheSender) {
    PairNetwork net;
    connect(net, 1472);
    EXPECT_EQ(net.agent(kA).payload_max(), kUdpPayloadMax);
    send_bulk(net, 3s);
    const Path path = net.agent(kA).routes(net.now()).primary->path();
    EXPECT_EQ(net.agent(kA).payload_max(path), 1472U);
    EXPECT_EQ(net.agent(kB).payload_max(), kUdpPayloadMax);
    const Path other{kSocketV4, {path.remote.ip, 9}};
    EXPECT_EQ(net.agent(kA).payload_max(other), kUdpPayloadMax);
}

TEST(AgentMtu, BulkFindsJumboFramesAndLosesThemAgain) {
    PairNetwork net;
    connect(net, 8972);
    send_bulk(net, 3s);
    EXPECT_EQ(net.agent(kA).payload_max(), kUdpPayloadProbed);
    net.passes = [](const PairNetwork::Passage& p) { return p.size <= 1472; };
    send_bulk(net, 3s);
    EXPECT_EQ(net.agent(kA).payload_max(), kUdpPayloadMax);
    EXPECT_EQ(net.agent(kA).black_holes(), 1U);
    send_bulk(net, kAfterBlackHole + 1s);
    EXPECT_EQ(net.agent(kA).payload_max(), 1472U);
    EXPECT_EQ(net.state(kA), PathState::kDirect);
}

TEST(AgentMtu, ProbesThatAreTooBigLeaveThePathTrusted) {
    PairNetwork net;
    connect(net, kUdpPayloadMax);
    for (int i = 0; i < 100; ++i) {
        send_bulk(net, 100ms);
        ASSERT_EQ(net.agent(kA).routes(net.now()).duplicate, std::nullopt);
    }
    EXPECT_EQ(net.agent(kA).payload_max(), kUdpPayloadMax);
    EXPECT_EQ(net.state(kA), PathState::kDirect);
}

TEST(AgentMtu, ABlackHoleIsLeftWithoutLeavingThePath) {
    PairNetwork net;
    connect(net, 1472);
    send_bulk(net, 3s);
    const std::size_t changes = net.host(kA).changes.size();
    net.passes = [](const PairNetwork::Passage& p) { return p.size <= 1300; };
    send_bulk(net, 3s);
    EXPECT_EQ(net.agent(kA).payload_max(), kUdpPayloadMax);
    EXPECT_EQ(net.agent(kA).black_holes(), 1U);
    EXPECT_EQ(net.host(kA).changes.size(), changes);
}

TEST(AgentMtu, AnIcmpHintAboutAnotherPathIsNothing) {
    PairNetwork net;
    connect(net, 1472);
    send_bulk(net, 3s);
    net.run(3s);
    const Path path = net.agent(kA).routes(net.now()).primary->path();
    const auto probes = [&] {
        return std::ranges::count_if(net.host(kA).challenges, [](const auto& sent) {
            return sent.second.challenge.padding > 1400;
        });
    };
    const auto before = probes();
    net.agent(kA).on_too_big(net.now(), {kSocketV4, {path.remote.ip, 9}});
    net.run(1s);
    EXPECT_EQ(probes(), before);
    net.agent(kA).on_too_big(net.now(), path);
    net.run(1s);
    EXPECT_EQ(probes(), before + 1);
    EXPECT_EQ(net.agent(kA).payload_max(), 1472U);
}

TEST(AgentMtu, WithThePathGoesItsSize) {
    PairNetwork net;
    connect(net, 1472);
    send_bulk(net, 3s);
    net.passes = [](const PairNetwork::Passage& p) { return p.is_relayed; };
    send_bulk(net, 10s);
    ASSERT_NE(net.state(kA), PathState::kDirect);
    EXPECT_EQ(net.agent(kA).payload_max(), kUdpPayloadMax);
}

}  // namespace
}  // namespace pinhole::traversal
