#include "peer/verb_words.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pinhole::peer {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const Word kPeer{.kind = WordKind::kPeer};
const Word kFile{.kind = WordKind::kFile};

Word literal(const char* text) {
    return {.text = text};
}

TEST(VerbWords, AlternativesBeginAtTheSamePlace) {
    EXPECT_THAT(
        word_places("list | remove PEER | replace PEER KEY"),
        ElementsAre(WordPlace{.position = 0,
                              .fitting = {literal("list"), literal("remove"), literal("replace")}},
                    WordPlace{.position = 1, .after = "remove", .fitting = {kPeer}},
                    WordPlace{.position = 1, .after = "replace", .fitting = {kPeer}}));
}

TEST(VerbWords, WhatMayBeLeftOutStandsInBrackets) {
    EXPECT_THAT(word_places("[PEER]"), ElementsAre(WordPlace{.position = 0, .fitting = {kPeer}}));
    EXPECT_THAT(
        word_places("show [VERB]"),
        ElementsAre(
            WordPlace{.position = 0, .fitting = {literal("show")}},
            WordPlace{.position = 1, .after = "show", .fitting = {Word{.kind = WordKind::kVerb}}}));
}

TEST(VerbWords, EverythingFitsEverywhereWhereSomethingRepeats) {
    EXPECT_THAT(word_places("[PEER...]"), ElementsAre(WordPlace{.fitting = {kPeer}}));
    EXPECT_THAT(word_places("FILE... PEER"), ElementsAre(WordPlace{.fitting = {kFile, kPeer}}));
}

TEST(VerbWords, NothingFitsWhereThereAreNone) {
    EXPECT_THAT(word_places(""), IsEmpty());
    EXPECT_THAT(word_places("KEY"), IsEmpty());
}

}  // namespace
}  // namespace pinhole::peer
