// How the tool ends, which is what scripts decide by.
#include <csignal>
#include <fstream>

#include <gmock/gmock.h>

#include "tests/cli/programs.hpp"

namespace pinhole::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

class ExitCode : public ProgramsTest {
  protected:
    Process& message(const std::string& state, const std::string& id, const std::string& to) {
        return run_peer(state, {"--id", id, "--via", via(), "--message", "hi", to});
    }

    void start_alice() {
        Process& alice = start_chat("alice", {});
        ASSERT_TRUE(says(alice, Stream::kErr, "rendezvous ok"));
    }
};

TEST_F(ExitCode, HelpAndVersionAreDataAndThatIs0) {
    for (const char* word : {"help", "--help"}) {
        Process& help = run_peer("any", {word});
        EXPECT_EQ(status_of(help), 0);
        EXPECT_THAT(lines_of(help, Stream::kOut).at(0), StartsWith("example:  peer"));
        EXPECT_THAT(lines_of(help, Stream::kErr), IsEmpty());
    }
    for (const char* word : {"version", "--version"}) {
        Process& version = run_peer("any", {word});
        EXPECT_EQ(status_of(version), 0);
        EXPECT_THAT(lines_of(version, Stream::kOut), ElementsAre(StartsWith("peer ")));
    }
}

TEST_F(ExitCode, UsageErrorIs2InTwoLinesOnStderr) {
    Process& peer = run_peer("any", {"--no-such-option"});
    EXPECT_EQ(status_of(peer), 2);
    EXPECT_THAT(lines_of(peer, Stream::kErr), SizeIs(2));
    EXPECT_THAT(lines_of(peer, Stream::kOut), IsEmpty());
}

TEST_F(ExitCode, ConfigurationThatMakesNoSenseIs2AndNamesFileAndLine) {
    const auto directory = folder("bob") / ".config/pinhole";
    std::filesystem::create_directories(directory);
    std::ofstream{directory / "config.toml"} << "id = 'bob'\nvai = 'x'\n";
    Process& peer = run_peer("bob", {"alice"});
    EXPECT_EQ(status_of(peer), 2);
    EXPECT_TRUE(says(peer, Stream::kErr, "config.toml:2: no verb has an option 'vai'"));
    EXPECT_EQ(status_of(run_peer("bob", {"help"})), 0);
}

TEST_F(ExitCode, SilentRendezvousIs3) {
    Process& peer = message("bob", "bob", "alice");
    EXPECT_EQ(status_of(peer), 3);
    EXPECT_TRUE(says(peer, Stream::kErr, "did not answer"));
    EXPECT_TRUE(says(peer, Stream::kErr, "sudo ufw allow"));
}

TEST_F(ExitCode, OfflinePeerIs4) {
    start_rendezvous();
    Process& peer = message("bob", "bob", "nobody");
    EXPECT_EQ(status_of(peer), 4);
    EXPECT_TRUE(says(peer, Stream::kErr, "nobody is not online"));
}

TEST_F(ExitCode, OfflinePeerThatIsWaitedForIs7) {
    start_rendezvous();
    Process& peer = run_peer("bob", {"--id", "bob", "--via", via(), "--message", "hi", "--wait",
                                     "--timeout", "1", "nobody"});
    EXPECT_EQ(status_of(peer), 7);
}

TEST_F(ExitCode, TakenNameIs6) {
    start_rendezvous();
    start_alice();
    Process& impostor = message("impostor", "alice", "bob");
    EXPECT_EQ(status_of(impostor), 6);
    EXPECT_TRUE(says(impostor, Stream::kErr, "belongs to another key"));
}

TEST_F(ExitCode, ChangedServerKeyIs6AndReplaceableByTheCommandShown) {
    Process& before = start_rendezvous("rendezvous");
    ASSERT_EQ(status_of(message("bob", "bob", "nobody")), 4);
    before.send_signal(SIGTERM);
    ASSERT_EQ(status_of(before), 0);
    start_rendezvous("another");
    Process& refused = message("bob", "bob", "nobody");
    EXPECT_EQ(status_of(refused), 6);
    std::string command;
    for (const std::string& line : lines_of(refused, Stream::kErr)) {
        const auto at = line.find("peer trust replace ");
        if (at != std::string::npos) command = line.substr(at);
    }
    ASSERT_THAT(command, HasSubstr("rv:"));
    const std::string key = command.substr(command.find("rv:"));
    EXPECT_EQ(status_of(run_peer("bob", {"trust", "replace", via(), key})), 0);
    EXPECT_EQ(status_of(message("bob", "bob", "nobody")), 4) << "now the new key is known";
}

