#include "peer/files/partial.hpp"

#include <gmock/gmock.h>

#include "tests/support/seeded_random.hpp"
#include "tests/unit/peer/files/file_pair.hpp"

namespace pinhole::peer::files {
namespace {

namespace fs = std::filesystem;

constexpr PartialName kName{.sender = "bob", .directory = "/home/alice", .path = "a/b"};

Hash hash_of(std::uint8_t octet) {
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
        for (std::uint8_t i = 0; i < 5; ++i) ASSERT_TRUE(partial->note(i, hash_of(i)));
        ASSERT_TRUE(partial->keep(3));
    }
    const auto again = PartialStore{home_.path(), random_}.open(kName);
    ASSERT_TRUE(again);
    EXPECT_EQ(again->suffix(), suffix);
    EXPECT_EQ(again->hash_of(2), hash_of(2));
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
    for (const char* content : {"", "pinhole partial 1 ", "pinhole partial 1 0123ABCD\n",
                                "pinhole partial 1 ../../x\n", "something else altogether, long"}) {
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
    ASSERT_TRUE(partial->note(0, hash_of(1)));
    ASSERT_TRUE(partial->restart(random_));
    EXPECT_NE(partial->suffix(), before);
    EXPECT_EQ(partial->hash_of(0), std::nullopt);
}

}  // namespace
}  // namespace pinhole::peer::files
