#include "shared/traversal/verdict.hpp"

#include <set>
#include <string_view>

#include <gtest/gtest.h>

namespace pinhole::traversal {
namespace {

TEST(Verdict, SaysDirectOnlyWhenBothSidesSelectedIt) {
    Facts facts{.has_relay = true, .has_pairs = true};
    facts.we_selected = true;
    EXPECT_EQ(judge(facts), (Verdict{PathState::kRelayOneWay, Reason::kTheyAreNotYet}));
    facts.peer_selected = true;
    EXPECT_EQ(judge(facts), (Verdict{PathState::kDirect, Reason::kSelected}));
    facts.we_selected = false;
    EXPECT_EQ(judge(facts), (Verdict{PathState::kRelayOneWay, Reason::kWeAreNotYet}));
}

TEST(Verdict, ExplainsARelayByTheFirstReasonThatApplies) {
    Facts facts{.has_relay = true,
                .is_checking = true,
                .has_pairs = true,
                .was_answered = true,
                .had_direct = true};
    const auto reason = [&] { return judge(facts)->reason; };
    facts.udp_blocked = true;
    EXPECT_EQ(reason(), Reason::kUdpBlocked);
    facts.peer_udp_blocked = true;
    EXPECT_EQ(reason(), Reason::kUdpBlocked) << "our own network is what we can change";
    facts.udp_blocked = false;
    EXPECT_EQ(reason(), Reason::kPeerUdpBlocked);
    facts.peer_udp_blocked = false;
    EXPECT_EQ(reason(), Reason::kLostDirect);
    facts.had_direct = false;
    EXPECT_EQ(reason(), Reason::kChecking);
    facts.is_checking = false;
    EXPECT_EQ(reason(), Reason::kSmallOnly);
    facts.was_answered = false;
    EXPECT_EQ(reason(), Reason::kNoAnswer);
    facts.guess = Reason::kBothHard;
    EXPECT_EQ(reason(), Reason::kBothHard);
    facts.has_pairs = false;
    EXPECT_EQ(reason(), Reason::kNoCandidates);
}

TEST(Verdict, WithoutPairsWaitsForThePeersWordAsLongAsChecksWould) {
    Facts facts{.has_relay = true, .is_checking = true};
    EXPECT_EQ(judge(facts)->reason, Reason::kChecking);
    facts.is_checking = false;
    EXPECT_EQ(judge(facts)->reason, Reason::kNoCandidates);
    facts = {.has_relay = true, .is_checking = true, .knows_peer_nat = true};
    EXPECT_EQ(judge(facts)->reason, Reason::kNoCandidates);
}

TEST(Verdict, LostOutweighsEverything) {
    const Facts facts{
        .is_lost = true, .has_relay = true, .we_selected = true, .peer_selected = true};
    EXPECT_EQ(judge(facts), (Verdict{PathState::kLost, Reason::kSilence}));
}

TEST(Verdict, SaysNothingWhileThereIsNoRouteAtAll) {
    EXPECT_EQ(judge({}), std::nullopt);
}

TEST(Verdict, EveryReasonHasItsOwnNameAndSentence) {
    std::set<std::string_view> names;
    std::set<std::string_view> sentences;
    for (int i = 0; i <= static_cast<int>(Reason::kSilence); ++i) {
        names.insert(name_of(static_cast<Reason>(i)));
        sentences.insert(sentence_of(static_cast<Reason>(i)));
    }
    EXPECT_EQ(names.size(), static_cast<std::size_t>(Reason::kSilence) + 1);
    EXPECT_EQ(sentences.size(), names.size());
    EXPECT_FALSE(names.contains("?"));
    EXPECT_FALSE(sentences.contains("?"));
}

}  // namespace
}  // namespace pinhole::traversal
