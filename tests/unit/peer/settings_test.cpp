#include "peer/settings.hpp"

#include <map>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pinhole::peer {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Variables = std::map<std::string, std::string, std::less<>>;

constexpr std::array<std::string_view, 2> kColors{"red", "blue"};
constexpr std::array kFlags{
    Flag{.name = "name", .argument = "NAME", .help = "h", .kind = FlagKind::kText},
    Flag{.name = "key-file", .argument = "FILE", .help = "h", .kind = FlagKind::kFile},
    Flag{.name = "count", .argument = "N", .help = "h", .kind = FlagKind::kNumber, .max = 20},
    Flag{.name = "paint",
         .argument = "COLOR",
         .help = "h",
         .kind = FlagKind::kChoice,
         .choices = kColors,
         .initial = "red"},
    Flag{.name = "fast", .help = "h"},
    Flag{.name = "rule",
         .argument = "RULE",
         .help = "h",
         .kind = FlagKind::kText,
         .is_repeatable = true},
};

Settings settings(const std::vector<const char*>& words, const Variables& variables = {},
                  const std::vector<FileEntry>& entries = {}) {
    const net::Environment environment = [&](std::string_view name) -> std::optional<std::string> {
        const auto found = variables.find(name);
        return found == variables.end() ? std::nullopt : std::optional{found->second};
    };
    return Settings{"verb",
                    kFlags,
                    {.given = parse_command_line(kFlags, words),
                     .environment = environment,
                     .entries = entries}};
}

std::string complaint(const std::vector<const char*>& words, const Variables& variables = {},
                      const std::vector<FileEntry>& entries = {}) {
    try {
        static_cast<void>(settings(words, variables, entries));
    } catch (const UsageError& error) {
        return error.what();
    }
    return "none";
}

TEST(Settings, StrongestSourceWins) {
    const std::vector<FileEntry> files{{.name = "name", .values = {"user's"}, .place = "/u:1"},
                                       {.name = "name", .values = {"system's"}, .place = "/etc:1"}};
    const Variables variables{{"PINHOLE_NAME", "variable's"}};
    EXPECT_EQ(settings({"--name", "flag's"}, variables, files).text("name"), "flag's");
    EXPECT_EQ(settings({}, variables, files).text("name"), "variable's");
    EXPECT_EQ(settings({}, {}, files).text("name"), "user's");
    EXPECT_EQ(settings({}).text("name"), std::nullopt);
    EXPECT_EQ(settings({}).text("paint"), "red");
}

TEST(Settings, SayWhereAValueComesFrom) {
    const auto all =
        settings({"--name", "x"}, {{"PINHOLE_KEY_FILE", "/k"}},
                 {{.name = "count", .values = {"3"}, .place = "/etc/pinhole/a.toml:7"}});
    EXPECT_EQ(all.origin("name").to_string(), "command line");
    EXPECT_EQ(all.origin("key-file").to_string(), "PINHOLE_KEY_FILE");
    EXPECT_EQ(all.origin("count").to_string(), "/etc/pinhole/a.toml:7");
    EXPECT_EQ(all.origin("paint").to_string(), "default");
    EXPECT_TRUE(all.is_on_command_line("name"));
    EXPECT_FALSE(all.is_on_command_line("key-file"));
    EXPECT_EQ(all.text("key-file"), "/k");
    EXPECT_EQ(all.number("count"), 3U);
    EXPECT_EQ(all.all().size(), kFlags.size());
}

TEST(Settings, EmptyVariableCountsAsUnset) {
    EXPECT_EQ(settings({}, {{"PINHOLE_NAME", ""}, {"PINHOLE_COUNT", ""}}).text("name"),
              std::nullopt);
}

