#include <map>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "peer/chat_options.hpp"
#include "peer/doctor_options.hpp"
#include "peer/ping_options.hpp"

namespace pinhole::peer {
namespace {

using ::testing::HasSubstr;
using Variables = std::map<std::string, std::string, std::less<>>;

net::Environment environment(Variables variables = {}) {
    return [variables = std::move(variables)](std::string_view name) -> std::optional<std::string> {
        const auto found = variables.find(name);
        if (found == variables.end()) return std::nullopt;
        return found->second;
    };
}

Settings settings(std::span<const Flag> flags, const std::vector<const char*>& words,
                  Variables variables = {}) {
    return Settings{"verb",
                    flags,
                    {.given = parse_command_line(flags, words),
                     .environment = environment(std::move(variables))}};
}

ChatOptions chat(const std::vector<const char*>& words, Variables variables = {}) {
    return chat_options(settings(kChatFlags, words, std::move(variables)));
}

PingOptions ping(const std::vector<const char*>& words, Variables variables = {}) {
    return ping_options(settings(kPingFlags, words, std::move(variables)));
}

DoctorOptions doctor(const std::vector<const char*>& words, Variables variables = {}) {
    return doctor_options(settings(kDoctorFlags, words, std::move(variables)));
}

std::string chat_error(const std::vector<const char*>& words) {
    try {
        static_cast<void>(chat(words));
    } catch (const UsageError& error) {
        return error.what();
    }
    return "no error";
}

TEST(Options, ChatTakesNamesAndFlags) {
    const auto options =
        chat({"--id", "Bob", "--via", "vps.example", "--json", "--wait", "--accept", "known",
              "--quiet", "--color", "never", "--psk-file", "/k", "alice", "carol", "alice"});
    EXPECT_EQ(options.station.id.text(), "bob");
    EXPECT_EQ(options.station.via, "vps.example:3478");
    EXPECT_TRUE(options.station.json);
    EXPECT_TRUE(options.station.quiet);
    EXPECT_EQ(options.station.color, ColorMode::kNever);
    EXPECT_EQ(options.station.accept, AcceptPolicy::kKnown);
    EXPECT_EQ(options.station.psk_file, "/k");
    EXPECT_TRUE(options.wait);
    ASSERT_EQ(options.peers.size(), 2U) << "a name counts once";
    EXPECT_EQ(options.peers[0].text(), "alice");
    EXPECT_EQ(options.peers[1].text(), "carol");
    EXPECT_FALSE(options.message);
}

TEST(Options, PortsAreMappedUnlessToldOtherwise) {
    EXPECT_TRUE(chat({"--id", "bob", "--via", "v"}).station.maps_ports);
    EXPECT_FALSE(chat({"--id", "bob", "--via", "v", "--no-port-mapping"}).station.maps_ports);
    EXPECT_FALSE(
        ping({"--id", "bob", "--via", "v", "--no-port-mapping", "alice"}).station.maps_ports);
}

TEST(Options, EnvironmentStandsInAndFlagsWin) {
    const Variables variables{{"PINHOLE_ID", "env"}, {"PINHOLE_VIA", "env.example:9"}};
    EXPECT_EQ(chat({}, variables).station.id.text(), "env");
    EXPECT_EQ(chat({}, variables).station.via, "env.example:9");
    EXPECT_EQ(chat({"--id", "flag", "--via", "flag.example"}, variables).station.id.text(), "flag");
    EXPECT_EQ(chat({"--id", "flag", "--via", "flag.example"}, variables).station.via,
              "flag.example:3478");
}

TEST(Options, ViaHasOneFormForEachServer) {
    EXPECT_EQ(canonical_via("VPS.example"), "vps.example:3478");
    EXPECT_EQ(canonical_via("203.0.113.7:9"), "203.0.113.7:9");
    EXPECT_EQ(canonical_via("2001:db8::1"), "[2001:db8::1]:3478");
    EXPECT_EQ(canonical_via("[2001:DB8::1]:9"), "[2001:db8::1]:9");
    EXPECT_THROW(static_cast<void>(canonical_via("host:port")), UsageError);
}

TEST(Options, MessageKeepsCommasAndGoesToOne) {
    const auto options =
        chat({"--id", "a", "--via", "h", "--message", "one, two, three", "--timeout", "5", "b"});
    EXPECT_EQ(options.message, "one, two, three");
    EXPECT_EQ(options.timeout, Duration{5s});
    EXPECT_THAT(chat_error({"--id", "a", "--via", "h", "--message", "x"}),
                HasSubstr("exactly one PEER"));
    EXPECT_THAT(chat_error({"--id", "a", "--via", "h", "--message", "x", "b", "c"}),
                HasSubstr("exactly one PEER"));
}

TEST(Options, ARoomIsANameAndTakesAMessage) {
    const auto options = chat({"--id", "a", "--via", "h", "--room", "Garden", "b"});
    ASSERT_TRUE(options.room);
    EXPECT_EQ(options.room->text(), "garden");
    EXPECT_EQ(options.peers.size(), 1U) << "a room goes with names";
    EXPECT_EQ(chat({"--id", "a", "--via", "h"}, {{"PINHOLE_ROOM", "shed"}}).room->text(), "shed");
    EXPECT_EQ(chat({"--id", "a", "--via", "h", "--room", "garden", "--message", "x"}).message, "x");
    EXPECT_THAT(chat_error({"--id", "a", "--via", "h", "--room", "my garden"}),
                HasSubstr("'my garden' is no name of a room"));
}

TEST(Options, OneShotHasALimitUnlessItWaits) {
    EXPECT_EQ(chat({"--id", "a", "--via", "h", "--message", "x", "b"}).timeout, Duration{30s});
    EXPECT_EQ(chat({"--id", "a", "--via", "h", "--message", "x", "--wait", "b"}).timeout,
              Duration::max());
    EXPECT_EQ(chat({"--id", "a", "--via", "h", "--message", "x", "--wait", "--timeout", "9", "b"})
                  .timeout,
              Duration{9s});
}

TEST(Options, GuessingAndLowPortsAreTheUsersChoice) {
    const auto usual = chat({"--id", "a", "--via", "h"}).station;
    EXPECT_TRUE(usual.sprays);
    EXPECT_FALSE(usual.low_ports);
    const auto chosen = chat({"--id", "a", "--via", "h", "--no-spray", "--low-ports"}).station;
    EXPECT_FALSE(chosen.sprays);
    EXPECT_TRUE(chosen.low_ports);
    EXPECT_TRUE(ping({"--id", "a", "--via", "h", "--low-ports", "b"}).station.low_ports);
    EXPECT_FALSE(doctor({"--id", "a", "--via", "h", "--no-spray"}).station.sprays);
}

TEST(Options, MistakesAreNamed) {
    EXPECT_THAT(chat_error({"--via", "h"}), HasSubstr("--id NAME or set PINHOLE_ID"));
    EXPECT_THAT(chat_error({"--id", "a"}), HasSubstr("--via HOST or set PINHOLE_VIA"));
    EXPECT_THAT(chat_error({"--id", "a b", "--via", "h"}), HasSubstr("'a b' is no name"));
    EXPECT_THAT(chat_error({"--id", "a", "--via", "h", "a"}), HasSubstr("your own name"));
    EXPECT_THAT(chat_error({"--id", "a", "--via", "h", "--accept", "some"}),
                HasSubstr("all, known or none"));
    EXPECT_THAT(chat_error({"--id", "a", "--via", "h", "--color", "red"}), HasSubstr("auto"));
    EXPECT_THAT(chat_error({"--id", "a", "--via", "h", "--timeout", "5"}), HasSubstr("--message"));
    EXPECT_THAT(chat_error({"--id", "a", "--id", "b", "--via", "h"}), HasSubstr("twice"));
    for (const char* bad : {"0", "-1", "1.5", "5s", "", "99999999999"}) {
        EXPECT_THAT(
            chat_error({"--id", "a", "--via", "h", "--message", "x", "--timeout", bad, "b"}),
            HasSubstr("whole number"))
            << bad;
    }
}

TEST(Options, PingTakesOnePeer) {
    const auto options =
        ping({"--id", "a", "--via", "h", "--count", "3", "--until-direct", "--timeout", "9", "b"});
    EXPECT_EQ(options.peer.text(), "b");
    EXPECT_EQ(options.count, 3U);
    EXPECT_TRUE(options.until_direct);
    EXPECT_EQ(options.timeout, Duration{9s});
    EXPECT_EQ(options.station.accept, AcceptPolicy::kNone);
    EXPECT_THROW(static_cast<void>(ping({"--id", "a", "--via", "h"})), UsageError);
    EXPECT_THROW(static_cast<void>(ping({"--id", "a", "--via", "h", "b", "c"})), UsageError);
}

TEST(Options, DoctorTakesOnePeerOrNone) {
    EXPECT_FALSE(doctor({"--id", "a", "--via", "h"}).peer);
    const auto options = doctor({"--id", "a", "--via", "h", "--lifetime", "b"});
    EXPECT_EQ(options.peer->text(), "b");
    EXPECT_TRUE(options.station.measures_lifetime);
    EXPECT_EQ(options.station.accept, AcceptPolicy::kNone);
    EXPECT_THROW(static_cast<void>(doctor({"--id", "a", "--via", "h", "b", "c"})), UsageError);
    EXPECT_THROW(static_cast<void>(doctor({"--id", "a", "--via", "h", "a"})), UsageError);
    EXPECT_THROW(static_cast<void>(doctor({"--id", "a", "--via", "h", "--wait"})), UsageError);
}

TEST(Options, DoctorHasTimeToMeasureALifetime) {
    EXPECT_EQ(doctor({"--id", "a", "--via", "h"}).timeout, Duration{30s});
    EXPECT_EQ(doctor({"--id", "a", "--via", "h", "--lifetime"}).timeout, Duration{300s});
    EXPECT_EQ(doctor({"--id", "a", "--via", "h", "--lifetime", "--timeout", "9"}).timeout,
              Duration{9s});
}

TEST(Options, WhatOnlyTheEnvironmentGivesMayBeOfNoUse) {
    const Variables usual{{"PINHOLE_TIMEOUT", "5"}, {"PINHOLE_WAIT", "true"}};
    EXPECT_FALSE(chat({"--id", "a", "--via", "h"}, usual).message) << "no --message, no complaint";
    EXPECT_FALSE(doctor({"--id", "a", "--via", "h"}, usual).wait) << "nobody to wait for";
    EXPECT_EQ(ping({"--id", "a", "--via", "h", "b"}, usual).timeout, Duration{5s});
}

TEST(Options, PingWithoutEndStillWantsAFirstAnswer) {
    EXPECT_EQ(ping({"--id", "a", "--via", "h", "b"}).timeout, Duration{30s});
    EXPECT_EQ(ping({"--id", "a", "--via", "h", "--wait", "b"}).timeout, Duration::max());
    EXPECT_EQ(ping({"--id", "a", "--via", "h", "--wait", "--until-direct", "b"}).timeout,
              Duration{30s});
}

}  // namespace
}  // namespace pinhole::peer
