#include "peer/files/partial.hpp"

#include <gmock/gmock.h>

#include "tests/support/seeded_random.hpp"
#include "tests/unit/peer/files/file_pair.hpp"

namespace pinhole::peer::files {
namespace {

namespace fs = std::filesystem;

constexpr PartialName kName{.sender = "bob", .directory = "/home/alice", .path = "a/b"};

Hash hash_filled_with(std::uint8_t octet) {
    Hash out{};
    out.fill(std::byte{octet});
    return out;
}

class Partials : public ::testing::Test {
  protected:
    Partials() { fs::permissions(home_.path(), fs::perms::owner_all); }

    [[nodiscard]] fs::path only_file() const {
        return fs::directory_iterator{home_.path() / "partials"} -> path();
    }

    pinhole::test::TemporaryDirectory home_;
    pinhole::test::SeededRandom random_{1};
    PartialStore store_{home_.path(), random_};
};

TEST_F(Partials, RememberTheirChunksAndTheirName) {
    std::string suffix;
    {
        auto partial = store_.open(kName);
        ASSERT_TRUE(partial);
        suffix = partial->suffix();
        EXPECT_EQ(suffix.size(), 8U);
        EXPECT_EQ(partial->hash_of(0), std::nullopt);
        for (std::uint8_t i = 0; i < 5; ++i) ASSERT_TRUE(partial->note(i, hash_filled_with(i)));
        ASSERT_TRUE(partial->keep(3));
    }
    const auto again = PartialStore{home_.path(), random_}.open(kName);
    ASSERT_TRUE(again);
    EXPECT_EQ(again->suffix(), suffix);
    EXPECT_EQ(again->hash_of(2), hash_filled_with(2));
    EXPECT_EQ(again->hash_of(3), std::nullopt);
    EXPECT_EQ(pinhole::test::mode_of(only_file()), fs::perms::owner_read | fs::perms::owner_write);
}

TEST_F(Partials, OneTransferHoldsOne) {
    auto partial = store_.open(kName);
    ASSERT_TRUE(partial);
    EXPECT_EQ(store_.open(kName).error(), std::errc::device_or_resource_busy);
    EXPECT_TRUE(store_.open({.sender = "carol", .directory = "/home/alice", .path = "a/b"}));
    EXPECT_TRUE(store_.open({.sender = "bob", .directory = "/home/alice/a", .path = "b"}));
    partial->remove();
    EXPECT_TRUE(store_.open(kName)) << "a removed one holds nobody up";
}

TEST_F(Partials, AnUnknownContentBeginsAnew) {
    for (const char* content :
         {"", "pinhole partial 2 ", "pinhole partial 1 0123abcd\n",
          "pinhole partial 2 0123ABCD 00000\n", "pinhole partial 2 ../../xy 00000\n",
          "pinhole partial 2 0123abcd 00000\n", "pinhole partial 2 0123abcd 99999\n/home/alice",
          "something else altogether, long"}) {
        {
            ASSERT_TRUE(store_.open(kName));
        }
        test::write_file(only_file(), content);
        const auto partial = store_.open(kName);
        ASSERT_TRUE(partial) << content;
        EXPECT_EQ(partial->suffix().find_first_not_of("0123456789abcdef"), std::string::npos);
        EXPECT_EQ(partial->hash_of(0), std::nullopt);
    }
}

TEST_F(Partials, ARestartTakesAnotherPartFile) {
    auto partial = store_.open(kName);
    const std::string before = partial->suffix();
    ASSERT_TRUE(partial->note(0, hash_filled_with(1)));
    ASSERT_TRUE(partial->restart(random_));
    EXPECT_NE(partial->suffix(), before);
    EXPECT_EQ(partial->hash_of(0), std::nullopt);
}

/// Two halves of files in a directory, one of which was last written to long ago.
class Pruning : public Partials {
  protected:
    Pruning() {
        fs::create_directories(files("sub"));
        for (const char* path : {"sub/old", "new"}) {
            auto partial = store_.open({.sender = "bob", .directory = dir_, .path = path});
            EXPECT_TRUE(partial->note(0, hash_filled_with(1)));
            const fs::path file{path};
            part(path) =
                files(file.parent_path() / part_name(file.filename().string(), partial->suffix()));
            test::write_file(part(path), "half of it");
            if (path != std::string_view{"new"}) age(only_file());
        }
    }
    [[nodiscard]] fs::path files(const fs::path& path = {}) const { return fs::path{dir_} / path; }
    fs::path& part(const std::string& path) { return parts_[path]; }
    static void age(const fs::path& path) {
        fs::last_write_time(path, fs::file_time_type::clock::now() - 2 * kPartialLife);
    }
    std::size_t prune() { return store_.prune(fs::file_time_type::clock::now() - kPartialLife); }
    [[nodiscard]] std::size_t left() const {
        return static_cast<std::size_t>(
            std::distance(fs::directory_iterator{home_.path() / "partials"}, {}));
    }

  private:
    std::string dir_ = (home_.path() / "files").string();
    std::map<std::string, fs::path> parts_;
};

TEST_F(Pruning, WhatNobodyGoesOnWithIsRemovedWithItsPart) {
    test::write_file(files("sub/.old.part-00000000"), "somebody else's");
    EXPECT_EQ(prune(), 1U);
    EXPECT_FALSE(fs::exists(part("sub/old")));
    EXPECT_TRUE(fs::exists(part("new")));
    EXPECT_TRUE(fs::exists(files("sub/.old.part-00000000")));
    EXPECT_EQ(left(), 1U);
    EXPECT_EQ(prune(), 0U);
}

TEST_F(Pruning, WhatATransferHoldsIsLeft) {
    const auto held = store_.open(
        {.sender = "bob", .directory = files().parent_path().string(), .path = "sub/old"});
    ASSERT_TRUE(held);
    EXPECT_EQ(prune(), 0U);
    EXPECT_TRUE(fs::exists(part("sub/old")));
}

TEST_F(Pruning, NothingElseIsRemovedInItsPlace) {
    const fs::path outside = home_.path() / "outside";
    test::write_file(outside / part("sub/old").filename(), "untouched");
    fs::remove_all(files("sub"));
    fs::create_directory_symlink(outside, files("sub"));
    EXPECT_EQ(prune(), 1U);
    EXPECT_EQ(test::read_file(outside / part("sub/old").filename()), "untouched");
}

}  // namespace
}  // namespace pinhole::peer::files
