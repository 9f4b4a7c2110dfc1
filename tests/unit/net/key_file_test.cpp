#include "shared/net/key_file.hpp"

#include <fstream>
#include <functional>
#include <iterator>
#include <optional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/crypto/sodium.hpp"
#include "tests/support/seeded_random.hpp"
#include "tests/support/temporary_directory.hpp"

namespace pinhole::net::test {
namespace {

using pinhole::test::mode_of;
using pinhole::test::TemporaryDirectory;

namespace fs = std::filesystem;
using ::pinhole::test::SeededRandom;
using ::testing::HasSubstr;

class KeyFileTest : public ::testing::Test {
  protected:
    KeyFileTest() { crypto::initialize(); }

    [[nodiscard]] IdentityFile load() { return IdentityFile::load_or_create(path_, random_); }

    /// Makes the key and lets go of it.
    crypto::PublicKey make() { return load().keys().public_key; }

    /// The text of the KeyFileError that loading throws.
    std::string refusal() {
        try {
            static_cast<void>(load());
        } catch (const KeyFileError& error) {
            return error.what();
        }
        ADD_FAILURE() << "the key file was accepted";
        return {};
    }

    std::string read() {
        std::ifstream file{path_};
        return {std::istreambuf_iterator<char>{file}, {}};
    }
    void overwrite(const std::string& text) { std::ofstream{path_, std::ios::trunc} << text; }

