// What happens to networks: routers reboot, addresses change, cables go dead, machines sleep. The
// ENet connection never closes, and every message arrives, once and in order.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/lab/chatter.hpp"

namespace pinhole::lab {
namespace {

/// After faults stop, a pair must be connected or relayed again within this.
constexpr Duration kRecovery = 30s;
/// On both cables: 30 % between the two, as 0.837^2 = 0.7.
constexpr LinkQuality kLossy{.delay = 20ms, .loss = 0.163};

/// Alice and Bob talk, something happens to them, and they go on as if nothing had.
class Mobility : public testing::Test {
  protected:
    static constexpr std::uint64_t kSeeds = 3;
    /// Homes between which there is a direct path, and none.
    static constexpr std::string_view kDirect = "eim_apdf";
    static constexpr std::string_view kRelayed = "apdm_apdf_r";

    struct Scene {
        Scene(std::uint64_t seed, std::string_view nat_a, std::string_view nat_b,
              Duration interval = 50ms)
            : town(seed),
              alice(town.add_peer("alice", town.home("a", nat_a))),
              bob(town.add_peer("bob", town.home("b", nat_b))),
              talk(town, alice, bob, interval) {
            vary_delays(town, {&alice, &bob});
        }

        bool begin(bool direct = true) {
            if (!town.register_all()) return false;
            town.connect(alice, bob);
            talk.start();
            if (!town.run_until([&] { return talk.there.said() > 5; }, 10s)) return false;
            if (!direct) return true;
            return static_cast<bool>(
                town.run_until([&] { return alice.is_direct() && bob.is_direct(); }, 15s));
        }

        /// Both sides hear something that was said from now on, within `limit`.
        void expect_delivery_within(Duration limit, std::string_view what) {
            const Instant now = town.lab().now();
            const std::size_t at_alice = talk.back.said();
            const std::size_t at_bob = talk.there.said();
            const auto reached = town.run_until(
                [&] {
                    return alice.received().size() > at_alice && bob.received().size() > at_bob;
                },
                kRecovery);
            ASSERT_TRUE(reached) << what << ": no delivery, " << town.where();
            fmt::print("    {}, seed {}: delivery after {} ms\n", what, town.lab().seed(),
                       (reached.at - now).count() / 1000);
            EXPECT_LT(reached.at - now, limit) << what << ", " << town.where();
        }

        /// Everything said so far was heard, in order, over one connection.
        void expect_whole() {
            talk.stop();
            EXPECT_TRUE(town.run_until([&] { return talk.is_heard(); }, kRecovery)) << town.where();
            EXPECT_EQ(talk.flaw(), "") << town.where();
            EXPECT_EQ(alice.connections(), 1U) << town.where();
            EXPECT_EQ(bob.connections(), 1U) << town.where();
            EXPECT_TRUE(alice.closed().empty() && bob.closed().empty()) << town.where();
        }

        bool run_until_direct(Duration limit) {
            return static_cast<bool>(
                town.run_until([&] { return alice.is_direct() && bob.is_direct(); }, limit));
        }

        void set_quality(const LinkQuality& quality) {
            for (Peer* peer : {&alice, &bob}) peer->host().cable().set_quality(quality);
        }

        /// The router comes back with other ports. Those that it preserved would come back as they
        /// were; moved ones are the harder case.
        void reboot_router(const std::string& home) {
            NatProfile moved = profile_named("eim_apdf");
            moved.allocation = Allocation::kRandom;
            town.nat(home).become(moved);
            town.nat(home).reboot();
        }

        Town town;
        Peer& alice;
        Peer& bob;
        Talk talk;
    };

