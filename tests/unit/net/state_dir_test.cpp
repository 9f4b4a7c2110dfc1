#include "shared/net/state_dir.hpp"

#include <fstream>
#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/temporary_directory.hpp"

namespace pinhole::net::test {
namespace {

using pinhole::test::mode_of;
using pinhole::test::TemporaryDirectory;

namespace fs = std::filesystem;
using ::testing::HasSubstr;

Environment with(std::map<std::string, std::string, std::less<>> variables) {
    return [variables = std::move(variables)](std::string_view name) -> std::optional<std::string> {
        const auto found = variables.find(name);
        return found == variables.end() ? std::nullopt : std::optional{found->second};
    };
}

TEST(StateDir, FollowsTheXdgVariables) {
    const auto environment =
        with({{"XDG_STATE_HOME", "/s"}, {"XDG_CONFIG_HOME", "/c"}, {"HOME", "/h"}});
    EXPECT_EQ(state_directory(environment), "/s/pinhole");
    EXPECT_EQ(config_directory(environment), "/c/pinhole");
}

TEST(StateDir, FallsBackToHome) {
    const auto environment = with({{"HOME", "/h"}});
    EXPECT_EQ(state_directory(environment), "/h/.local/state/pinhole");
    EXPECT_EQ(config_directory(environment), "/h/.config/pinhole");
}

TEST(StateDir, IgnoresARelativeOrEmptyVariable) {
    EXPECT_EQ(state_directory(with({{"XDG_STATE_HOME", "s"}, {"HOME", "/h"}})),
              "/h/.local/state/pinhole");
    EXPECT_EQ(state_directory(with({{"XDG_STATE_HOME", ""}, {"HOME", "/h"}})),
              "/h/.local/state/pinhole");
}

TEST(StateDir, SaysWhatToSetWhenNothingIs) {
    try {
        static_cast<void>(state_directory(with({})));
        FAIL() << "there is no such directory";
    } catch (const std::runtime_error& error) {
        EXPECT_THAT(error.what(), HasSubstr("$XDG_STATE_HOME"));
        EXPECT_THAT(error.what(), HasSubstr("$HOME"));
    }
}

TEST(StateDir, OfTheServerIsTheGivenOneThenSystemdsThenTheUsers) {
    const auto service = with({{"STATE_DIRECTORY", "/var/lib/pinhole:/var/lib/b"}, {"HOME", "/h"}});
    EXPECT_EQ(server_state_directory("/given", service), "/given");
    EXPECT_EQ(server_state_directory({}, service), "/var/lib/pinhole");
    EXPECT_EQ(server_state_directory({}, with({{"HOME", "/h"}})),
              "/h/.local/state/pinhole/rendezvous");
    EXPECT_EQ(server_state_directory({}, with({{"HOME", "/h"}, {"STATE_DIRECTORY", ""}})),
              "/h/.local/state/pinhole/rendezvous");
}

TEST(StateDir, KeepsOneKeyForEachId) {
    EXPECT_EQ(identity_path("/s/pinhole", "alice"), "/s/pinhole/identities/alice.key");
    EXPECT_EQ(identity_path("/s", "a.b"), "/s/identities/a.b.key");
}

TEST(MakePrivateDirectory, MakesMissingParentsPrivateToo) {
    const TemporaryDirectory temporary;
    make_private_directory(temporary.path() / "a/b");
    EXPECT_EQ(mode_of(temporary.path() / "a"), fs::perms::owner_all);
    EXPECT_EQ(mode_of(temporary.path() / "a/b"), fs::perms::owner_all);
    make_private_directory(temporary.path() / "a/b");  // Again is fine.
}

TEST(MakePrivateDirectory, RefusesOneThatOthersMayWriteTo) {
    const TemporaryDirectory temporary;
    fs::permissions(temporary.path(), fs::perms::group_write, fs::perm_options::add);
    try {
        make_private_directory(temporary.path());
        FAIL() << "the group may write to it";
    } catch (const std::runtime_error& error) {
        EXPECT_THAT(error.what(), HasSubstr("chmod 700 " + temporary.path().string()));
    }
}

TEST(MakePrivateDirectory, SaysWhichOneCannotBeMade) {
    const TemporaryDirectory temporary;
    std::ofstream{temporary.path() / "file"} << "x";
    try {
        make_private_directory(temporary.path() / "file" / "below");
        FAIL() << "a file has no directories";
    } catch (const std::system_error& error) {
        EXPECT_THAT(error.what(), HasSubstr((temporary.path() / "file" / "below").string()));
    }
}

}  // namespace
}  // namespace pinhole::net::test