TEST(Settings, SwitchIsTrueFalseOneOrZero) {
    EXPECT_FALSE(settings({}).is_set("fast"));
    EXPECT_TRUE(settings({"--fast"}).is_set("fast"));
    EXPECT_TRUE(settings({"--fast", "--fast"}).is_set("fast"));
    for (const char* word : {"true", "1"}) {
        EXPECT_TRUE(settings({}, {{"PINHOLE_FAST", word}}).is_set("fast")) << word;
    }
    for (const char* word : {"false", "0"}) {
        EXPECT_FALSE(settings({}, {{"PINHOLE_FAST", word}}).is_set("fast")) << word;
    }
    EXPECT_FALSE(settings({"--fast=false"}, {{"PINHOLE_FAST", "1"}}).is_set("fast"))
        << "a flag can take back what the environment says";
    EXPECT_EQ(complaint({}, {{"PINHOLE_FAST", "yes"}}),
              "PINHOLE_FAST: --fast is true or false, not 'yes'");
}

TEST(Settings, BadValueNamesItsOrigin) {
    EXPECT_EQ(complaint({"--paint", "x"}), "--paint is red or blue, not 'x'");
    EXPECT_EQ(complaint({}, {{"PINHOLE_PAINT", "x"}}),
              "PINHOLE_PAINT: --paint is red or blue, not 'x'");
    EXPECT_EQ(complaint({}, {}, {{.name = "paint", .values = {"x"}, .place = "/f:4"}}),
              "/f:4: --paint is red or blue, not 'x'");
    EXPECT_EQ(complaint({"--paint", "x\x1b[2J"}).find('\x1b'), std::string::npos);
}

TEST(Settings, NumberHasBounds) {
    EXPECT_EQ(settings({"--count", "20"}).number("count"), 20U);
    EXPECT_EQ(settings({}).number("count"), std::nullopt);
    for (const char* bad : {"0", "21", "-1", "1.5", "5s", "", " 5", "99999999999"}) {
        EXPECT_THAT(complaint({"--count", bad}),
                    HasSubstr("--count is a whole number from 1 to 20"))
            << bad;
    }
}

TEST(Settings, OnlyARepeatableFlagIsGivenTwice) {
    EXPECT_EQ(complaint({"--name", "a", "--name", "b"}), "--name is given twice");
    EXPECT_THAT(settings({"--rule", "a,b", "--rule", "c"}).texts("rule"), ElementsAre("a,b", "c"))
        << "in their order, and nothing is cut at a comma";
    EXPECT_THAT(settings({}).texts("rule"), IsEmpty());
}

TEST(Settings, WordsAreWhatIsNoFlag) {
    EXPECT_THAT(settings({"a,b", "--fast", "-", "--", "--name", "c"}).words(),
                ElementsAre("a,b", "-", "--name", "c"));
    EXPECT_NE(complaint({"--nothing"}), "none");
    EXPECT_NE(complaint({"--name"}), "none") << "its value is missing";
}

TEST(Settings, EntriesOfOtherFlagsAndVerbsAreLeftAlone) {
    EXPECT_EQ(complaint({}, {}, {{.name = "other", .values = {"a"}, .place = "/f:1"}}), "none");
    const std::vector<FileEntry> entries{
        {.verb = "other", .name = "name", .values = {"a"}, .place = "/f:1"},
        {.verb = "verb", .name = "name", .values = {"b"}, .place = "/f:2"}};
    EXPECT_EQ(settings({}, {}, entries).text("name"), "b");
}

TEST(Settings, VariableIsTheNameInCapitals) {
    EXPECT_EQ(variable_of(kFlags[1]), "PINHOLE_KEY_FILE");
}

TEST(CommandLine, AsksForHelpAndVersion) {
    const std::vector<const char*> shortly{"-h"};
    const std::vector<const char*> both{"--help", "--version"};
    EXPECT_TRUE(parse_command_line(kFlags, shortly).asks_help);
    EXPECT_TRUE(parse_command_line(kFlags, both).asks_help);
    EXPECT_TRUE(parse_command_line(kFlags, both).asks_version);
    EXPECT_FALSE(parse_command_line(kFlags, {}).asks_help);
}

}  // namespace
}  // namespace pinhole::peer
