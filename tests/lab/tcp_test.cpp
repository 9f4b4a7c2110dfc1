// Where UDP is blocked: the rendezvous over TCP, the relay over it, and the way back to UDP.
#include <gtest/gtest.h>

#include "tests/lab/couple.hpp"

namespace pinhole::lab {
namespace {

constexpr std::uint64_t kSeeds = 4;

/// Two homes, and a server that takes TCP.
class TcpCouple : public Couple {
  public:
    TcpCouple(std::uint64_t seed, std::string_view profile_a, std::string_view profile_b)
        : Couple(seed, profile_a, profile_b) {
        town().take_tcp();
    }
    /// Both registered, and connected.
    [[nodiscard]] bool settle_in_talk() {
        return start(Order::kEarlyCalls) && run_until_connected(10s).has_value();
    }
};

TEST(Tcp, ABlockedPeerIsHeardAcrossItWithinFourSecondsOfItsStart) {
    for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
        TcpCouple couple{seed, "udp_blocked", "eim_apdf"};
        Town& town = couple.town();
        town.start(couple.bob());
        town.run_for(3s);
        const Instant started = town.lab().now();
        town.start(couple.alice());
        town.connect(couple.alice(), couple.bob());
        ASSERT_TRUE(couple.run_until_connected(4s)) << couple.where();
        ASSERT_TRUE(town.send(couple.alice(), "hello")) << couple.where();
        ASSERT_TRUE(town.run_until([&] { return !couple.bob().received().empty(); },
                                   4s - (town.lab().now() - started)))
            << couple.where();
        EXPECT_TRUE(couple.alice().is_over_tcp());
        EXPECT_FALSE(couple.bob().is_over_tcp());
    }
}

TEST(Tcp, MessagesFlowBothWaysInOrderAndTheReasonIsSaid) {
    for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
        TcpCouple couple{seed, "udp_blocked", "eim_apdf"};
        ASSERT_TRUE(couple.settle_in_talk()) << couple.where();
        couple.expect_messages_flow(50, 20s);
        // The reason does not change when the checks have ended.
        couple.town().run_for(20s);
        const auto path = couple.alice().path_changed();
        ASSERT_TRUE(path.has_value());
        EXPECT_EQ(path->state, node::PathState::kRelay) << couple.where();
        EXPECT_EQ(path->reason, node::Reason::kUdpBlocked) << couple.where();
        EXPECT_EQ(couple.bob().path_changed()->reason, node::Reason::kPeerUdpBlocked)
            << couple.where();
        EXPECT_EQ(couple.alice().connections(), 1U);
        couple.expect_budgets_kept();
    }
}

TEST(Tcp, TwoBlockedPeersTalk) {
    for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
        TcpCouple couple{seed, "udp_blocked", "udp_blocked"};
        ASSERT_TRUE(couple.settle_in_talk()) << couple.where();
        couple.expect_messages_flow(50, 20s);
        EXPECT_EQ(couple.bob().path_changed()->reason, node::Reason::kUdpBlocked);
    }
}

TEST(Tcp, ALossyLineDelaysAndLosesNothing) {
    TcpCouple couple{3, "udp_blocked", "eim_apdf"};
    couple.town().uplink("a").set_quality({.delay = 20ms, .loss = 0.1});
    ASSERT_TRUE(couple.settle_in_talk()) << couple.where();
    couple.expect_messages_flow(50, 60s);
}

TEST(Tcp, ARestartedServerIsFoundAgainAndTheTalkGoesOn) {
    for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
        TcpCouple couple{seed, "udp_blocked", "udp_blocked"};
        Town& town = couple.town();
        ASSERT_TRUE(couple.settle_in_talk()) << couple.where();
        couple.expect_messages_flow(5, 10s);
        town.kill_server();
        town.run_for(3s);
        town.start_server();
        const Instant back = town.lab().now();
        ASSERT_TRUE(town.run_until(
            [&] {
                return couple.alice().registered_at() > back && couple.bob().registered_at() > back;
            },
            20s))
            << couple.where();
        town.run_for(5s);
        couple.expect_messages_flow(5, 20s);
        EXPECT_EQ(couple.alice().connections(), 1U) << couple.where();
    }
}

/// From now on nothing but acknowledgements comes back on the streams that exist: something on the
/// way takes what the client says and leads nowhere.
void silence_streams(Cable& uplink, Instant& silent_from) {
    const auto old = std::make_shared<std::set<std::uint16_t>>();
    uplink.down.set_filter([old, &silent_from](const Packet& packet) {
        constexpr std::byte kAcknowledgement{4};
        if (packet.transport != Transport::kTcp) return true;
        if (silent_from == Instant{}) old->insert(packet.destination.port);
        const bool is_silent = silent_from != Instant{} && old->contains(packet.destination.port);
        return !is_silent || packet.payload.front() == kAcknowledgement;
    });
}

