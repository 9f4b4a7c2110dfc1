// Files in a chat: asked about at a prompt, taken without one where the user said so, refused
// otherwise; and the talk goes on meanwhile.
#include <filesystem>

#include <gmock/gmock.h>

#include "tests/cli/terminal_peer.hpp"
#include "tests/support/whole_file.hpp"

namespace pinhole::cli {
namespace {

namespace fs = std::filesystem;
using pinhole::test::read_file;
using pinhole::test::write_file;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::size_t kMiB = 1024 * 1024;

class ChatFiles : public ProgramsTest {
  protected:
    void SetUp() override {
        ProgramsTest::SetUp();
        fs::create_directory(folder("alice") / "in");
        start_rendezvous();
    }

    [[nodiscard]] fs::path in(const std::string& name = {}) const {
        return folder("alice") / "in" / name;
    }
    void write(const std::string& id, const std::string& name, const std::string& content) const {
        write_file(folder(id) / name, content);
    }

    [[nodiscard]] std::unique_ptr<TerminalPeer> at_terminal(
        const std::string& id, const std::vector<std::string>& words) const {
        std::vector<std::string> all{program("PINHOLE_PEER"), "--id", id, "--via", via()};
        all.insert(all.end(), words.begin(), words.end());
        return std::make_unique<TerminalPeer>(all, folder(id));
    }
    /// Alice and bob, each at a terminal; alice's files go to `in`.
    void start_both() {
        alice_ = at_terminal("alice", {"--into", in().string()});
        ASSERT_TRUE(alice_->shows("alice> ")) << alice_->seen();
        bob_ = at_terminal("bob", {"alice"});
        ASSERT_TRUE(bob_->shows("; new peer alice ")) << bob_->seen();
        ASSERT_TRUE(bob_->shows("bob> ")) << bob_->seen();
    }