    /// The same story for every seed, between homes of one profile; at the end all is whole.
    template <class Story>
    static void tell(std::string_view nat, Story story) {
        for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
            Scene scene{seed, nat, nat};
            SCOPED_TRACE(scene.town.where());
            ASSERT_TRUE(scene.begin(nat != kRelayed));
            story(scene);
            scene.expect_whole();
        }
    }
};

TEST_F(Mobility, RouterRebootMovesThePortUnderTheSession) {
    tell(kDirect, [](Scene& scene) {
        scene.reboot_router("a");
        scene.expect_delivery_within(4s, "router reboot");
        EXPECT_TRUE(scene.run_until_direct(60s));
    });
}

TEST_F(Mobility, BothRoutersReboot) {
    tell(kDirect, [](Scene& scene) {
        scene.reboot_router("a");
        scene.reboot_router("b");
        scene.expect_delivery_within(5s, "both routers reboot");
        EXPECT_TRUE(scene.run_until_direct(60s));
    });
}

TEST_F(Mobility, ProviderChangesTheAddress) {
    for (const std::string_view nat : {kDirect, kRelayed}) {
        tell(nat, [nat](Scene& scene) {
            scene.town.nat("a").change_wan({*IpAddress::parse("203.0.113.77")});
            scene.expect_delivery_within(5s, nat);
            if (nat == kDirect) {
                EXPECT_TRUE(scene.run_until_direct(60s));
            }
        });
    }
}

TEST_F(Mobility, BothProvidersChangeTheAddress) {
    // Neither side knows the other's new address: the relay, or an introduction, brings it.
    tell(kDirect, [](Scene& scene) {
        scene.town.nat("a").change_wan({*IpAddress::parse("203.0.113.77")});
        scene.town.nat("b").change_wan({*IpAddress::parse("203.0.113.78")});
        scene.expect_delivery_within(5s, "both addresses changed");
        EXPECT_TRUE(scene.run_until_direct(60s));
    });
}

TEST_F(Mobility, BothProvidersChangeTheAddressWhileTheServerIsGone) {
    // Nobody can tell anybody: until the server is back there is no way, and then there is.
    tell(kDirect, [](Scene& scene) {
        scene.town.kill_server();
        scene.town.run_for(5s);
        scene.town.nat("a").change_wan({*IpAddress::parse("203.0.113.77")});
        scene.town.nat("b").change_wan({*IpAddress::parse("203.0.113.78")});
        scene.town.run_for(20s);
        scene.town.start_server();
        scene.expect_delivery_within(60s, "both addresses changed, no server");
        EXPECT_TRUE(scene.run_until_direct(90s));
    });
}

TEST_F(Mobility, ServerIsGoneForAnHour) {
    tell(kDirect, [](Scene& scene) {
        scene.town.kill_server();
        scene.town.run_for(1h);
        EXPECT_TRUE(scene.alice.is_direct() && scene.bob.is_direct());
        scene.town.start_server();
        scene.expect_delivery_within(1s, "an hour without the server");
    });
}

TEST_F(Mobility, MachineMovesToAnotherNetwork) {
    for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
        Scene scene{seed, kDirect, kDirect};
        NatBox& cellular = scene.town.lab().add_nat("cellular", profile_named("eim_apdf"),
                                                    {"203.0.113.99"}, {.lan = "10.9.0.0/24"});
        scene.town.lab().add_interface(scene.alice.host(), cellular);
        scene.alice.host().set_interface_up(false, 1);
        SCOPED_TRACE(scene.town.where());
        ASSERT_TRUE(scene.begin());
        scene.alice.host().set_interface_up(true, 1);
        scene.alice.host().set_interface_up(false, 0);
        scene.expect_delivery_within(5s, "to cellular");
        EXPECT_TRUE(scene.run_until_direct(30s));
        scene.alice.host().set_interface_up(true, 0);
        scene.alice.host().set_interface_up(false, 1);
        scene.expect_delivery_within(5s, "and back home");
        EXPECT_TRUE(scene.run_until_direct(30s));
        scene.expect_whole();
    }
}

TEST_F(Mobility, MachineIsRenumbered) {
    tell(kDirect, [](Scene& scene) {
        scene.alice.host().change_addresses({*IpAddress::parse("192.168.1.77")});
        scene.expect_delivery_within(5s, "renumbered");
        EXPECT_TRUE(scene.run_until_direct(30s));
    });
}

TEST_F(Mobility, BlackoutOfHalfAMinute) {
    for (const std::string_view nat : {kDirect, kRelayed}) {
        tell(nat, [nat](Scene& scene) {
            scene.alice.host().cable().set_up(false);
            scene.town.run_for(30s);
            scene.alice.host().cable().set_up(true);
            scene.expect_delivery_within(7s, nat);
            if (nat == kDirect) {
                EXPECT_TRUE(scene.run_until_direct(kRecovery));
            }
        });
    }
}

TEST_F(Mobility, BlackoutThatTheMachineSees) {
    tell(kDirect, [](Scene& scene) {
        scene.alice.host().set_interface_up(false);
        scene.town.run_for(30s);
        scene.alice.host().set_interface_up(true);
        scene.expect_delivery_within(2s, "interface down and up");
        EXPECT_TRUE(scene.run_until_direct(kRecovery));
    });
}

TEST_F(Mobility, BlackoutOfTenMinutes) {
    for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
        Scene scene{seed, kDirect, kDirect, 500ms};
        SCOPED_TRACE(scene.town.where());
        ASSERT_TRUE(scene.begin());
        scene.town.nat("a").uplink().set_up(false);
        scene.town.run_for(10min);
        scene.town.nat("a").uplink().set_up(true);
        scene.expect_delivery_within(10s, "ten minutes");
        EXPECT_TRUE(scene.run_until_direct(60s));
        scene.expect_whole();
    }
}

TEST_F(Mobility, MachineSleepsForAMinute) {
    for (const std::string_view nat : {kDirect, kRelayed}) {
        tell(nat, [nat](Scene& scene) {
            scene.alice.host().freeze();
            scene.town.run_for(60s);
            scene.alice.host().thaw();
            scene.expect_delivery_within(10s, nat);
            if (nat == kDirect) {
                EXPECT_TRUE(scene.run_until_direct(kRecovery));
            }
        });
    }
}

