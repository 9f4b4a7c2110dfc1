#include "rendezvous/store_worker.hpp"

#include <asio/executor_work_guard.hpp>
#include <asio/post.hpp>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include "tests/support/temporary_directory.hpp"

namespace pinhole::rendezvous {
namespace {

wire::Id numbered(int number) {
    return *wire::Id::parse("peer-" + std::to_string(number));
}
Claim claim_of(int number) {
    return {.id = numbered(number), .key = {}, .at = WallTime{std::chrono::days{1}}};
}

class StoreWorkerTest : public testing::Test {
  protected:
    StoreWorkerTest() {
        store.emplace(directory / "ids.sqlite");
        worker.emplace(loop, *store,
                       StoreWorker::Callbacks{
                           .on_committed = [this](const auto& of) { commits.push_back(of); },
                           .on_changed_elsewhere = [this](const auto& ids) { owned = ids; },
                           .on_failed = [](const std::string& why) { ADD_FAILURE() << why; }});
    }
    ~StoreWorkerTest() override {
        worker.reset();
        store.reset();
    }

    /// Lets the loop run until `count` transactions were answered.
    void wait_for_commits(std::size_t count) {
        while (commits.size() < count) loop.run_one();
    }
    /// What a process would find that looked now.
    [[nodiscard]] std::size_t stored() {
        return SqliteStore{directory / "ids.sqlite"}.all().size();
    }

    test::TemporaryDirectory root;
    std::filesystem::path directory = root.path();
    asio::io_context loop;
    /// Keeps the loop waiting while there is nothing for it to do.
    asio::executor_work_guard<asio::io_context::executor_type> work{loop.get_executor()};
    std::optional<SqliteStore> store;
    std::optional<StoreWorker> worker;
    std::vector<SqliteStore::Committed> commits;
    std::optional<std::vector<wire::Id>> owned;
};

TEST_F(StoreWorkerTest, SaysWhenAClaimIsOnTheDisk) {
    worker->add(claim_of(1));
    EXPECT_TRUE(commits.empty());
    wait_for_commits(1);
    ASSERT_EQ(commits[0].claims.size(), 1U);
    EXPECT_TRUE(commits[0].claims[0].stored);
    EXPECT_EQ(commits[0].claims[0].claim, claim_of(1));
    EXPECT_EQ(stored(), 1U);
}

TEST_F(StoreWorkerTest, WritesTogetherWhatComesMeanwhile) {
    for (int i = 0; i < 100; ++i) worker->add(claim_of(i));
    wait_for_commits(2);
    EXPECT_EQ(commits[0].claims.size(), 1U);
    EXPECT_EQ(commits[1].claims.size(), 99U);
    EXPECT_EQ(stored(), 100U);
}

TEST_F(StoreWorkerTest, LetsADateWaitForCompany) {
    worker->add(claim_of(1));
    wait_for_commits(1);
    const Touch touch{.id = numbered(1), .at = WallTime{std::chrono::days{2}}};
    worker->add(touch);
    EXPECT_EQ(loop.poll(), 0U);
    worker->look_for_changes();
    wait_for_commits(2);
    EXPECT_EQ(SqliteStore{directory / "ids.sqlite"}.all().at(0).last_proof, touch.at);
}

TEST_F(StoreWorkerTest, TellsWhatAnotherProcessLeft) {
    for (int i = 0; i < 3; ++i) worker->add(claim_of(i));
    wait_for_commits(2);
    SqliteStore other{directory / "ids.sqlite"};
    other.add(Unclaim{numbered(1)});
    ASSERT_TRUE(other.commit().failure.empty());
    worker->look_for_changes();
    while (!owned) loop.run_one();
    EXPECT_EQ(*owned, (std::vector{numbered(0), numbered(2)}));
}

TEST_F(StoreWorkerTest, WritesTheRestBeforeItEnds) {
    for (int i = 0; i < 10; ++i) worker->add(claim_of(i));
    worker->finish();
    EXPECT_EQ(stored(), 10U);
}

TEST_F(StoreWorkerTest, NeverHoldsUpTheLoop) {
    sqlite3* other = nullptr;
    ASSERT_EQ(sqlite3_open((directory / "ids.sqlite").c_str(), &other), SQLITE_OK);
    ASSERT_EQ(sqlite3_exec(other, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
    worker->add(claim_of(1));
    bool went_on = false;
    asio::post(loop, [&] { went_on = true; });
    loop.poll();
    EXPECT_TRUE(went_on);
    EXPECT_TRUE(commits.empty());
    ASSERT_EQ(sqlite3_exec(other, "ROLLBACK", nullptr, nullptr, nullptr), SQLITE_OK);
    sqlite3_close(other);
    wait_for_commits(1);
    EXPECT_TRUE(commits[0].claims.at(0).stored);
}

}  // namespace
}  // namespace pinhole::rendezvous
