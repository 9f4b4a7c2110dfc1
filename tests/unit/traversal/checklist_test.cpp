#include "shared/traversal/checklist.hpp"

#include <gtest/gtest.h>

namespace pinhole::traversal {
namespace {

wire::Candidate candidate(std::string_view text,
                          wire::CandidateType type = wire::CandidateType::kServerReflexive) {
    return {.type = type, .endpoint = *Endpoint::parse(text)};
}

const LocalSockets kBoth{.v4 = kSocketV4, .v6 = kSocketV6};

TEST(Checklist, PairsEachCandidateWithTheSocketOfItsFamily) {
    Checklist list;
    list.set_local(kBoth, {});
    EXPECT_TRUE(list.add_remote(candidate("198.51.100.1:1000")));
    EXPECT_TRUE(list.add_remote(candidate("[2001:db9::1]:1000")));
    EXPECT_FALSE(list.add_remote(candidate("198.51.100.1:1000")));
    ASSERT_EQ(list.pairs().size(), 2U);
    EXPECT_EQ(list.pairs()[0].path.socket, kSocketV4);
    EXPECT_EQ(list.pairs()[1].path.socket, kSocketV6);
}

TEST(Checklist, PairsRememberedCandidatesWhenASocketAppears) {
    Checklist list;
    list.set_local({.v4 = kSocketV4}, {});
    EXPECT_FALSE(list.add_remote(candidate("[2001:db9::1]:1000")));
    EXPECT_TRUE(list.set_local(kBoth, {}));
    EXPECT_EQ(list.pairs().size(), 1U);
    list.set_local({.v4 = kSocketV4}, {});
    EXPECT_TRUE(list.pairs().empty());
}

TEST(Checklist, RefusesAddressesThatAreNeverAPeers) {
    Checklist list;
    list.set_local(kBoth, {});
    for (const std::string_view bad :
         {"127.0.0.1:1000", "169.254.1.1:1000", "224.0.0.1:1000", "255.255.255.255:1000",
          "0.0.0.0:1000", "[::1]:1000", "[fe80::1]:1000", "[ff02::1]:1000", "198.51.100.1:0"}) {
        EXPECT_FALSE(list.add_remote(candidate(bad))) << bad;
        EXPECT_EQ(list.adopt({kSocketV4, *Endpoint::parse(bad)}), nullptr) << bad;
    }
    EXPECT_TRUE(list.add_remote(candidate("10.0.0.1:1000")));
}

TEST(Checklist, RefusesOurOwnEndpointsButNotANeighboursPort) {
    Checklist list;
    list.set_local(kBoth, {candidate("192.168.1.5:4000", wire::CandidateType::kHost)});
    EXPECT_FALSE(list.add_remote(candidate("192.168.1.5:4000")));
    EXPECT_TRUE(list.add_remote(candidate("192.168.1.5:4001")));
}

TEST(Checklist, AdoptsAnObservedSourceOnceAndLearnsItsTypeLater) {
    Checklist list;
    list.set_local(kBoth, {});
    const Path path{kSocketV4, *Endpoint::parse("198.51.100.7:7000")};
    Pair* pair = list.adopt(path);
    ASSERT_NE(pair, nullptr);
    EXPECT_EQ(pair->type, wire::CandidateType::kPeerReflexive);
    EXPECT_EQ(list.adopt(path), pair);
    EXPECT_FALSE(list.add_remote(candidate("198.51.100.7:7000")));
    EXPECT_EQ(pair->type, wire::CandidateType::kServerReflexive);
}

TEST(Checklist, HoldsAtMost32PairsAndReplacesOnlyFailedOnes) {
    Checklist list;
    list.set_local(kBoth, {});
    const auto path_of = [](std::uint16_t port) {
        return Path{kSocketV4, {*IpAddress::parse("198.51.100.7"), port}};
    };
    for (std::uint16_t i = 0; i < kPairsMax; ++i) ASSERT_NE(list.adopt(path_of(1000 + i)), nullptr);
    EXPECT_EQ(list.adopt(path_of(9000)), nullptr);
    Pair* failed = list.find(path_of(1003));
    failed->transition(PairState::kInProgress);
    failed->transition(PairState::kFailed);
    EXPECT_NE(list.adopt(path_of(9000)), nullptr);
    EXPECT_EQ(list.find(path_of(1003)), nullptr);
    EXPECT_EQ(list.pairs().size(), kPairsMax);
}

TEST(Checklist, ANewIntroductionKeepsOnlyVerifiedPairs) {
    Checklist list;
    list.set_local(kBoth, {});
    list.add_remote(candidate("198.51.100.1:1000"));
    list.add_remote(candidate("198.51.100.2:1000"));
    list.pairs()[0].transition(PairState::kInProgress);
    list.pairs()[0].transition(PairState::kVerified);
    list.forget_remotes();
    ASSERT_EQ(list.pairs().size(), 1U);
    EXPECT_EQ(list.pairs()[0].path.remote, *Endpoint::parse("198.51.100.1:1000"));
}

TEST(ChecklistDeathTest, RefusesAnImpossibleTransition) {
    Pair pair;
    EXPECT_DEATH(pair.transition(PairState::kVerified), "is_permitted");
}

TEST(Checklist, RanksLanThenIpv6ThenByType) {
    const auto rank = [](std::string_view text, wire::CandidateType type) {
        return priority({.path = {kSocketV4, *Endpoint::parse(text)}, .type = type});
    };
    const auto lan = rank("10.0.0.1:1", wire::CandidateType::kHost);
    const auto six = rank("[2001:db9::1]:1", wire::CandidateType::kHost);
    const auto mapped = rank("198.51.100.1:1", wire::CandidateType::kMapped);
    const auto observed = rank("198.51.100.1:1", wire::CandidateType::kPeerReflexive);
    const auto reflexive = rank("198.51.100.1:1", wire::CandidateType::kServerReflexive);
    EXPECT_GT(lan, six);
    EXPECT_GT(six, mapped);
    EXPECT_GT(mapped, observed);
    EXPECT_GT(observed, reflexive);
}

}  // namespace
}  // namespace pinhole::traversal
