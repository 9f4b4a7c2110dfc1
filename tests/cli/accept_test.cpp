// Whose calls are taken: --accept all, known or none.
#include <gmock/gmock.h>

#include "tests/cli/programs.hpp"

namespace pinhole::cli {
namespace {

class Accept : public ProgramsTest {
  protected:
    Process& start_alice(const std::string& whose) {
        Process& alice = start_chat("alice", {"--accept", whose});
        EXPECT_TRUE(says(alice, Stream::kErr, "rendezvous ok"));
        return alice;
    }

    /// What a one shot of `from` to alice ends with.
    Process& message(const std::string& from) {
        return run_peer(from, {"--id", from, "--via", via(), "--message", "hi", "alice"});
    }
};

TEST_F(Accept, NoneTakesNoCallAndLooksLikeAbsence) {
    start_rendezvous();
    Process& nobody = message("bob");
    ASSERT_EQ(status_of(nobody), 4);
    Process& alice = start_alice("none");
    Process& bob = message("bob");
    EXPECT_EQ(status_of(bob), 4);
    EXPECT_EQ(lines_of(bob, Stream::kErr).back(), lines_of(nobody, Stream::kErr).back())
        << "a caller cannot tell the two apart";
    EXPECT_TRUE(says(alice, Stream::kErr, "refused a call of bob pk:"));
}

TEST_F(Accept, NoneStillCallsOthers) {
    start_rendezvous();
    Process& bob = start_chat("bob", {});
    ASSERT_TRUE(says(bob, Stream::kErr, "rendezvous ok"));
    Process& alice = start_chat("alice", {"--accept", "none", "bob"});
    alice.write_line("my call");
    EXPECT_TRUE(says(bob, Stream::kOut, "alice: my call"));
}

TEST_F(Accept, KnownTakesThoseWhoseKeyIsKnownAndNobodyElse) {
    start_rendezvous();
    // Alice gets to know bob by calling him.
    Process& bob = start_chat("bob", {});
    ASSERT_TRUE(says(bob, Stream::kErr, "rendezvous ok"));
    Process& first = run_peer("alice", {"--id", "alice", "--via", via(), "--message", "hi", "bob"});
    ASSERT_EQ(status_of(first), 0);
    bob.close_input();
    ASSERT_EQ(status_of(bob), 0);
    Process& alice = start_alice("known");
    EXPECT_EQ(status_of(message("bob")), 0);
    EXPECT_TRUE(says(alice, Stream::kOut, "bob: hi"));
    EXPECT_EQ(status_of(message("carol")), 4);
    EXPECT_TRUE(says(alice, Stream::kErr, "refused a call of carol pk:"));
    for (const std::string& line : lines_of(alice, Stream::kOut)) EXPECT_EQ(line, "bob: hi");
}

}  // namespace
}  // namespace pinhole::cli
