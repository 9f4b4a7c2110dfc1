// Files from one program to another: whole, in part, again, and refused.
#include <csignal>
#include <filesystem>
#include <map>
#include <thread>
#include <tuple>

#include <gmock/gmock.h>

#include "tests/cli/programs.hpp"
#include "tests/support/whole_file.hpp"

namespace pinhole::cli {
namespace {

namespace fs = std::filesystem;
using pinhole::test::read_file;
using pinhole::test::write_file;
using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;
using ::testing::SizeIs;
using ::testing::StartsWith;

constexpr std::uintmax_t kMiB = 1024 * 1024;

class Files : public ProgramsTest {
  protected:
    void SetUp() override {
        ProgramsTest::SetUp();
        fs::create_directory(from());
        fs::create_directory(to());
        start_rendezvous();
    }

    [[nodiscard]] fs::path from(const std::string& name = {}) const {
        return folder("bob") / "from" / name;
    }
    [[nodiscard]] fs::path to(const std::string& name = {}) const {
        return folder("alice") / "to" / name;
    }

    /// Bytes of which no two chunks are the same: one block again and again, each with its number.
    static std::string content_of(std::size_t size) {
        const std::string block = pinhole::test::content_of(kMiB / 16);
        std::string out;
        out.reserve(size + block.size());
        while (out.size() < size) out += std::to_string(out.size()) + block;
        out.resize(size);
        return out;
    }
    /// What stands in the receiver's directory.
    [[nodiscard]] std::map<std::string, std::string> received() const {
        std::map<std::string, std::string> out;
        for (const auto& entry : fs::recursive_directory_iterator{to()}) {
            if (entry.is_regular_file()) {
                out[fs::relative(entry.path(), to()).string()] = read_file(entry.path());
            }
        }
        return out;
    }

