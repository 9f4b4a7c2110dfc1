// Rooms: members find each other, talk to all and to one, and see who comes and goes.
#include <csignal>

#include <gmock/gmock.h>

#include "tests/cli/programs.hpp"

namespace pinhole::cli {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class Rooms : public ProgramsTest {
  protected:
    void SetUp() override {
        ProgramsTest::SetUp();
        rendezvous_ = &start_rendezvous();
    }

    Process& enter(const std::string& id, std::vector<std::string> words = {}) {
        words.insert(words.begin(), {"--room", "garden"});
        return start_chat(id, words);
    }
    /// Enters an empty room.
    Process& enter_first(const std::string& id, const std::vector<std::string>& words = {}) {
        Process& peer = enter(id, words);
        EXPECT_TRUE(says(peer, Stream::kErr, "garden: nobody else is here yet"));
        return peer;
    }
    static ::testing::AssertionResult tells_change(Process& process, const std::string& peer,
                                                   const std::string& change) {
        return tells(process,
                     {{"event", "member"}, {"room", "garden"}, {"peer", peer}, {"change", change}});
    }
    Process& message(const std::string& id, std::vector<std::string> words = {}) {
        words.insert(words.begin(),
                     {"--id", id, "--via", via(), "--room", "garden", "--message", "hi"});
        return run_peer(id, words);
    }

