#include "rendezvous/options.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pinhole::rendezvous {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

Result<Options, UsageError> parse(std::vector<const char*> words) {
    words.insert(words.begin(), "rendezvous");
    return parse_options(static_cast<int>(words.size()), words.data());
}

TEST(Options, ServeEverywhereByDefault) {
    const auto options = parse({});
    ASSERT_TRUE(options.has_value());
    EXPECT_EQ(options->action, Action::kServe);
    EXPECT_TRUE(options->binds.empty());
    EXPECT_EQ(options->log_level, "info");
    EXPECT_FALSE(options->answers_stun);
}

TEST(Options, ReadEveryFormOfAnAddress) {
    const auto options = parse({"--bind", "192.0.2.1", "--bind", "192.0.2.1:5", "--bind", "[::]",
                                "--bind", "2001:db8::1", "--bind=[::1]:7"});
    ASSERT_TRUE(options.has_value());
    std::vector<std::string> read;
    for (const Endpoint& bind : options->binds) read.push_back(bind.to_string());
    EXPECT_EQ(read, (std::vector<std::string>{"192.0.2.1:3478", "192.0.2.1:5", "[::]:3478",
                                              "[2001:db8::1]:3478", "[::1]:7"}));
}

TEST(Options, ReadTheRest) {
    const auto options = parse({"--state-dir", "/x", "--log-level", "debug", "--stun"});
    ASSERT_TRUE(options.has_value());
    EXPECT_EQ(options->state_directory, "/x");
    EXPECT_EQ(options->log_level, "debug");
    EXPECT_TRUE(options->answers_stun);
    const auto release = parse({"release", "Alice", "--state-dir", "/x"});
    ASSERT_TRUE(release.has_value());
    EXPECT_EQ(release->action, Action::kRelease);
    EXPECT_EQ(release->released.text(), "alice");
    EXPECT_EQ(parse({"--help"})->action, Action::kHelp);
    EXPECT_EQ(parse({"--version"})->action, Action::kVersion);
}

TEST(Options, ReadWhereTcpIsTaken) {
    EXPECT_FALSE(parse({})->takes_tcp);
    const auto alone = parse({"--tcp", "--stun"});
    ASSERT_TRUE(alone.has_value());
    EXPECT_TRUE(alone->takes_tcp);
    EXPECT_TRUE(alone->tcp_binds.empty());
    EXPECT_TRUE(alone->answers_stun);
    const auto given = parse({"--tcp", "192.0.2.1", "--tcp=[::]:443", "--tcp"});
    ASSERT_TRUE(given.has_value());
    ASSERT_EQ(given->tcp_binds.size(), 2U);
    EXPECT_EQ(given->tcp_binds[0].to_string(), "192.0.2.1:3478");
    EXPECT_EQ(given->tcp_binds[1].to_string(), "[::]:443");
}

TEST(Options, SayWhatIsWrongInTwoLines) {
    const std::vector<std::vector<const char*>> wrong{{"--bogus"},
                                                      {"--bind", "example.org"},
                                                      {"--bind", "192.0.2.1:65535"},
                                                      {"--tcp=example.org"},
                                                      {"--tcp", "example.org"},
                                                      {"serve"},
                                                      {"release"},
                                                      {"release", "a", "b"},
                                                      {"release", "a/"},
                                                      {"--log-level", "loud"},
                                                      {"--bind"}};
    for (const auto& words : wrong) {
        const auto options = parse(words);
        ASSERT_FALSE(options.has_value()) << words.front();
        EXPECT_THAT(options.error().what, StartsWith("rendezvous: "));
        EXPECT_EQ(options.error().what.find('\n'), std::string::npos);
        EXPECT_THAT(options.error().hint, HasSubstr("rendezvous --help"));
    }
}

TEST(Options, HelpBeginsWithAnExampleAndFitsAScreen) {
    const std::string help = help_text();
    EXPECT_THAT(help, StartsWith("rendezvous --bind "));
    EXPECT_LE(std::ranges::count(help, '\n'), 24);
    for (const char* option :
         {"--bind", "--state-dir", "--log-level", "--stun", "--tcp", "release ID"}) {
        EXPECT_THAT(help, HasSubstr(option));
    }
}

}  // namespace
}  // namespace pinhole::rendezvous
