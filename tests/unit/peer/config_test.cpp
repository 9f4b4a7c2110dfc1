#include <fstream>
#include <map>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "peer/config_file.hpp"
#include "peer/config_verb.hpp"
#include "peer/verbs.hpp"
#include "tests/support/temporary_directory.hpp"

namespace pinhole::peer {
namespace {

namespace fs = std::filesystem;
using pinhole::test::TemporaryDirectory;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr std::array kSendFlags{
    Flag{.name = "name", .argument = "NAME", .help = "h", .kind = FlagKind::kText},
    Flag{.name = "count", .argument = "N", .help = "h", .kind = FlagKind::kNumber, .max = 20},
    Flag{.name = "fast", .help = "h"},
    Flag{.name = "key-file", .argument = "FILE", .help = "h", .kind = FlagKind::kFile},
    Flag{.name = "rule",
         .argument = "RULE",
         .help = "h",
         .kind = FlagKind::kText,
         .is_repeatable = true},
};
constexpr std::array kAskFlags{kSendFlags[1]};
constexpr std::array kVerbs{
    Verb{"send", "s", "", "peer send", kSendFlags, nullptr},
    Verb{"ask", "s", "", "peer ask", kAskFlags, nullptr},
};

net::Environment with(std::map<std::string, std::string, std::less<>> variables) {
    return [variables = std::move(variables)](std::string_view name) -> std::optional<std::string> {
        const auto found = variables.find(name);
        return found == variables.end() ? std::nullopt : std::optional{found->second};
    };
}

Settings settings(const Verb& verb, const std::string& text) {
    const auto entries = parse_config(text, "/home/b/pinhole/config.toml", kVerbs);
    return Settings{
        verb.name, verb.flags, {.given = {}, .environment = with({}), .entries = entries}};
}

std::string complaint(const std::string& text) {
    try {
        static_cast<void>(parse_config(text, "/c/config.toml", kVerbs));
    } catch (const UsageError& error) {
        return error.what();
    }
    return "none";
}

void write(const fs::path& file, const std::string& text) {
    std::ofstream{file} << text;
}

TEST(Config, KeysAreTheNamesOfFlags) {
    const auto all = settings(kVerbs[0], "name = 'a,b'\ncount = 3\nfast = true\n");
    EXPECT_EQ(all.text("name"), "a,b");
    EXPECT_EQ(all.number("count"), 3U);
    EXPECT_TRUE(all.is_set("fast"));
    EXPECT_EQ(all.origin("count").to_string(), "/home/b/pinhole/config.toml:2");
    EXPECT_FALSE(settings(kVerbs[0], "fast = false").is_set("fast"));
}

TEST(Config, TableOfAVerbIsForItAloneAndWins) {
    const std::string text = "count = 1\n[ask]\ncount = 2\n";
    EXPECT_EQ(settings(kVerbs[0], text).number("count"), 1U);
    EXPECT_EQ(settings(kVerbs[1], text).number("count"), 2U);
    EXPECT_EQ(settings(kVerbs[1], text).origin("count").to_string(),
              "/home/b/pinhole/config.toml:3");
}

TEST(Config, KeyOfAnotherVerbIsNoMistakeAtTheTop) {
    EXPECT_EQ(settings(kVerbs[1], "name = 'a'").number("count"), std::nullopt);
    EXPECT_EQ(complaint("[ask]\nname = 'a'"), "/c/config.toml:2: ask has no option 'name'");
}

TEST(Config, WhatNobodyKnowsIsRefusedWithFileAndLine) {
    EXPECT_EQ(complaint("\ncuont = 1"), "/c/config.toml:2: no verb has an option 'cuont'");
    EXPECT_EQ(complaint("[sned]\ncount = 1"), "/c/config.toml:1: there is no verb 'sned'");
    EXPECT_THAT(complaint("fast = true\nname ="), HasSubstr("/c/config.toml:2: "));
    EXPECT_THAT(complaint("count = 1\ncount = 2"), HasSubstr("/c/config.toml:2: "));
    EXPECT_THAT(complaint("\"\\u001b[2J\" = 1"), Not(HasSubstr("\x1b")));
}

TEST(Config, ValueThatAFlagDoesNotTakeIsRefusedWhateverIsRun) {
    EXPECT_EQ(complaint("[ask]\n\ncount = 21"),
              "/c/config.toml:3: --count is a whole number from 1 to 20, not '21'");
    EXPECT_EQ(complaint("fast = 'yes'"), "/c/config.toml:1: --fast is true or false, not 'yes'");
    EXPECT_THAT(complaint("count = -1"), HasSubstr("whole number"));
    EXPECT_THAT(complaint("count = 1.5"), HasSubstr("count takes a text, a number"));
    EXPECT_THAT(complaint("name = ['a', 'b']"), HasSubstr("name takes one value"));
    EXPECT_THAT(complaint("rule = [['a']]"), HasSubstr("rule takes a text"));
}

TEST(Config, RepeatableFlagTakesAList) {
    EXPECT_THAT(settings(kVerbs[0], "rule = ['a', 'b,c']").texts("rule"), ElementsAre("a", "b,c"));
    EXPECT_THAT(settings(kVerbs[0], "rule = 'a'").texts("rule"), ElementsAre("a"));
    EXPECT_THAT(settings(kVerbs[0], "rule = []").texts("rule"), IsEmpty());
}

TEST(Config, PathStartsAtTheFolderOfTheFile) {
    EXPECT_EQ(settings(kVerbs[0], "key-file = 'k'").text("key-file"), "/home/b/pinhole/k");
    EXPECT_EQ(settings(kVerbs[0], "key-file = '/k'").text("key-file"), "/k");
    EXPECT_EQ(settings(kVerbs[0], "key-file = '-'").text("key-file"), "-");
}

TEST(Config, UsersFileWinsThenTheLaterNameOfTheSystems) {
    const TemporaryDirectory folder;
    const fs::path user = folder.path() / "user.toml";
    const fs::path system = folder.path() / "etc";
    fs::create_directory(system);
    write(user, "name = 'user'\n");
    write(system / "10.toml", "name = 'ten'\ncount = 10\nfast = true\n");
    write(system / "20.toml", "[send]\ncount = 20\n");
    write(system / "30.txt", "no TOML at all");
    fs::create_directory(system / "40.toml");
    const ConfigPlaces places{.user = user, .system_folder = system};
    EXPECT_THAT(config_files(places), ElementsAre(user, system / "20.toml", system / "10.toml"));
    const auto entries = read_config(places, kVerbs);
    const Settings all{
        "send", kSendFlags, {.given = {}, .environment = with({}), .entries = entries}};
    EXPECT_EQ(all.text("name"), "user");
    EXPECT_EQ(all.number("count"), 20U);
    EXPECT_TRUE(all.is_set("fast"));
}

TEST(Config, MissingFilesSetNothingAndAnEndlessOneIsRefused) {
    const TemporaryDirectory folder;
    const ConfigPlaces places{.user = folder.path() / "none",
                              .system_folder = folder.path() / "no"};
    EXPECT_THAT(read_config(places, kVerbs), IsEmpty());
    write(folder.path() / "none", "#" + std::string(kConfigBytesMax, 'x'));
    EXPECT_THROW(static_cast<void>(read_config(places, kVerbs)), UsageError);
}

TEST(Config, PlacesFollowTheXdgVariables) {
    EXPECT_EQ(ConfigPlaces::from(with({{"XDG_CONFIG_HOME", "/c"}})).user, "/c/pinhole/config.toml");
    EXPECT_EQ(ConfigPlaces::from(with({{"HOME", "/h"}})).user, "/h/.config/pinhole/config.toml");
    EXPECT_EQ(ConfigPlaces::from(with({})).user, std::nullopt);
    EXPECT_EQ(ConfigPlaces::from(with({})).system_folder, "/etc/pinhole");
}

TEST(Config, ShownSettingsAreAFileThatSetsTheSame) {
    const auto before = settings(kVerbs[0],
                                 "name = \"a \\\"b\\\"\\n'c' \\u0007\"\ncount = 3\nfast = true\n"
                                 "rule = ['x', 'y']\n");
    const std::string text = config_text("send", before);
    EXPECT_THAT(text, HasSubstr("count = 3"));
    EXPECT_THAT(text, HasSubstr("# /home/b/pinhole/config.toml:2\n"));
    EXPECT_THAT(text, HasSubstr("# key-file ="));
    const auto after = settings(kVerbs[0], text);
    EXPECT_EQ(after.text("name"), before.text("name"));
    EXPECT_EQ(after.number("count"), 3U);
    EXPECT_TRUE(after.is_set("fast"));
    EXPECT_EQ(after.text("key-file"), std::nullopt);
    EXPECT_EQ(after.texts("rule"), before.texts("rule"));
}

TEST(Config, JsonHasEachSettingWithItsOrigin) {
    const auto all = settings(kVerbs[0], "name = 'a'\ncount = 3\nrule = ['x']\n");
    const auto json = nlohmann::json::parse(config_json("send", all));
    EXPECT_EQ(json["event"], "config");
    EXPECT_EQ(json["verb"], "send");
    const auto& shown = json["settings"];
    EXPECT_EQ(shown["name"]["value"], "a");
    EXPECT_EQ(shown["name"]["origin"], "/home/b/pinhole/config.toml:1");
    EXPECT_EQ(shown["count"]["value"], 3);
    EXPECT_EQ(shown["rule"]["value"], nlohmann::json::array({"x"}));
    EXPECT_EQ(shown["fast"]["value"], false);
    EXPECT_TRUE(shown["key-file"]["value"].is_null());
    EXPECT_EQ(shown["key-file"]["origin"], "default");
    EXPECT_EQ(shown.size(), kSendFlags.size());
}

/// What makes sense for a flag, as TOML.
std::string sample(const Flag& flag) {
    switch (flag.kind) {
        case FlagKind::kSwitch: return "true";
        case FlagKind::kNumber: return "1";
        case FlagKind::kChoice: return "'" + std::string{flag.choices.back()} + "'";
        case FlagKind::kText:
        case FlagKind::kFile: return "'/x'";
    }
    return {};
}

TEST(Config, TakesEveryFlagOfEveryVerb) {
    for (const Verb& verb : verbs()) {
        for (const Flag& flag : verb.flags) {
            const std::string line = std::string{flag.name} + " = " + sample(flag) + "\n";
            for (const std::string& text : {line, "[" + std::string{verb.name} + "]\n" + line}) {
                const auto entries = parse_config(text, "/f", verbs());
                const Settings all{verb.name,
                                   verb.flags,
                                   {.given = {}, .environment = with({}), .entries = entries}};
                EXPECT_EQ(all.origin(flag.name).source, Source::kFile) << text;
            }
        }
    }
}

}  // namespace
}  // namespace pinhole::peer