    Process& start_receiver(const std::vector<std::string>& words = {}) {
        std::vector<std::string> all{"receive", "--id", "alice", "--via", via()};
        all.insert(all.end(), words.begin(), words.end());
        all.push_back(to().string());
        Process& receiver = start_peer("alice", all);
        EXPECT_TRUE(says(receiver, Stream::kErr, "on another machine run: peer send"));
        return receiver;
    }
    Process& start_sender(const std::vector<std::string>& words) {
        std::vector<std::string> all{"send", "--id", "bob", "--via", via()};
        all.insert(all.end(), words.begin(), words.end());
        all.push_back("alice");
        return start_peer("bob", all);
    }
    /// Of the last line that is such an event.
    static Json event(const Process& process, const std::string& name) {
        Json out;
        for (const std::string& line : lines_of(process, Stream::kOut)) {
            const Json object = Json::parse(line, nullptr, false);
            if (object.is_object() && object.value("event", "") == name) out = object;
        }
        return out;
    }
};

TEST_F(Files, ATreeArrivesAndBothSidesEndWell) {
    const std::string big = content_of(3 * kMiB + 11);
    write_file(from("photos/big.raw"), big);
    write_file(from("photos/a/b/small"), "small");
    fs::create_directory(from("photos/empty"));
    fs::create_symlink("/etc", from("photos/link"));
    Process& alice = start_receiver({"--once"});
    Process& bob = start_sender({from("photos/").string()});
    EXPECT_EQ(status_of(bob), 1) << "the link was not sent";
    EXPECT_EQ(status_of(alice), 0);
    EXPECT_THAT(received(),
                ElementsAre(Pair("photos/a/b/small", "small"), Pair("photos/big.raw", big)));
    EXPECT_TRUE(fs::is_directory(to("photos/empty")));
    EXPECT_THAT(lines_of(bob, Stream::kErr),
                Contains(HasSubstr("not sent: photos/link: it is a symbolic link")));
    EXPECT_THAT(lines_of(bob, Stream::kErr), Contains(HasSubstr("3 of 4 files stored, 3.0 MiB")));
    EXPECT_THAT(lines_of(alice, Stream::kErr), Contains("bob: photos/big.raw (3.0 MiB)"));
    EXPECT_THAT(lines_of(alice, Stream::kOut), ElementsAre());
    EXPECT_THAT(lines_of(bob, Stream::kErr), Each(Not(HasSubstr("\x1b"))));
}

TEST_F(Files, EventsAreWhatScriptsExpect) {
    write_file(from("note"), "content");
    Process& alice = start_receiver({"--once", "--json"});
    Process& bob = start_sender({"--json", from("note").string()});
    EXPECT_EQ(status_of(bob), 0);
    EXPECT_EQ(status_of(alice), 0);
    EXPECT_EQ(event(bob, "transfer_started"), Json::parse(R"({"v":1,"event":"transfer_started",
        "way":"send","peer":"alice","files":1,"bytes":7})"));
    EXPECT_EQ(event(bob, "file"), Json::parse(R"({"v":1,"event":"file","way":"send",
        "peer":"alice","path":"note","size":7,"outcome":"stored"})"));
    EXPECT_EQ(event(bob, "transfer_ended"), Json::parse(R"({"v":1,"event":"transfer_ended",
        "way":"send","peer":"alice","files":1,"failed":0,"bytes":7,"carried":7})"));
    EXPECT_EQ(event(alice, "file"), Json::parse(R"({"v":1,"event":"file","way":"receive",
        "peer":"bob","path":"note","size":7,"outcome":"stored","stored_as":"note"})"));
    EXPECT_EQ(event(alice, "transfer_ended"), Json::parse(R"({"v":1,"event":"transfer_ended",
        "way":"receive","peer":"bob","files":1,"failed":0,"bytes":7,"carried":7})"));
    EXPECT_THAT(lines_of(alice, Stream::kOut), Each(StartsWith("{\"v\":1,\"event\":\"")));
}

TEST_F(Files, ATransferGoesOnAfterEitherSideIsKilled) {
    const std::string big = content_of(64 * kMiB + 12'345);
    write_file(from("big"), big);
    const auto is_under_way = [this] {
        std::error_code gone;
        for (const auto& entry : fs::directory_iterator{to()}) {
            const std::uintmax_t size = entry.file_size(gone);
            if (!gone && size > 3 * kMiB) return true;
        }
        return false;
    };
    Process* alice = &start_receiver({"--json"});
    Process* bob = &start_sender({"--json", from("big").string()});
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (!is_under_way()) {
        ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "nothing comes";
        std::this_thread::sleep_for(Milliseconds{2});
    }
    bob->send_signal(SIGKILL);
    ASSERT_EQ(status_of(*bob), 128 + SIGKILL);
    ASSERT_EQ(fs::exists(to("big")), false) << "the whole file came before the first cut";
    bob = &start_sender({"--json", from("big").string()});
    ASSERT_TRUE(tells(*bob, {{"event", "file_resumed"}, {"path", "big"}}));
    ASSERT_TRUE(tells(*alice, {{"event", "transfer_cut"}}));
    const std::uint64_t first = event(*alice, "transfer_cut")["carried"];
    EXPECT_LE(first, event(*bob, "file_resumed")["bytes"].get<std::uint64_t>() + kMiB);
    alice->send_signal(SIGKILL);
    ASSERT_EQ(status_of(*alice), 128 + SIGKILL);
    alice = &start_receiver({"--json", "--once"});
    // Bob calls her dead after some 12 s, and a busy machine needs its time for the rest.
    EXPECT_EQ(bob->wait_for_exit(2 * kPatience).value_or(-1), 0);
    EXPECT_EQ(status_of(*alice), 0);
    EXPECT_TRUE(read_file(to("big")) == big);
    EXPECT_THAT(received(), SizeIs(1)) << "a part file is left";
    EXPECT_TRUE(fs::is_empty(folder("alice") / "pinhole" / "partials"));
}

TEST_F(Files, CtrlCSaysHowToGoOn) {
    // Far more than arrives until it is cut; none of it takes room here.
    write_file(from("big"), "");
    fs::resize_file(from("big"), 256 * kMiB);
    Process& alice = start_receiver();
    Process& bob = start_sender({"--json", from("big").string()});
    ASSERT_TRUE(tells(bob, {{"event", "transfer_started"}}));
    alice.send_signal(SIGSTOP);
    bob.send_signal(SIGINT);
    EXPECT_EQ(status_of(bob), 130);
    alice.send_signal(SIGCONT);
    EXPECT_THAT(lines_of(bob, Stream::kErr), Contains("  peer send --id bob --via " + via() + " " +
                                                      from("big").string() + " alice"));
    EXPECT_TRUE(says(alice, Stream::kErr, "bob: the transfer was cut"));
    alice.send_signal(SIGINT);
    EXPECT_EQ(status_of(alice), 130);
}

TEST_F(Files, ConflictsEndAsTheReceiverDecides) {
    write_file(from("note.txt"), "new");
    for (const auto& [policy, status, expected] :
         {std::tuple{"skip", 1, std::map<std::string, std::string>{{"note.txt", "old"}}},
          {"rename", 0, {{"note.txt", "old"}, {"note (1).txt", "new"}}},
          {"overwrite", 0, {{"note.txt", "new"}, {"note (1).txt", "new"}}}}) {
        SCOPED_TRACE(policy);
        if (std::string_view{policy} != "overwrite") write_file(to("note.txt"), "old");
        Process& alice = start_receiver({"--once", "--conflict", policy});
        Process& bob = start_sender({from("note.txt").string()});
        EXPECT_EQ(status_of(bob), status);
        EXPECT_EQ(status_of(alice), status);
        EXPECT_EQ(received(), expected);
    }
}

TEST_F(Files, WhoTakesNoFilesRefuses) {
    write_file(from("note"), "content");
    Process& chat = start_chat("alice", {});
    ASSERT_TRUE(says(chat, Stream::kErr, "rendezvous ok"));
    Process& bob = start_sender({from("note").string()});
    EXPECT_EQ(status_of(bob), 8);
    EXPECT_THAT(lines_of(bob, Stream::kErr), Contains(HasSubstr("peer receive --id alice")));
    chat.close_input();
    EXPECT_EQ(status_of(chat), 0);
    Process& alice = start_receiver({"--from", "carol"});
    Process& again = start_sender({from("note").string()});
    EXPECT_EQ(status_of(again), 8);
    EXPECT_TRUE(says(alice, Stream::kErr, "bob: files refused"));
    EXPECT_THAT(received(), ElementsAre());
}

TEST_F(Files, SeveralSendersAreServedSideBySide) {
    write_file(from("one"), content_of(20 * kMiB));
    write_file(folder("carol") / "two", content_of(20 * kMiB + 1));
    Process& alice = start_receiver({"--json"});
    Process& bob = start_sender({from("one").string()});
    Process& carol = start_peer("carol", {"send", "--id", "carol", "--via", via(),
                                          (folder("carol") / "two").string(), "alice"});
    EXPECT_EQ(status_of(bob), 0);
    EXPECT_EQ(status_of(carol), 0);
    EXPECT_EQ(fs::file_size(to("one")), 20 * kMiB);
    EXPECT_EQ(fs::file_size(to("two")), 20 * kMiB + 1);
    alice.send_signal(SIGTERM);
    EXPECT_EQ(status_of(alice), 143);
}

TEST_F(Files, StandardInputArrivesAsAFile) {
    const std::string big = content_of(2 * kMiB + 11);
    write_file(from("big"), big);
    Process& alice = start_receiver({"--once", "--json"});
    Process& bob =
        start_program("bob", {"sh", "-c",
                              "(cat '" + from("big").string() + "'; sleep 0.2; echo end) | " +
                                  program("PINHOLE_PEER") + " send --json --id bob --via " + via() +
                                  " --name NOTES.txt - alice"});
    EXPECT_EQ(status_of(bob), 0);
    EXPECT_EQ(status_of(alice), 0);
    EXPECT_EQ(received(), (std::map<std::string, std::string>{{"NOTES.txt", big + "end\n"}}));
    EXPECT_EQ(event(bob, "transfer_started")["bytes"], Json{});
    EXPECT_EQ(event(alice, "file")["size"], big.size() + 4);
    EXPECT_EQ(event(bob, "transfer_ended")["bytes"], big.size() + 4);
}

TEST_F(Files, OfStandardInputThatWasCutNothingIsKept) {
    Process& alice = start_receiver({"--json"});
    Process& bob = start_sender({"--json", "--name", "log", "-"});
    ASSERT_TRUE(tells(bob, {{"event", "transfer_started"}}));
    bob.write_line("the first line of a long log");
    bob.send_signal(SIGINT);
    EXPECT_EQ(status_of(bob), 130);
    EXPECT_THAT(lines_of(bob, Stream::kErr),
                Contains("log is not stored there, and standard input cannot be read again"));
    ASSERT_TRUE(tells(alice, {{"event", "transfer_cut"}}));
    EXPECT_TRUE(fs::is_empty(to()));
}

TEST_F(Files, MistakesAreSaidBeforeAnythingIsSent) {
    const auto run = [this](std::vector<std::string> words) {
        return status_of(run_peer("bob", std::move(words)));
    };
    EXPECT_EQ(run({"send", "--id", "bob", "--via", via(), "alice"}), 2);
    EXPECT_EQ(run({"send", "--id", "bob", "--via", via(), from("missing").string(), "alice"}), 1);
    write_file(from("note"), "content");
    EXPECT_EQ(run({"send", "--id", "bob", "--via", via(), from("note").string(), "alice"}), 4);
    EXPECT_EQ(run({"send", "--id", "bob", "--via", via(), "-", "alice"}), 2);
    EXPECT_EQ(run({"send", "--id", "bob", "--via", via(), "--name", "a/b", "-", "alice"}), 2);
    EXPECT_EQ(
        run({"send", "--id", "bob", "--via", via(), "--name", "a", from("note").string(), "alice"}),
        2);
    EXPECT_EQ(run({"send", "--id", "bob", "--via", via(), "--name", "a", "-", from("note").string(),
                   "alice"}),
              2);
    EXPECT_EQ(run({"receive", "--id", "bob", "--via", via(), "a", "b"}), 2);
    EXPECT_EQ(run({"receive", "--id", "bob", "--via", via(), "--conflict", "maybe"}), 2);
    EXPECT_EQ(run({"receive", "--id", "bob", "--via", via(), "/proc/none/such"}), 1);
}

}  // namespace
}  // namespace pinhole::cli