TEST_F(ExitCode, ChangedPeerKeyIs6AndReplaceableByTheCommandShown) {
    start_rendezvous();
    start_alice();
    // What bob knew of alice was another key.
    Process& listed = message("bob", "bob", "alice");
    ASSERT_EQ(status_of(listed), 0);
    Process& other = run_peer("other", {"id", "--id", "other"});
    const std::string key =
        lines_of(other, Stream::kOut).at(0).substr(std::string{"other "}.size());
    ASSERT_EQ(status_of(run_peer("bob", {"trust", "replace", "alice", key})), 0);
    Process& refused = message("bob", "bob", "alice");
    EXPECT_EQ(status_of(refused), 6);
    EXPECT_TRUE(says(refused, Stream::kErr, "known since"));
    EXPECT_TRUE(says(refused, Stream::kErr, key));
    EXPECT_TRUE(says(refused, Stream::kErr, "peer trust replace alice pk:"));
    ASSERT_EQ(status_of(run_peer("bob", {"trust", "remove", "alice"})), 0);
    EXPECT_EQ(status_of(message("bob", "bob", "alice")), 0);
}

TEST_F(ExitCode, DifferentGroupKeysAre6) {
    start_rendezvous();
    start_alice();
    const std::string psk = folder("bob") / "group.key";
    ASSERT_EQ(status_of(run_peer("bob", {"id", "--new-psk", psk})), 0);
    Process& bob = run_peer(
        "bob", {"--id", "bob", "--via", via(), "--psk-file", psk, "--message", "hi", "alice"});
    EXPECT_EQ(status_of(bob), 6);
    EXPECT_TRUE(says(bob, Stream::kErr, "--psk-file"));
}

TEST_F(ExitCode, UsedUpBudgetOfTheRendezvousIs8) {
    start_rendezvous();
    start_alice();
    // Each claim of a taken name is suspicious, and one address has 30 of those, and one more every
    // two seconds. So they come several at a time, but not so many that handshakes are refused.
    constexpr int kRounds = 12;
    constexpr int kAtOnce = 6;
    int refused = 0;
    for (int round = 0; round < kRounds && refused == 0; ++round) {
        std::vector<Process*> impostors;
        for (int i = 0; i < kAtOnce; ++i) {
            impostors.push_back(
                &start_peer("impostor" + std::to_string(i),
                            {"--id", "alice", "--via", via(), "--message", "hi", "bob"}));
        }
        for (Process* impostor : impostors) {
            const int status = status_of(*impostor);
            // 3: the budget for handshakes was used up before, so it heard nothing.
            ASSERT_THAT(status, ::testing::AnyOf(6, 8, 3));
            if (status != 8) continue;
            ++refused;
            EXPECT_TRUE(says(*impostor, Stream::kErr, "refused: too many requests from here"));
        }
    }
    EXPECT_GT(refused, 0);
}

TEST_F(ExitCode, SecondProcessOfOneNameIs1) {
    start_rendezvous();
    start_alice();
    Process& second = run_peer("alice", {"--id", "alice", "--via", via()});
    EXPECT_EQ(status_of(second), 1);
    EXPECT_TRUE(says(second, Stream::kErr, "another process uses the identity"));
}

TEST_F(ExitCode, InterruptIs130AndTerminationIs143) {
    start_rendezvous();
    for (const auto& [number, status] : {std::pair{SIGINT, 130}, {SIGTERM, 143}}) {
        Process& alice = start_chat("alice", {});
        ASSERT_TRUE(says(alice, Stream::kErr, "rendezvous ok"));
        Process& bob = start_chat("bob", {"alice"});
        ASSERT_TRUE(says(bob, Stream::kErr, "bob -> alice: rendezvous ok"));
        bob.send_signal(number);
        EXPECT_EQ(status_of(bob), status);
        EXPECT_TRUE(says(alice, Stream::kErr, "bob left"));
        alice.send_signal(number);
        EXPECT_EQ(status_of(alice), status);
    }
}

TEST_F(ExitCode, SecondSignalEndsAtOnce) {
    start_rendezvous();
    Process& alice = start_chat("alice", {});
    ASSERT_TRUE(says(alice, Stream::kErr, "rendezvous ok"));
    // Both signals are there when it goes on. The one that the kernel delivers last, whose function
    // is the first to run, would end it in good order; the other one is the second to run.
    for (const int number : {SIGSTOP, SIGINT, SIGTERM, SIGCONT}) alice.send_signal(number);
    EXPECT_EQ(status_of(alice), 130);
}

TEST_F(ExitCode, IdAndTrustListShowWhatIsKnown) {
    start_rendezvous();
    start_alice();
    ASSERT_EQ(status_of(message("bob", "bob", "alice")), 0);
    Process& listed = run_peer("bob", {"trust", "list"});
    EXPECT_EQ(status_of(listed), 0);
    EXPECT_THAT(lines_of(listed, Stream::kOut),
                ElementsAre(StartsWith("alice pk:"), StartsWith(via() + " rv:")));
    EXPECT_EQ(status_of(run_peer("bob", {"trust", "remove", "carol"})), 1);
}

}  // namespace
}  // namespace pinhole::cli
