// Keys that people compare, pin and change.
#include <gmock/gmock.h>

#include "tests/cli/programs.hpp"

namespace pinhole::cli {
namespace {

using ::testing::HasSubstr;

class Trust : public ProgramsTest {
  protected:
    /// "pk:..." of a peer, which gets one if it has none.
    std::string key_of(const std::string& id) {
        Process& process = run_peer(id, {"id", "--id", id});
        EXPECT_EQ(status_of(process), 0);
        return lines_of(process, Stream::kOut).at(0).substr(id.size() + 1);
    }
    Process& message(const std::string& pin) {
        return run_peer("bob", {"--id", "bob", "--via", via(), "--pin", pin, "--timeout", "20",
                                "--message", "hi", "alice"});
    }
};

TEST_F(Trust, WordsAreEqualOnBothSides) {
    start_rendezvous();
    Process& alice = start_chat("alice", {});
    ASSERT_TRUE(says(alice, Stream::kErr, "rendezvous ok"));
    Process& bob = run_peer("bob", {"--id", "bob", "--via", via(), "--message", "hi", "alice"});
    ASSERT_EQ(status_of(bob), 0);
    Process& hers = run_peer("alice", {"trust", "verify", "--id", "alice", "bob"});
    Process& his = run_peer("bob", {"trust", "verify", "--id", "bob", "alice"});
    ASSERT_EQ(status_of(hers), 0);
    ASSERT_EQ(status_of(his), 0);
    EXPECT_EQ(lines_of(hers, Stream::kOut).size(), 3U);
    EXPECT_EQ(lines_of(hers, Stream::kOut), lines_of(his, Stream::kOut));
    EXPECT_TRUE(says(his, Stream::kErr, "alice runs: peer trust verify --id alice bob"));
}

TEST_F(Trust, ThereAreNoWordsForAStranger) {
    Process& verify = run_peer("bob", {"trust", "verify", "--id", "bob", "carol"});
    EXPECT_EQ(status_of(verify), 1);
    EXPECT_TRUE(says(verify, Stream::kErr, "no key of 'carol' is known"));
}

TEST_F(Trust, APinLetsItsKeyInAndNoOther) {
    start_rendezvous();
    const std::string key = key_of("alice");
    Process& alice = start_chat("alice", {});
    ASSERT_TRUE(says(alice, Stream::kErr, "rendezvous ok"));
    Process& wrong = message("alice=" + key_of("mallory"));
    EXPECT_EQ(status_of(wrong), 6);
    EXPECT_TRUE(says(wrong, Stream::kErr, key)) << "both keys are shown";
    EXPECT_EQ(status_of(message("alice=" + key)), 0);
    EXPECT_TRUE(says(alice, Stream::kOut, "bob: hi"));
}

TEST_F(Trust, APinOfTheRendezvousRefusesAnother) {
    start_rendezvous();
    std::string other = key_of("mallory");
    other.replace(0, 2, "rv");
    Process& bob = message(other);
    EXPECT_EQ(status_of(bob), 6);
}

TEST_F(Trust, APinThatIsNoKeyIsAUsageError) {
    Process& bob = message("alice=secret");
    EXPECT_EQ(status_of(bob), 2);
    EXPECT_TRUE(says(bob, Stream::kErr, "--pin is PEER=pk:... or rv:..."));
}

TEST_F(Trust, AnotherGroupKeyDoesNotBecomeOursByWaiting) {
    start_rendezvous();
    for (const char* who : {"alice", "bob"}) {
        ASSERT_EQ(status_of(run_peer(who, {"id", "--new-psk", folder(who) / "group.key"})), 0);
    }
    const auto key_file = [this](const char* who) { return (folder(who) / "group.key").string(); };
    Process& alice = start_chat("alice", {"--psk-file", key_file("alice")});
    ASSERT_TRUE(says(alice, Stream::kErr, "rendezvous ok"));
    Process& bob = run_peer("bob", {"ping", "--id", "bob", "--via", via(), "--psk-file",
                                    key_file("bob"), "--wait", "alice"});
    EXPECT_EQ(status_of(bob), 6);
}

TEST_F(Trust, AnIdentityIsShownAsACode) {
    Process& id = run_peer("bob", {"id", "--id", "bob", "--qr"});
    EXPECT_EQ(status_of(id), 0);
    const auto lines = lines_of(id, Stream::kOut);
    ASSERT_GT(lines.size(), 20U);
    EXPECT_THAT(lines.front(), HasSubstr("bob pk:"));
    EXPECT_THAT(lines[3], HasSubstr("█▀▀▀▀▀█"));
}

}  // namespace
}  // namespace pinhole::cli
