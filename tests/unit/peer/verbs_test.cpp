#include "peer/verbs.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "peer/help.hpp"

namespace pinhole::peer {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;
using ::testing::StartsWith;

std::string usage_error(std::vector<std::string> words) {
    words.insert(words.begin(), "peer");
    std::vector<char*> pointers;
    for (std::string& word : words) pointers.push_back(word.data());
    try {
        static_cast<void>(
            run_command_line(pointers, [](std::string_view) { return std::nullopt; }));
    } catch (const UsageError& error) {
        return error.what();
    }
    return "no error";
}

TEST(Verbs, TableHasEachOnceWithEverything) {
    std::set<std::string_view> names;
    for (const Verb& verb : verbs()) {
        EXPECT_TRUE(names.insert(verb.name).second) << verb.name;
        EXPECT_FALSE(verb.summary.empty());
        EXPECT_THAT(std::string{verb.example}, StartsWith("peer"));
        EXPECT_EQ(find_verb(verb.name), &verb);
    }
    EXPECT_EQ(verbs().front().name, "chat");
    EXPECT_EQ(find_verb("alice"), nullptr);
}

TEST(Verbs, FlagsAreWhole) {
    for (const Verb& verb : verbs()) {
        std::set<std::string_view> names;
        for (const Flag& flag : verb.flags) {
            SCOPED_TRACE(flag.name);
            EXPECT_TRUE(names.insert(flag.name).second);
            EXPECT_THAT(std::string{flag.name}, MatchesRegex("[a-z]+(-[a-z]+)*"));
            EXPECT_FALSE(flag.help.empty());
            EXPECT_EQ(flag.argument.empty(), flag.kind == FlagKind::kSwitch);
            EXPECT_EQ(flag.choices.empty(), flag.kind != FlagKind::kChoice);
            EXPECT_EQ(flag.max == 0, flag.kind != FlagKind::kNumber);
        }
        EXPECT_FALSE(names.contains("help")) << "every verb has it";
        EXPECT_FALSE(names.contains("version")) << "every verb has it";
    }
}

TEST(Verbs, FlagMeansTheSameInEveryVerb) {
    std::map<std::string_view, const Flag*> first;
    for (const Verb& verb : verbs()) {
        for (const Flag& flag : verb.flags) {
            const Flag& other = *first.try_emplace(flag.name, &flag).first->second;
            EXPECT_EQ(flag.kind, other.kind) << flag.name;
            EXPECT_EQ(flag.argument, other.argument) << flag.name;
            EXPECT_EQ(flag.max, other.max) << flag.name;
            EXPECT_EQ(flag.is_repeatable, other.is_repeatable) << flag.name;
            EXPECT_TRUE(std::ranges::equal(flag.choices, other.choices)) << flag.name;
        }
    }
}

TEST(Verbs, HelpHasEveryFlag) {
    for (const Verb& verb : verbs()) {
        for (const Flag& flag : verb.flags) {
            EXPECT_THAT(help_text(verb), HasSubstr("\n  --" + std::string{flag.name} + " "));
            EXPECT_THAT(help_text(verb), HasSubstr(" " + std::string{flag.help} + "\n"));
        }
    }
}

TEST(Verbs, HelpBeginsWithAnExampleAndFitsAScreen) {
    std::vector<std::string> texts{help_text(verbs())};
    for (const Verb& verb : verbs()) texts.push_back(help_text(verb));
    for (const std::string& text : texts) {
        EXPECT_THAT(text, StartsWith("example:  peer"));
        EXPECT_LE(std::ranges::count(text, '\n'), 24) << text;
        std::istringstream lines{text};
        for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 80U) << line;
    }
    for (const Verb& verb : verbs()) EXPECT_THAT(texts.front(), HasSubstr(std::string{verb.name}));
    EXPECT_THAT(texts.front(), HasSubstr("--via HOST[:PORT]"));
    EXPECT_THAT(texts.front(), Not(HasSubstr("--low-ports"))) << "a rare one";
    EXPECT_THAT(help_text(verbs().front()), HasSubstr("--low-ports"));
}

TEST(Verbs, FirstWordThatIsNoVerbIsAPeer) {
    // Both reach the options of chat, which miss a name first.
    EXPECT_THAT(usage_error({"alice"}), HasSubstr("--id NAME"));
    EXPECT_THAT(usage_error({"chat", "ping"}), HasSubstr("--id NAME"));
    EXPECT_THAT(usage_error({"ping", "--id", "a", "--via", "h"}), HasSubstr("exactly one PEER"));
}

TEST(Verbs, MistakesAreUsageErrorsOfOneHarmlessLine) {
    EXPECT_THAT(usage_error({"--frobnicate"}), HasSubstr("frobnicate"));
    EXPECT_THAT(usage_error({"help", "nothing"}), HasSubstr("no verb 'nothing'"));
    EXPECT_THAT(usage_error({"id", "x"}), HasSubstr("no further words"));
    EXPECT_EQ(usage_error({"--\x1b[2J\n"}).find_first_of("\x1b\n"), std::string::npos);
}

}  // namespace
}  // namespace pinhole::peer