TEST(Tcp, AStreamThatTurnsSilentIsLeftForAnother) {
    for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
        for (const bool talks : {false, true}) {
            TcpCouple couple{seed, "udp_blocked", "udp_blocked"};
            Town& town = couple.town();
            Instant silent{};
            silence_streams(town.uplink("a"), silent);
            ASSERT_TRUE(couple.settle_in_talk()) << couple.where();
            couple.expect_messages_flow(5, 10s);
            if (!talks) town.run_for(40s);
            silent = town.lab().now();
            if (talks) town.send(couple.alice(), "still there?");
            // It is asked every 20 s, has 7 s to answer, and all come back spread over the window.
            ASSERT_TRUE(
                town.run_until([&] { return couple.alice().registered_at() > silent; }, 31s))
                << couple.where();
            town.run_for(10s);
            couple.expect_messages_flow(5, 20s);
            EXPECT_EQ(couple.alice().connections(), 1U) << couple.where();
        }
    }
}

TEST(Tcp, AServerThatSaysGoodbyeIsMetAgain) {
    TcpCouple couple{2, "udp_blocked", "eim_apdf"};
    Town& town = couple.town();
    ASSERT_TRUE(couple.settle_in_talk()) << couple.where();
    town.stop_server();
    town.run_for(1s);
    town.start_server();
    const Instant back = town.lab().now();
    EXPECT_TRUE(town.run_until([&] { return couple.alice().registered_at() > back; }, 20s))
        << couple.where();
    town.run_for(5s);
    couple.expect_messages_flow(5, 20s);
}

TEST(Tcp, WhenUdpIsFreeAgainThePairGoesDirect) {
    for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
        TcpCouple couple{seed, "udp_blocked", "eim_apdf"};
        Town& town = couple.town();
        ASSERT_TRUE(couple.settle_in_talk()) << couple.where();
        couple.expect_messages_flow(5, 10s);
        town.nat("a").become(profile_named("eim_apdf"));
        ASSERT_TRUE(town.run_until([&] { return !couple.alice().is_over_tcp(); }, 10s))
            << couple.where();
        ASSERT_TRUE(couple.run_until_direct(30s)) << couple.where();
        couple.expect_messages_flow(20, 10s);
        EXPECT_EQ(couple.alice().connections(), 1U) << couple.where();
        // The connection is given back.
        town.run_for(1s);
        EXPECT_EQ(town.server().sizes().streams, 0U) << couple.where();
    }
}

TEST(Tcp, ATalkSurvivesThatUdpIsBlockedInTheMiddle) {
    for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
        TcpCouple couple{seed, "eim_apdf", "eim_apdf"};
        Town& town = couple.town();
        ASSERT_TRUE(couple.settle_in_talk()) << couple.where();
        ASSERT_TRUE(couple.run_until_direct(10s)) << couple.where();
        EXPECT_FALSE(couple.alice().is_over_tcp());
        town.nat("a").become(profile_named("udp_blocked"));
        ASSERT_TRUE(town.run_until([&] { return couple.alice().is_over_tcp(); }, 90s))
            << couple.where();
        town.run_for(15s);
        couple.expect_messages_flow(5, 30s);
        EXPECT_EQ(couple.alice().path_changed()->reason, node::Reason::kUdpBlocked)
            << couple.where();
        EXPECT_EQ(couple.bob().path_changed()->reason, node::Reason::kPeerUdpBlocked)
            << couple.where();
        EXPECT_EQ(couple.alice().connections(), 1U) << couple.where();
    }
}

TEST(Tcp, APinnedKeyIsNotReplacedByOneShownOnAStream) {
    TcpCouple couple{1, "udp_blocked", "eim_apdf"};
    Town& town = couple.town();
    ASSERT_TRUE(town.register_all());
    town.kill_server();
    town.run_for(1s);
    town.change_server_keys();
    town.start_server();
    const auto has_changed = [&] {
        return std::ranges::count(couple.alice().troubles(), node::ServerTrouble::kKeyChanged,
                                  &node::ServerLost::trouble) > 0;
    };
    const std::size_t before = couple.alice().registrations();
    EXPECT_TRUE(town.run_until(has_changed, 60s)) << couple.where();
    EXPECT_EQ(couple.alice().registrations(), before);
}

TEST(Tcp, WithoutTcpAtTheServerABlockedPeerSaysThatNobodyAnswers) {
    Couple couple{1, "udp_blocked", "eim_apdf"};
    couple.town().start(couple.alice());
    couple.town().run_for(10s);
    ASSERT_EQ(couple.alice().troubles().size(), 1U);
    EXPECT_EQ(couple.alice().troubles()[0].trouble, node::ServerTrouble::kNoAnswer);
    // And comes as soon as the server takes it.
    couple.town().take_tcp();
    EXPECT_TRUE(couple.town().run_until([&] { return couple.alice().is_over_tcp(); }, 60s));
}

TEST(Tcp, WhereUdpWorksNoStreamIsOpened) {
    TcpCouple couple{1, "eim_apdf", "apdm_apdf_r"};
    ASSERT_TRUE(couple.settle_in_talk()) << couple.where();
    couple.town().run_for(1min);
    EXPECT_EQ(couple.town().server().metrics().happened[rendezvous::Happening::kStreamOpened], 0U);
}

}  // namespace
}  // namespace pinhole::lab