    TemporaryDirectory temporary_;
    fs::path path_ = temporary_.path() / "pinhole/identities/alice.key";
    SeededRandom random_{20'240};
};

TEST_F(KeyFileTest, MakesAKeyThatLoadsAgain) {
    std::optional<crypto::PublicKey> made;
    {
        const IdentityFile fresh = load();
        EXPECT_TRUE(fresh.is_new());
        made = fresh.keys().public_key;
    }
    const IdentityFile again = load();
    EXPECT_FALSE(again.is_new());
    EXPECT_EQ(again.keys().public_key, *made);
}

TEST_F(KeyFileTest, KeepsTheKeyToItsOwner) {
    make();
    EXPECT_EQ(mode_of(path_), fs::perms::owner_read | fs::perms::owner_write);
    EXPECT_EQ(mode_of(path_.parent_path()), fs::perms::owner_all);
    EXPECT_EQ(mode_of(path_.parent_path().parent_path()), fs::perms::owner_all);
}

TEST_F(KeyFileTest, LeavesNothingButTheKey) {
    make();
    const fs::directory_iterator entries{path_.parent_path()};
    EXPECT_EQ(std::distance(begin(entries), end(entries)), 1);
}

TEST_F(KeyFileTest, ASecondProcessWithTheSameIdIsRefused) {
    const IdentityFile held = load();
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        try {
            static_cast<void>(load());
            ::_exit(1);
        } catch (const IdentityInUse& error) {
            const bool names_it = std::string{error.what()}.find("alice.key") != std::string::npos;
            ::_exit(names_it ? 0 : 2);
        } catch (...) {
            ::_exit(3);
        }
    }
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST_F(KeyFileTest, TheLockMovesWithItsOwnerAndEndsWithIt) {
    std::optional<IdentityFile> owner;
    {
        IdentityFile first = load();
        owner.emplace(std::move(first));
    }
    EXPECT_THROW(static_cast<void>(load()), IdentityInUse);
    owner.reset();
    EXPECT_NO_THROW(static_cast<void>(load()));
}

TEST_F(KeyFileTest, AKeyIsShownWhileAnotherProcessUsesIt) {
    const ShownIdentity fresh = show_identity(path_, random_);
    EXPECT_TRUE(fresh.is_new);
    const IdentityFile used = load();
    EXPECT_EQ(used.keys().public_key, fresh.public_key);
    const ShownIdentity again = show_identity(path_, random_);
    EXPECT_FALSE(again.is_new);
    EXPECT_EQ(again.public_key, fresh.public_key);
}

TEST_F(KeyFileTest, RefusesAKeyThatOthersMayOpen) {
    make();
    for (const fs::perms bit : {fs::perms::group_read, fs::perms::group_write,
                                fs::perms::others_read, fs::perms::others_exec}) {
        fs::permissions(path_, fs::perms::owner_read | bit);
        EXPECT_THAT(refusal(), HasSubstr("chmod 600 " + path_.string()));
    }
    fs::permissions(path_, fs::perms::owner_read);
    EXPECT_NO_THROW(static_cast<void>(load()));
}

TEST_F(KeyFileTest, RefusesADamagedKeyAndKeepsIt) {
    make();
    const std::string good = read();
    std::string flipped = good;
    flipped[good.size() / 2] = flipped[good.size() / 2] == 'a' ? 'b' : 'a';
    const std::string cut = good.substr(0, good.size() / 2);
    for (const std::string& bad : {flipped, cut, std::string{}, std::string(100'000, 'a')}) {
        overwrite(bad);
        const std::string text = refusal();
        EXPECT_THAT(text, HasSubstr(path_.string()));
        EXPECT_THAT(text, HasSubstr("mv "));
        EXPECT_EQ(read(), bad);
    }
    overwrite(good);
    EXPECT_NO_THROW(static_cast<void>(load()));
}

TEST_F(KeyFileTest, RefusesASymbolicLink) {
    make();
    const fs::path elsewhere = path_.parent_path() / "elsewhere";
    fs::rename(path_, elsewhere);
    fs::create_symlink(elsewhere, path_);
    EXPECT_THAT(refusal(), HasSubstr("symbolic link"));
}

TEST_F(KeyFileTest, RefusesWhatIsNoFile) {
    fs::create_directories(path_.parent_path());
    ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
    EXPECT_THAT(refusal(), HasSubstr("regular file"));
}

/// Does something in the middle of the making of a key, as another process would.
class InterruptingRandom final : public Random {
  public:
    InterruptingRandom(Random& real, std::function<void()> once)
        : real_(real), once_(std::move(once)) {}

    void fill(MutableBytes out) override {
        if (const auto act = std::exchange(once_, nullptr)) act();
        real_.fill(out);
    }

  private:
    Random& real_;
    std::function<void()> once_;
};

TEST_F(KeyFileTest, NeverReplacesAKeyThatAppearedMeanwhile) {
    std::optional<crypto::PublicKey> other;
    InterruptingRandom interrupted{random_, [&] { other = make(); }};
    const IdentityFile loaded = IdentityFile::load_or_create(path_, interrupted);
    EXPECT_FALSE(loaded.is_new());
    EXPECT_EQ(loaded.keys().public_key, *other);
}

TEST_F(KeyFileTest, AGroupKeyIsMadeOnceAndLoadsAgain) {
    create_group_key(path_, random_);
    EXPECT_EQ(mode_of(path_), fs::perms::owner_read | fs::perms::owner_write);
    const crypto::Psk first = load_group_key(path_);
    EXPECT_TRUE(crypto::equal_in_constant_time(first.bytes(), load_group_key(path_).bytes()));
    EXPECT_THROW(create_group_key(path_, random_), KeyFileError);
    EXPECT_TRUE(crypto::equal_in_constant_time(first.bytes(), load_group_key(path_).bytes()));
}

TEST_F(KeyFileTest, AGroupKeyIsNoIdentity) {
    create_group_key(path_, random_);
    EXPECT_THAT(refusal(), HasSubstr(path_.string()));
    fs::remove(path_);
    make();
    EXPECT_THROW(static_cast<void>(load_group_key(path_)), KeyFileError);
}

TEST_F(KeyFileTest, AMissingGroupKeyIsNamed) {
    try {
        static_cast<void>(load_group_key(path_));
        FAIL() << "there is none";
    } catch (const std::system_error& error) {
        EXPECT_EQ(error.code(), std::errc::no_such_file_or_directory);
        EXPECT_THAT(error.what(), HasSubstr(path_.string()));
    }
}

}  // namespace
}  // namespace pinhole::net::test
