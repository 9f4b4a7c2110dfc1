#include "shared/traversal/technique.hpp"

#include <set>

#include <gtest/gtest.h>

namespace pinhole::traversal {
namespace {

using wire::Allocation;
using wire::Dependence;
using wire::NatBehavior;

constexpr auto kEi = Dependence::kEndpointIndependent;
constexpr auto kAd = Dependence::kAddressDependent;
constexpr auto kApd = Dependence::kAddressAndPortDependent;
constexpr auto kUnsure = Dependence::kPortIndependent;

NatBehavior nat(Dependence mapping, Dependence filtering,
                Allocation allocation = Allocation::kRandom) {
    return {.mapping = mapping, .filtering = filtering, .allocation = allocation};
}

NatBehavior with_low_ports(NatBehavior behavior) {
    behavior.has_low_ports = true;
    return behavior;
}

/// What the leader plans; the other side's plan must mirror it.
Plan plan(const NatBehavior& leader, const NatBehavior& other) {
    const Plan ours = plan_for({leader, true}, {other, false});
    const Plan theirs = plan_for({other, false}, {leader, true});
    EXPECT_EQ(ours.technique, theirs.technique);
    EXPECT_EQ(ours.obstacle, theirs.obstacle);
    switch (ours.part) {
        case Part::kNone: EXPECT_NE(theirs.part, Part::kBoth); break;
        case Part::kOpener:
            EXPECT_EQ(theirs.part,
                      ours.technique == Technique::kPortGuess ? Part::kNone : Part::kProber);
            break;
        case Part::kProber: EXPECT_EQ(theirs.part, Part::kOpener); break;
        case Part::kBoth: EXPECT_EQ(theirs.part, Part::kBoth); break;
    }
    return ours;
}

TEST(Technique, PlainChecksServeEveryPairOfEasyMappings) {
    for (const Dependence filtering : {kEi, kAd, kApd, kUnsure, Dependence::kUnknown}) {
        EXPECT_EQ(plan(nat(kEi, kApd), nat(kEi, filtering)), Plan{});
        EXPECT_EQ(plan(nat(kUnsure, kApd), nat(kUnsure, filtering)), Plan{});
    }
}

TEST(Technique, TwoHomeRoutersThatKeepPortsMayTryAgainFromNewOnes) {
    const NatBehavior home = nat(kEi, kApd, Allocation::kPreserving);
    EXPECT_EQ(plan(home, home), (Plan{.technique = Technique::kFreshPorts, .part = Part::kBoth}));
    EXPECT_EQ(plan(home, nat(kEi, kEi, Allocation::kPreserving)), Plan{});
}

TEST(Technique, WithoutUdpOnASideNothingIsTriedAndWhoseSideIsSaid) {
    NatBehavior blocked = nat(kEi, kApd, Allocation::kPreserving);
    blocked.is_udp_blocked = true;
    const auto obstacle = [](const NatBehavior& ours, const NatBehavior& theirs) {
        const Plan plan = plan_for({ours, true}, {theirs, false});
        EXPECT_EQ(plan.technique, Technique::kImpossible);
        EXPECT_EQ(plan.part, Part::kNone);
        EXPECT_EQ(sentence_of(plan), sentence_of(plan.obstacle));
        return plan.obstacle;
    };
    for (const Dependence mapping : {kEi, kAd, kApd}) {
        EXPECT_EQ(obstacle(blocked, nat(mapping, kApd)), Reason::kUdpBlocked);
        EXPECT_EQ(obstacle(nat(mapping, kApd), blocked), Reason::kPeerUdpBlocked);
    }
    EXPECT_EQ(obstacle(blocked, blocked), Reason::kUdpBlocked);
}

TEST(Technique, WhatNobodyMeasuredCountsAsEasy) {
    EXPECT_EQ(plan(NatBehavior{}, NatBehavior{}), Plan{});
    EXPECT_EQ(plan(NatBehavior{}, nat(kApd, kApd)).technique, Technique::kBirthday);
}

TEST(Technique, AnEasySideThatLetsPortsInNeedsNoGuess) {
    for (const Dependence filtering : {kEi, kAd, kUnsure}) {
        EXPECT_EQ(plan(nat(kEi, filtering), nat(kApd, kApd)), Plan{});
    }
}

TEST(Technique, TheHardSidesAllocationDecidesTheGuess) {
    const NatBehavior easy = nat(kEi, kApd);
    for (const Dependence mapping : {kAd, kApd}) {
        for (const Dependence filtering : {kAd, kApd}) {
            EXPECT_EQ(plan(easy, nat(mapping, filtering, Allocation::kPreserving)),
                      (Plan{.technique = Technique::kPortGuess}));
            EXPECT_EQ(plan(easy, nat(mapping, filtering, Allocation::kSequential)),
                      (Plan{.technique = Technique::kWindow, .part = Part::kProber}));
            EXPECT_EQ(plan(easy, nat(mapping, filtering, Allocation::kRandom)),
                      (Plan{.technique = Technique::kBirthday, .part = Part::kProber}));
        }
    }
}

TEST(Technique, AHardSideThatFiltersNothingListensBeforeAnyGuess) {
    EXPECT_EQ(plan(nat(kEi, kApd), nat(kApd, kEi)),
              (Plan{.technique = Technique::kBirthday, .part = Part::kProber, .listens = true}));
    EXPECT_FALSE(plan(nat(kEi, kApd), nat(kApd, kUnsure)).listens);
    EXPECT_EQ(plan(nat(kEi, kEi), nat(kApd, kEi)), Plan{});
}

TEST(Technique, OfTwoHardSidesTheOneThatLetsPortsInOpens) {
    EXPECT_EQ(plan(nat(kApd, kAd), nat(kApd, kApd)),
              (Plan{.technique = Technique::kBirthday, .part = Part::kOpener}));
    EXPECT_EQ(plan(nat(kApd, kApd), nat(kApd, kAd)),
              (Plan{.technique = Technique::kBirthday, .part = Part::kProber}));
    // Both could: the leader does.
    EXPECT_EQ(plan(nat(kApd, kAd), nat(kAd, kAd)).part, Part::kOpener);
    EXPECT_EQ(plan(nat(kApd, kEi), nat(kApd, kApd)), Plan{});
}

TEST(Technique, TwoPredictableSidesMeet) {
    const NatBehavior counts = nat(kApd, kApd, Allocation::kSequential);
    const NatBehavior keeps = nat(kApd, kApd, Allocation::kPreserving);
    const Plan meeting{.technique = Technique::kMeeting, .part = Part::kBoth};
    EXPECT_EQ(plan(counts, counts), meeting);
    EXPECT_EQ(plan(counts, keeps), meeting);
    EXPECT_EQ(plan(keeps, keeps), (Plan{.technique = Technique::kPortGuess, .part = Part::kBoth}));
}

TEST(Technique, WhoKeepsOnePortForAnAddressTriesThoseOfOneThatDraws) {
    const NatBehavior keeps = nat(kAd, kApd, Allocation::kPreserving);
    const Plan birthday{.technique = Technique::kBirthday, .part = Part::kBoth};
    EXPECT_EQ(plan(keeps, nat(kApd, kApd)), birthday);
    EXPECT_EQ(plan(nat(kAd, kApd), keeps), birthday);
    NatBehavior refuses = nat(kApd, kApd);
    refuses.refuses_sprays = true;
    EXPECT_EQ(plan(keeps, refuses).obstacle, Reason::kSpraysOff);
}

TEST(Technique, TwoThatDrawAtRandomNeedLowPortsOnBothSides) {
    const NatBehavior random = nat(kApd, kApd);
    const Plan impossible{.technique = Technique::kImpossible, .obstacle = Reason::kBothHard};
    EXPECT_EQ(plan(random, random), impossible);
    EXPECT_EQ(plan(with_low_ports(random), random), impossible);
    EXPECT_EQ(plan(random, nat(kApd, kApd, Allocation::kSequential)), impossible);
    EXPECT_EQ(plan(random, nat(kApd, kApd, Allocation::kPreserving)), impossible);
    EXPECT_EQ(plan(with_low_ports(random), with_low_ports(random)),
              (Plan{.technique = Technique::kLowPorts, .part = Part::kBoth}));
}

TEST(Technique, ARefusalForbidsSpraysButNoSingleGuess) {
    NatBehavior easy = nat(kEi, kApd);
    easy.refuses_sprays = true;
    EXPECT_EQ(plan(easy, nat(kApd, kApd)),
              (Plan{.technique = Technique::kImpossible, .obstacle = Reason::kSpraysOff}));
    EXPECT_EQ(plan(easy, nat(kApd, kApd, Allocation::kPreserving)).technique,
              Technique::kPortGuess);
    EXPECT_EQ(plan(easy, nat(kEi, kApd)), Plan{});
}

TEST(Technique, HasANameAndASentenceForEach) {
    std::set<std::string_view> names;
    std::set<std::string_view> sentences;
    for (const Technique technique :
         {Technique::kChecks, Technique::kFreshPorts, Technique::kPortGuess, Technique::kWindow,
          Technique::kBirthday, Technique::kMeeting, Technique::kLowPorts,
          Technique::kImpossible}) {
        names.insert(name_of(technique));
        sentences.insert(sentence_of(technique));
    }
    EXPECT_EQ(names.size(), 8U);
    EXPECT_EQ(sentences.size(), 8U);
}

}  // namespace
}  // namespace pinhole::traversal
