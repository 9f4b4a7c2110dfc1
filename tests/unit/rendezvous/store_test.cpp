#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include "rendezvous/store_memory.hpp"
#include "rendezvous/store_sqlite.hpp"
#include "tests/support/seeded_random.hpp"
#include "tests/support/temporary_directory.hpp"

namespace pinhole::rendezvous {
namespace {

using testing::HasSubstr;

wire::Id id(std::string_view text) {
    return wire::Id::parse(text).value();
}
WallTime day(int number) {
    return WallTime{std::chrono::days{number}};
}

class Store : public testing::Test {
  protected:
    [[nodiscard]] std::string refusal() const {
        try {
            SqliteStore store(file);
        } catch (const StoreError& error) {
            return error.what();
        }
        return "none";
    }

    pinhole::test::SeededRandom random{5};
    crypto::PublicKey alice = crypto::KeyPair::generate(random).public_key;
    crypto::PublicKey bob = crypto::KeyPair::generate(random).public_key;
    test::TemporaryDirectory root;
    std::filesystem::path directory = root.path();
    std::filesystem::path file = directory / "ids.sqlite";
};

TEST_F(Store, SurvivesARestartAndAgreesWithTheOneInMemory) {
    const std::vector<StoreOp> ops{
        Claim{.id = id("alice"), .key = alice, .at = day(1)},
        Claim{.id = id("bob"), .key = bob, .at = day(1)},
        Touch{.id = id("alice"), .at = day(3)},
        Claim{.id = id("carol"), .key = alice, .at = day(4)},
        Claim{.id = id("bob"), .key = alice, .at = day(40)},  // bob's 30 days were over
        Unclaim{id("carol")},
        Touch{.id = id("nobody"), .at = day(5)},
    };
    MemoryStore memory;
    {
        SqliteStore store(file);
        for (const StoreOp& op : ops) {
            store.add(op);
            memory.apply(op);
        }
        EXPECT_TRUE(store.has_batch());
        const auto committed = store.commit();
        EXPECT_EQ(committed.failure, "");
        ASSERT_EQ(committed.claims.size(), 4U);
        EXPECT_TRUE(committed.claims[0].stored);
        EXPECT_EQ(committed.claims[0].claim.id, id("alice"));
        EXPECT_FALSE(store.has_batch());
    }
    SqliteStore reopened(file);
    EXPECT_EQ(reopened.all(), memory.all());
    ASSERT_EQ(memory.all().size(), 2U);
    EXPECT_EQ(memory.all()[0],
              (StoredBinding{
                  .id = id("alice"), .key = alice, .first_seen = day(1), .last_proof = day(3)}));
    EXPECT_EQ(memory.all()[1].key, alice);
}

TEST_F(Store, ForgetsWhatWasNotCommitted) {
    {
        SqliteStore store(file);
        store.add(Claim{.id = id("alice"), .key = alice, .at = day(1)});
    }
    EXPECT_TRUE(SqliteStore(file).all().empty());
}

TEST_F(Store, NoticesWhatAnotherProcessWrites) {
    SqliteStore server(file);
    server.add(Claim{.id = id("alice"), .key = alice, .at = day(1)});
    EXPECT_EQ(server.commit().failure, "");
    EXPECT_FALSE(server.changed_elsewhere());
    SqliteStore operator_tool(file);
    operator_tool.add(Unclaim{id("alice")});
    EXPECT_EQ(operator_tool.commit().failure, "");
    EXPECT_TRUE(server.changed_elsewhere());
    EXPECT_FALSE(server.changed_elsewhere());
    EXPECT_TRUE(server.all().empty());
}

TEST_F(Store, FailsAllClaimsOfABatchThatCannotBeWritten) {
    SqliteStore store(file);
    sqlite3* locker = nullptr;
    ASSERT_EQ(sqlite3_open(file.c_str(), &locker), SQLITE_OK);
    ASSERT_EQ(sqlite3_exec(locker, "BEGIN EXCLUSIVE", nullptr, nullptr, nullptr), SQLITE_OK);
    store.add(Claim{.id = id("alice"), .key = alice, .at = day(1)});
    const auto committed = store.commit();
    sqlite3_close(locker);
    EXPECT_THAT(committed.failure, HasSubstr("locked by another process"));
    ASSERT_EQ(committed.claims.size(), 1U);
    EXPECT_FALSE(committed.claims[0].stored);
    // The next batch is another matter.
    store.add(Claim{.id = id("alice"), .key = alice, .at = day(1)});
    EXPECT_TRUE(store.commit().claims.at(0).stored);
}

TEST_F(Store, RefusesADamagedFileWithTheNextCommand) {
    std::ofstream{file} << "this is no database, and never was one";
    EXPECT_THAT(refusal(), HasSubstr("is damaged or no database"));
    EXPECT_THAT(refusal(), HasSubstr("mv " + file.string()));
}

TEST_F(Store, RefusesALaterSchema) {
    {
        SqliteStore store(file);
    }
    sqlite3* later = nullptr;
    ASSERT_EQ(sqlite3_open(file.c_str(), &later), SQLITE_OK);
    ASSERT_EQ(sqlite3_exec(later, "PRAGMA user_version = 2", nullptr, nullptr, nullptr), SQLITE_OK);
    sqlite3_close(later);
    EXPECT_THAT(refusal(), HasSubstr("later version of rendezvous"));
}

TEST_F(Store, RefusesAPlaceItCannotWriteTo) {
    file = directory / "missing" / "ids.sqlite";
    EXPECT_THAT(refusal(), HasSubstr("cannot be opened"));
}

}  // namespace
}  // namespace pinhole::rendezvous