    std::unique_ptr<TerminalPeer> alice_;
    std::unique_ptr<TerminalPeer> bob_;
};

TEST_F(ChatFiles, AnOfferWaitsForAnAnswerWhileTheTalkGoesOn) {
    write("bob", "my photo.jpg", std::string(kMiB + kMiB / 2, 'x'));
    write("alice", "in/my photo.jpg", "another one");
    ASSERT_NO_FATAL_FAILURE(start_both());
    bob_->type("/send \"~/my photo.jpg\"\r");
    ASSERT_TRUE(alice_->shows("bob offers my photo.jpg (1.5 MiB): /take, or /refuse"))
        << alice_->seen();
    ASSERT_TRUE(bob_->shows("my photo.jpg (1.5 MiB): waiting for alice to take it"))
        << bob_->seen();
    bob_->type("do you see it?\r");
    ASSERT_TRUE(alice_->shows("do you see it?")) << alice_->seen();
    EXPECT_EQ(read_file(in("my photo.jpg")), "another one");
    alice_->type("/take carol\r");
    ASSERT_TRUE(alice_->shows("carol offers nothing now")) << alice_->seen();
    alice_->type("/take\r");
    ASSERT_TRUE(
        alice_->shows("alice <- bob: my photo (1).jpg stored in " + in().parent_path().string()))
        << alice_->seen();
    ASSERT_TRUE(bob_->shows("bob -> alice: my photo.jpg stored, 1.5 MiB, in ")) << bob_->seen();
    EXPECT_EQ(read_file(in("my photo.jpg")), "another one") << "nothing is replaced";
    EXPECT_EQ(read_file(in("my photo (1).jpg")), std::string(kMiB + kMiB / 2, 'x'));
    // The same connection carries texts on.
    alice_->type("thanks\r");
    EXPECT_TRUE(bob_->shows("thanks")) << bob_->seen();
}

TEST_F(ChatFiles, WhoRefusesIsHeardAndNothingIsStored) {
    write("bob", "note", "content");
    write("carol", "folder/a", "a");
    write("carol", "folder/b", "b");
    ASSERT_NO_FATAL_FAILURE(start_both());
    bob_->type("/send ~/note alice\r");
    ASSERT_TRUE(alice_->shows("bob offers note (7 bytes)")) << alice_->seen();
    Process& carol = start_peer("carol", {"send", "--id", "carol", "--via", via(),
                                          (folder("carol") / "folder").string(), "alice"});
    ASSERT_TRUE(alice_->shows("carol offers folder (2 files, 2 bytes)")) << alice_->seen();
    ASSERT_TRUE(says(carol, Stream::kErr, "waiting for alice to take it"));
    alice_->type("/refuse carol\r");
    EXPECT_EQ(status_of(carol), 8);
    EXPECT_THAT(lines_of(carol, Stream::kErr), Contains(HasSubstr("alice refuses: not wanted")));
    alice_->type("/refuse\r");
    ASSERT_TRUE(bob_->shows("note: not sent: alice refuses: not wanted there")) << bob_->seen();
    alice_->type("/refuse\r");
    ASSERT_TRUE(alice_->shows("nobody offers anything now")) << alice_->seen();
    EXPECT_TRUE(fs::is_empty(in()));
}

TEST_F(ChatFiles, AnOfferEndsWithItsConnection) {
    write("carol", "note", "content");
    alice_ = at_terminal("alice", {});
    ASSERT_TRUE(alice_->shows("alice> ")) << alice_->seen();
    Process& carol = start_peer("carol", {"send", "--id", "carol", "--via", via(),
                                          (folder("carol") / "note").string(), "alice"});
    ASSERT_TRUE(alice_->shows("carol offers note")) << alice_->seen();
    carol.send_signal(SIGINT);
    EXPECT_EQ(status_of(carol), 130);
    ASSERT_TRUE(alice_->shows("carol does not offer note any more")) << alice_->seen();
}

TEST_F(ChatFiles, WhatCannotBeSentIsSaid) {
    write("bob", "note", "content");
    bob_ = at_terminal("bob", {});
    ASSERT_TRUE(bob_->shows("bob> ")) << bob_->seen();
    bob_->type("/send ~/note\r");
    ASSERT_TRUE(bob_->shows("nobody is connected, so nothing was sent")) << bob_->seen();
    bob_->type("/send ~/note alice\r");
    ASSERT_TRUE(bob_->shows("alice is not connected, so nothing was sent")) << bob_->seen();
    Process& alice = start_chat("alice", {"bob"});
    ASSERT_TRUE(says(alice, Stream::kErr, "; new peer bob "));
    ASSERT_TRUE(bob_->shows("bob <- alice:")) << bob_->seen();
    bob_->type("/send ~/missing\r");
    ASSERT_TRUE(bob_->shows("cannot send ")) << bob_->seen();
    bob_->type("/send ~/note\r");
    ASSERT_TRUE(bob_->shows("note: not sent: alice is there, but takes no files now"))
        << bob_->seen();
    EXPECT_TRUE(says(alice, Stream::kErr, "bob: files refused: nobody takes files here"));
}

TEST_F(ChatFiles, WithoutAPromptTheyAreTakenWhereTheUserSaidAndTextsComeThroughMeanwhile) {
    const std::string big(32 * kMiB, 'b');
    for (const char* name : {"one", "two"}) write("bob", name, big);
    write("alice", "in/two", "stays");
    Process& alice = start_chat("alice", {"--json", "--into", in().string()});
    ASSERT_TRUE(tells(alice, {{"event", "registered"}}));
    bob_ = at_terminal("bob", {"alice"});
    ASSERT_TRUE(bob_->shows("; new peer alice ")) << bob_->seen();
    bob_->type("/send ~/one\r/send ~/two\r@alice still there?\r");
    ASSERT_TRUE(tells(alice, {{"event", "message"}, {"text", "still there?"}})) << bob_->seen();
    // What came after it may have been read with it.
    for (const std::string& event : lines_of(alice, Stream::kOut)) {
        if (event.find("still there?") != std::string::npos) break;
        EXPECT_THAT(event, Not(HasSubstr("transfer_ended"))) << "the text waited for a file";
    }
    ASSERT_TRUE(tells(alice, {{"event", "file"}, {"path", "one"}, {"stored_as", "one"}}));
    ASSERT_TRUE(tells(alice, {{"event", "file"}, {"path", "two"}, {"stored_as", "two (1)"}}));
    ASSERT_TRUE(bob_->shows(" stored, 32.0 MiB")) << bob_->seen();
    ASSERT_TRUE(bob_->shows(" stored, 32.0 MiB")) << bob_->seen();
    EXPECT_TRUE(read_file(in("one")) == big);
    EXPECT_TRUE(read_file(in("two (1)")) == big);
    EXPECT_EQ(read_file(in("two")), "stays");
    alice.close_input();
    EXPECT_EQ(status_of(alice), 0);
}

}  // namespace
}  // namespace pinhole::cli