    Process* rendezvous_ = nullptr;
};

TEST_F(Rooms, ThreeTalkToAllAndToOne) {
    Process& alice = enter_first("alice");
    Process& bob = enter("bob", {"--json"});
    ASSERT_TRUE(tells(bob, {{"event", "room"}, {"room", "garden"}, {"members", {"alice"}}}));
    ASSERT_TRUE(tells_change(bob, "alice", "joined"));
    ASSERT_TRUE(says(alice, Stream::kErr, "bob joined garden"));
    // A late one, whose first line is for all who are there, however early it comes.
    Process& carol = start_peer("carol", {"--id", "carol", "--via", via(), "--room", "garden"});
    carol.write_line("from carol");
    EXPECT_TRUE(says(alice, Stream::kOut, "carol: from carol"));
    EXPECT_TRUE(tells(bob, {{"event", "message"}, {"peer", "carol"}, {"text", "from carol"}}));
    EXPECT_TRUE(says(carol, Stream::kErr, "garden: 2 others here: alice, bob"));
    EXPECT_TRUE(says(alice, Stream::kErr, "carol joined garden"));
    EXPECT_TRUE(tells_change(bob, "carol", "joined"));
    bob.write_line("from bob");
    EXPECT_TRUE(says(alice, Stream::kOut, "bob: from bob"));
    EXPECT_TRUE(says(carol, Stream::kOut, "bob: from bob"));
    // The end of the input ends carol when both have it.
    carol.close_input();
    EXPECT_EQ(status_of(carol), 0);
    EXPECT_TRUE(tells_change(bob, "carol", "left"));
    EXPECT_TRUE(says(alice, Stream::kErr, "carol left garden"));
    EXPECT_THAT(lines_of(alice, Stream::kErr), Not(Contains("carol left"))) << "once is enough";
}

TEST_F(Rooms, WhoIsKilledIsMissedUntilItIsBack) {
    Process& bob = enter_first("bob", {"--json"});
    Process& carol = enter("carol");
    ASSERT_TRUE(tells_change(bob, "carol", "joined"));
    carol.send_signal(SIGKILL);
    ASSERT_EQ(status_of(carol), 128 + SIGKILL);
    bob.write_line("are you there?");
    ASSERT_TRUE(tells_change(bob, "carol", "lost"));
    EXPECT_TRUE(says(bob, Stream::kErr, "lost carol; trying again"));
    Process& again = enter("carol");
    EXPECT_TRUE(tells_change(bob, "carol", "back"));
    EXPECT_TRUE(says(again, Stream::kOut, "bob: are you there?"));
    bob.close_input();
    EXPECT_EQ(status_of(bob), 0);
}

TEST_F(Rooms, AServerThatIsAwayChangesNothing) {
    Process& alice = start_chat("alice", {"--room", "garden"});
    ASSERT_TRUE(says(alice, Stream::kErr, "nobody else is here yet"));
    Process& bob = enter("bob");
    ASSERT_TRUE(says(alice, Stream::kErr, "bob joined garden"));
    rendezvous_->send_signal(SIGKILL);
    EXPECT_EQ(status_of(*rendezvous_), 128 + SIGKILL);
    bob.write_line("still here");
    EXPECT_TRUE(says(alice, Stream::kOut, "bob: still here"));
    EXPECT_THAT(lines_of(alice, Stream::kErr), Not(Contains(HasSubstr("left"))));
}

TEST_F(Rooms, AMessageGoesToAllWhoAreThereAndEndsWhenAllHaveIt) {
    Process& alice = enter_first("alice");
    Process& carol = enter("carol");
    ASSERT_TRUE(says(alice, Stream::kErr, "carol joined garden"));
    Process& bob = message("bob");
    EXPECT_EQ(status_of(bob), 0);
    EXPECT_TRUE(says(alice, Stream::kOut, "bob: hi"));
    EXPECT_TRUE(says(carol, Stream::kOut, "bob: hi"));
    EXPECT_THAT(lines_of(bob, Stream::kOut), ElementsAre());
}

TEST_F(Rooms, AMessageToNobodyEndsWithFourUnlessItWaits) {
    Process& bob = message("bob");
    EXPECT_EQ(status_of(bob), 4);
    EXPECT_THAT(lines_of(bob, Stream::kErr), Contains(HasSubstr("nobody is in room garden")));
    Process& carol = enter("carol", {"--message", "hi", "--wait"});
    ASSERT_TRUE(says(carol, Stream::kErr, "garden: nobody else is here yet"));
    Process& alice = enter("alice");
    EXPECT_TRUE(says(alice, Stream::kOut, "carol: hi"));
    EXPECT_EQ(status_of(carol), 0);
}

TEST_F(Rooms, AKeyThatConflictsIsRefusedAndTheTalkGoesOn) {
    Process& alice = enter_first("alice");
    Process& carol = enter("carol");
    ASSERT_TRUE(says(alice, Stream::kErr, "carol joined garden"));
    // Bob was told another key of alice than hers.
    Process& key = run_peer("other", {"id", "--id", "alice"});
    ASSERT_EQ(status_of(key), 0);
    const std::string line = lines_of(key, Stream::kOut).front();
    const std::string wrong = line.substr(line.find("pk:"));
    Process& bob = enter("bob", {"--pin", "alice=" + wrong});
    EXPECT_TRUE(says(bob, Stream::kErr, "alice shows another key"));
    bob.write_line("to carol alone");
    EXPECT_TRUE(says(carol, Stream::kOut, "bob: to carol alone"));
    Process& shot = message("dave", {"--pin", "alice=" + wrong});
    EXPECT_EQ(status_of(shot), 6) << "not all could be told";
    EXPECT_TRUE(says(carol, Stream::kOut, "dave: hi"));
    EXPECT_THAT(lines_of(alice, Stream::kOut), ElementsAre());
}

TEST_F(Rooms, WhomAcceptKnownKeepsOutIsToldOf) {
    Process& alice = enter_first("alice", {"--accept", "known"});
    Process& bob = enter("bob");
    EXPECT_TRUE(says(alice, Stream::kErr, "is kept out, its key is not known here"));
    bob.write_line("let me in");
    EXPECT_TRUE(says(bob, Stream::kErr, "garden: waiting for alice: "));
    bob.close_input();
    EXPECT_EQ(status_of(bob), 4) << "nothing is lost silently";
    EXPECT_THAT(lines_of(bob, Stream::kErr), Contains(HasSubstr("1 text to alice: not confirmed")));
}

TEST_F(Rooms, AClosedRoomIsAnotherRoom) {
    Process& made = run_peer("alice", {"id", "--new-psk", folder("alice") / "group.key"});
    ASSERT_EQ(status_of(made), 0);
    const std::string key = folder("alice") / "group.key";
    Process& outside = enter_first("dave");
    Process& alice = enter_first("alice", {"--psk-file", key});
    Process& bob = enter("bob", {"--psk-file", key});
    EXPECT_TRUE(says(bob, Stream::kErr, "garden: 1 other here: alice"));
    bob.write_line("among us");
    EXPECT_TRUE(says(alice, Stream::kOut, "bob: among us"));
    EXPECT_THAT(lines_of(outside, Stream::kErr), Not(Contains(HasSubstr("joined"))));
}

}  // namespace
}  // namespace pinhole::cli