TEST_F(Mobility, MachineSleepsWhileItsRouterReboots) {
    tell(kDirect, [](Scene& scene) {
        scene.alice.host().freeze();
        scene.town.run_for(30s);
        scene.reboot_router("a");
        scene.town.run_for(30s);
        scene.alice.host().thaw();
        // Whoever waited for liveness to find out would be direct after 2.1 s at the earliest.
        EXPECT_TRUE(scene.run_until_direct(1900ms)) << "woke in another network unawares";
        scene.expect_delivery_within(2s, "asleep over a reboot");
    });
}

TEST_F(Mobility, RelayIsLostWhileDirectLives) {
    tell(kDirect, [](Scene& scene) {
        const Instant begun = scene.town.lab().now();
        scene.town.kill_server();
        scene.town.run_for(5min);
        EXPECT_LT(scene.talk.there.longest_silence(begun), 200ms);
        EXPECT_LT(scene.talk.back.longest_silence(begun), 200ms);
        EXPECT_TRUE(scene.alice.is_direct() && scene.bob.is_direct());
    });
}

TEST_F(Mobility, DirectIsLostWhileTheRelayLives) {
    tell(kDirect, [](Scene& scene) {
        const auto only_server = [](const Packet& packet) {
            const IpAddress server = *IpAddress::parse(kServerV4);
            return packet.source.ip == server || packet.destination.ip == server;
        };
        scene.town.nat("a").uplink().up.set_filter(only_server);
        scene.town.nat("a").uplink().down.set_filter(only_server);
        const Instant cut = scene.town.lab().now();
        scene.expect_delivery_within(4s, "direct path cut");
        ASSERT_TRUE(scene.town.run_until(
            [&] {
                return scene.alice.path() == node::PathState::kRelay &&
                       scene.bob.path() == node::PathState::kRelay;
            },
            15s));
        EXPECT_EQ(scene.alice.path_changed()->reason, node::Reason::kLostDirect);
        EXPECT_EQ(scene.bob.path_changed()->reason, node::Reason::kLostDirect);
        scene.town.run_for(2min);
        EXPECT_LT(scene.talk.there.longest_silence(cut), 3s);
        EXPECT_LT(scene.talk.back.longest_silence(cut), 3s);
        scene.town.nat("a").uplink().up.set_filter({});
        scene.town.nat("a").uplink().down.set_filter({});
        // The next try is at most a minute away, and a bar of 120 s holds at most once.
        EXPECT_TRUE(scene.run_until_direct(3min));
    });
}

TEST_F(Mobility, LossOfThirtyPercent) {
    tell(kDirect, [](Scene& scene) {
        scene.set_quality(kLossy);
        scene.town.run_for(60s);
        scene.set_quality({});
    });
}

TEST_F(Mobility, ConnectsUnderLossOfThirtyPercent) {
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        Scene scene{seed, kDirect, kDirect};
        SCOPED_TRACE(scene.town.where());
        scene.set_quality(kLossy);
        ASSERT_TRUE(scene.town.register_all());
        scene.town.connect(scene.alice, scene.bob);
        scene.talk.start();
        ASSERT_TRUE(scene.town.run_until([&] { return scene.talk.there.said() > 100; }, kRecovery));
        scene.expect_whole();
    }
}

TEST_F(Mobility, ReorderingAndDuplication) {
    for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
        Scene scene{seed, kDirect, kDirect};
        SCOPED_TRACE(scene.town.where());
        scene.set_quality({.delay = 15ms,
                           .jitter = 30ms,
                           .duplication = 0.2,
                           .reordering = 0.2,
                           .reorder_by = 60ms});
        ASSERT_TRUE(scene.begin());
        scene.town.run_for(60s);
        scene.expect_whole();
    }
}

TEST_F(Mobility, RekeysUnderLoadAreNotNoticed) {
    Scene scene{1, kDirect, kDirect};
    SCOPED_TRACE(scene.town.where());
    ASSERT_TRUE(scene.begin());
    const Instant begun = scene.town.lab().now();
    scene.town.run_for(10min);
    for (Peer* peer : {&scene.alice, &scene.bob}) {
        const auto peers = peer->node().peers();
        ASSERT_EQ(peers.size(), 1U);
        // Every 120 s while data flows.
        EXPECT_GE(peers.front().rekeys, 4U);
        EXPECT_LE(peers.front().rekeys, 6U);
    }
    EXPECT_LT(scene.talk.there.longest_silence(begun), 150ms);
    EXPECT_LT(scene.talk.back.longest_silence(begun), 150ms);
    scene.expect_whole();
}

TEST_F(Mobility, RekeysUnderLossAreNotNoticed) {
    for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
        Scene scene{seed, kDirect, kRelayed};
        SCOPED_TRACE(scene.town.where());
        ASSERT_TRUE(scene.begin(false));
        scene.set_quality(kLossy);
        scene.town.run_for(10min);
        EXPECT_GE(scene.alice.node().peers().front().rekeys, 4U);
        scene.set_quality({});
        scene.expect_whole();
    }
}

}  // namespace
}  // namespace pinhole::lab
