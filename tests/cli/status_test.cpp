// What a running peer answers: `status` and `wait`.
#include <csignal>

#include <gmock/gmock.h>

#include "tests/cli/programs.hpp"

namespace pinhole::cli {
namespace {

using ::testing::HasSubstr;

class Status : public ProgramsTest {
  protected:
    Process& ask(std::vector<std::string> words) {
        words.insert(words.begin(), "status");
        return run_peer("shared", std::move(words));
    }
    Process& wait_for(std::vector<std::string> words) {
        words.insert(words.begin(), "wait");
        return start_peer("shared", std::move(words));
    }
    /// A peer of the same user as all others here.
    Process& start(const std::string& id, std::vector<std::string> words = {}) {
        words.insert(words.begin(), {"--id", id, "--via", via()});
        return start_peer("shared", std::move(words));
    }
};

TEST_F(Status, OfNobodyIsAnErrorWithTheNextCommand) {
    Process& status = ask({});
    EXPECT_EQ(status_of(status), 1);
    EXPECT_TRUE(says(status, Stream::kErr, "start one: peer --id NAME --via HOST"));
    EXPECT_THAT(lines_of(status, Stream::kOut), ::testing::IsEmpty());
}

TEST_F(Status, TellsWhoRunsAndWhoIsConnected) {
    start_rendezvous();
    Process& alice = start("alice");
    ASSERT_TRUE(says(alice, Stream::kErr, "rendezvous ok"));
    Process& waiting = wait_for({"--id", "alice", "--timeout", "20", "bob"});
    Process& bob = start("bob", {"alice"});
    EXPECT_EQ(status_of(waiting), 0);
    Process& text = ask({});
    EXPECT_EQ(status_of(text), 0);
    EXPECT_TRUE(says(text, Stream::kOut, "alice pk:"));
    EXPECT_TRUE(says(text, Stream::kOut, "bob pk:"));
    EXPECT_TRUE(says(text, Stream::kOut, "rendezvous " + via() + ": registered"));
    Process& json = ask({"--json", "--id", "alice"});
    ASSERT_EQ(status_of(json), 0);
    const auto lines = lines_of(json, Stream::kOut);
    ASSERT_EQ(lines.size(), 1U);
    const Json object = Json::parse(lines.front());
    EXPECT_EQ(object["v"], 1);
    EXPECT_EQ(object["event"], "status");
    EXPECT_EQ(object["id"], "alice");
    EXPECT_EQ(object["registered"], true);
    ASSERT_EQ(object["peers"].size(), 1U);
    EXPECT_EQ(object["peers"][0]["peer"], "bob");
    EXPECT_EQ(object["peers"][0]["connected"], true);
    bob.send_signal(SIGTERM);
    EXPECT_EQ(status_of(bob), 143);
    alice.close_input();
    EXPECT_EQ(status_of(alice), 0);
    EXPECT_EQ(status_of(ask({})), 1) << "both took their sockets with them";
}

TEST_F(Status, WaitsForAPeerThatDoesNotRunYet) {
    start_rendezvous();
    Process& waiting = wait_for({"--timeout", "20", "bob"});
    start("alice");
    start_chat("bob", {"alice"});
    EXPECT_EQ(status_of(waiting), 0);
}

TEST_F(Status, GivesUpWaitingAfterTheTimeout) {
    start_rendezvous();
    Process& alice = start("alice");
    ASSERT_TRUE(says(alice, Stream::kErr, "rendezvous ok"));
    Process& waiting = wait_for({"--timeout", "1", "bob"});
    EXPECT_EQ(status_of(waiting), 7);
    EXPECT_TRUE(says(waiting, Stream::kErr, "bob is not connected after 1 s"));
}

TEST_F(Status, TakesThePlaceOfAProcessThatWasKilled) {
    start_rendezvous();
    Process& killed = start("alice");
    ASSERT_TRUE(says(killed, Stream::kErr, "rendezvous ok"));
    killed.send_signal(SIGKILL);
    static_cast<void>(status_of(killed));
    EXPECT_EQ(status_of(ask({})), 1);
    Process& alice = start("alice");
    ASSERT_TRUE(says(alice, Stream::kErr, "rendezvous ok"));
    EXPECT_EQ(status_of(ask({})), 0);
}

TEST_F(Status, OfAStoppedProcessIsNotWaitedForForLong) {
    start_rendezvous();
    Process& alice = start("alice");
    ASSERT_TRUE(says(alice, Stream::kErr, "rendezvous ok"));
    alice.send_signal(SIGSTOP);
    Process& status = ask({});
    EXPECT_EQ(status_of(status), 0);
    EXPECT_TRUE(says(status, Stream::kErr, "alice runs and does not answer"));
    alice.send_signal(SIGCONT);
}

}  // namespace
}  // namespace pinhole::cli
