// A sender and a receiver together: what arrives, what is said of it, and what a cut costs.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include "tests/unit/peer/files/file_pair.hpp"

namespace pinhole::peer::files {
namespace {

namespace fs = std::filesystem;

using test::content_of;
using test::FilePair;
using test::read_file;
using test::tree_of;
using test::write_file;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

constexpr std::size_t kChunk = kChunkBytes;

TEST(Transfer, AFileArrivesWithItsTimeAndItsExecutableBit) {
    FilePair pair;
    const std::string content = content_of(3 * kChunk + 17);
    write_file(pair.from("tool"), content);
    fs::permissions(pair.from("tool"), fs::perms::owner_all);
    const auto time = fs::file_time_type::clock::now() - std::chrono::hours{1000};
    fs::last_write_time(pair.from("tool"), time);
    pair.list({"tool"});
    pair.transfer();
    EXPECT_TRUE(pair.is_in_order);
    EXPECT_TRUE(pair.sender->is_over());
    EXPECT_TRUE(pair.receiver->on_finished());
    EXPECT_EQ(pair.outcomes["tool"], Outcome::kStored);
    EXPECT_THAT(tree_of(pair.to()), ElementsAre(Pair("tool", content)));
    EXPECT_EQ(fs::last_write_time(pair.to("tool")), time);
    EXPECT_NE(fs::status(pair.to("tool")).permissions() & fs::perms::owner_exec, fs::perms::none);
    EXPECT_TRUE(fs::is_empty(pair.partials()));
    EXPECT_EQ(pair.receiver->bytes_done(), content.size());
    EXPECT_EQ(pair.receiver->bytes_received(), content.size());
}

TEST(Transfer, ATreeArrivesWithItsEmptyFilesAndDirectories) {
    FilePair pair;
    write_file(pair.from("tree/a"), "");
    write_file(pair.from("tree/deep/er/b"), "b");
    write_file(pair.from("tree/deep/c.txt"), std::string(kChunk, 'c'));
    fs::create_directories(pair.from("tree/nothing/here"));
    for (int i = 0; i < 200; ++i) write_file(pair.from("tree/many/" + std::to_string(i)), "x");
    pair.list({"tree"});
    pair.transfer();
    EXPECT_TRUE(pair.is_in_order);
    EXPECT_THAT(pair.outcomes, Each(Pair(::testing::_, Outcome::kStored)));
    EXPECT_EQ(tree_of(pair.to()), tree_of(pair.from()));
}

TEST(Transfer, LinksAndPipesOfTheSenderAreLeftOutAloud) {
    FilePair pair;
    write_file(pair.from("tree/file"), "content");
    fs::create_symlink("/etc/passwd", pair.from("tree/link"));
    fs::create_directory_symlink("/etc", pair.from("tree/folder"));
    ASSERT_EQ(::mkfifo(pair.from("tree/pipe").c_str(), 0600), 0);
    write_file(pair.from("tree/bad\nname"), "content");
    pair.list({"tree"});
    std::vector<std::string> left_out;
    for (const LeftOut& one : pair.source->left_out()) left_out.push_back(one.path);
    EXPECT_THAT(left_out,
                UnorderedElementsAre("tree/link", "tree/folder", "tree/pipe", "tree/bad\nname"));
    pair.transfer();
    EXPECT_THAT(tree_of(pair.to()), ElementsAre(Pair("tree/", ""), Pair("tree/file", "content")));
}

TEST(Transfer, ADirectoryIsCalledAsWhereItStands) {
    FilePair pair;
    write_file(pair.from("tree/sub/a"), "a");
    for (const char* word : {"tree", "tree/", "tree/.", "tree/sub/..", "tree/sub/../"}) {
        pair.list({word});
        ASSERT_EQ(pair.source->entries().size(), 1U) << word;
        EXPECT_EQ(pair.source->entries().front().path, "tree/sub/a") << word;
    }
    // A link that the user names is followed, and has its own name.
    fs::create_directory_symlink(pair.from("tree/sub"), pair.from("link"));
    pair.list({"link"});
    EXPECT_EQ(pair.source->entries().front().path, "link/a");
    EXPECT_THROW(pair.list({"tree/sub", "link/../sub"}), std::runtime_error);
    EXPECT_THROW(pair.list({"missing"}), std::system_error);
}

TEST(Transfer, WhatIsThereAlreadyIsNotSentAgain) {
    FilePair pair;
    const std::string content = content_of(2 * kChunk + 5);
    write_file(pair.from("file"), content);
    write_file(pair.to("file"), content);
    pair.list({"file"});
    pair.transfer();
    EXPECT_EQ(pair.outcomes["file"], Outcome::kPresent);
    EXPECT_TRUE(pair.sender->is_over());
    EXPECT_EQ(pair.sender->bytes_carried(), 0U);
}

class Conflict : public ::testing::Test {
  protected:
    /// Sends "new" as `note.txt` to where another one is.
    void send(ConflictPolicy policy, const std::string& standing) {
        write_file(pair.from("note.txt"), "new");
        write_file(pair.to("note.txt"), standing);
        pair.conflict = policy;
        pair.list({"note.txt"});
        pair.transfer();
        EXPECT_TRUE(pair.is_in_order);
        EXPECT_TRUE(pair.sender->is_over());
    }
    FilePair pair;
};

TEST_F(Conflict, SkipLeavesTheOtherFileAlone) {
    for (const char* standing : {"old", "longer"}) {
        send(ConflictPolicy::kSkip, standing);
        EXPECT_EQ(pair.outcomes["note.txt"], Outcome::kSkipped);
        EXPECT_THAT(tree_of(pair.to()), ElementsAre(Pair("note.txt", standing)));
    }
}

TEST_F(Conflict, OverwritePutsTheNewOneInItsPlace) {
    for (const char* standing : {"old", "longer"}) {
        send(ConflictPolicy::kOverwrite, standing);
        EXPECT_EQ(pair.outcomes["note.txt"], Outcome::kStored);
        EXPECT_THAT(tree_of(pair.to()), ElementsAre(Pair("note.txt", "new")));
    }
}

TEST_F(Conflict, RenameKeepsBoth) {
    send(ConflictPolicy::kRename, "old");
    write_file(pair.to("note (2).txt"), "mine");
    send(ConflictPolicy::kRename, "longer");
    EXPECT_EQ(pair.stored["note.txt"].stored_as, "note (3).txt");
    EXPECT_THAT(tree_of(pair.to()),
                ElementsAre(Pair("note (1).txt", "new"), Pair("note (2).txt", "mine"),
                            Pair("note (3).txt", "new"), Pair("note.txt", "longer")));
}

TEST_F(Conflict, OverwriteReplacesALinkAndNotWhatItLeadsTo) {
    write_file(pair.from("note.txt"), "new");
    write_file(pair.home.path() / "outside", "untouched");
    fs::create_symlink(pair.home.path() / "outside", pair.to("note.txt"));
    pair.conflict = ConflictPolicy::kOverwrite;
    pair.list({"note.txt"});
    pair.transfer();
    EXPECT_EQ(read_file(pair.home.path() / "outside"), "untouched");
    EXPECT_THAT(tree_of(pair.to()), ElementsAre(Pair("note.txt", "new")));
}

TEST_F(Conflict, ADirectoryIsNeverReplaced) {
    write_file(pair.from("note.txt"), "new");
    write_file(pair.to("note.txt/inside"), "stays");
    pair.conflict = ConflictPolicy::kOverwrite;
    pair.list({"note.txt"});
    pair.transfer();
    EXPECT_EQ(pair.outcomes["note.txt"], Outcome::kSkipped);
    EXPECT_EQ(read_file(pair.to("note.txt/inside")), "stays");
}

// ---- standard input

class Input : public ::testing::Test {
  protected:
    void send(const std::string& content) {
        pair.source = std::make_unique<SourceTree>(SourceTree::of_input("log"));
        pair.input = content;
        pair.connect();
    }
    FilePair pair;
};

TEST_F(Input, ArrivesExactlyWhateverItsSize) {
    pair.conflict = ConflictPolicy::kOverwrite;
    for (const std::size_t size :
         {std::size_t{0}, std::size_t{1}, kChunk - 1, kChunk, kChunk + 1, 3 * kChunk + 17}) {
        SCOPED_TRACE(size);
        const std::string content = content_of(size, size);
        send(content);
        pair.run();
        EXPECT_TRUE(pair.is_in_order);
        EXPECT_TRUE(pair.sender->is_over());
        EXPECT_TRUE(pair.receiver->on_finished());
        EXPECT_EQ(pair.outcomes["log"], Outcome::kStored);
        EXPECT_THAT(tree_of(pair.to()), ElementsAre(Pair("log", content)));
        EXPECT_EQ(pair.source->entries().front().size, size);
        EXPECT_EQ(pair.sender->bytes_carried(), size);
        EXPECT_EQ(pair.receiver->bytes_done(), size);
    }
    EXPECT_TRUE(fs::is_empty(pair.partials()));
    EXPECT_NEAR(std::chrono::duration<double>(fs::last_write_time(pair.to("log")) -
                                              fs::file_time_type::clock::now())
                    .count(),
                0, 3600)
        << "it is as old as its transfer";
}

TEST_F(Input, ConflictsEndAsForFiles) {
    write_file(pair.to("log"), "old");
    send("new");
    pair.run();
    EXPECT_EQ(pair.outcomes["log"], Outcome::kSkipped);
    pair.conflict = ConflictPolicy::kRename;
    send("new");
    pair.run();
    EXPECT_EQ(pair.stored["log"].stored_as, "log (1)");
    EXPECT_THAT(tree_of(pair.to()), ElementsAre(Pair("log", "old"), Pair("log (1)", "new")));
}

TEST_F(Input, NothingRemainsOfOneThatWasCut) {
    send(content_of(4 * kChunk));
    while (pair.receiver->bytes_received() < 2 * kChunk + 5) ASSERT_TRUE(pair.step());
    pair.receiver.reset();
    EXPECT_THAT(tree_of(pair.to()), ElementsAre());
    EXPECT_TRUE(fs::is_empty(pair.partials()));
}

TEST_F(Input, OneThatCannotBeReadIsWithdrawn) {
    send(content_of(6 * kChunk));
    while (pair.receiver->bytes_received() < kChunk) ASSERT_TRUE(pair.step());
    while (pair.sender->input_room() == 0) ASSERT_TRUE(pair.step());
    pair.sender->on_input_failed("standard input: Input/output error");
    pair.run();
    EXPECT_TRUE(pair.is_in_order);
    EXPECT_EQ(pair.outcomes.at("log"), std::nullopt);
    EXPECT_TRUE(pair.sender->is_over());
    EXPECT_TRUE(pair.receiver->on_finished());
    EXPECT_THAT(tree_of(pair.to()), ElementsAre());
}

// ---- cuts

TEST(Resume, GoesOnAtTheLastWholeChunkWhoeverWasKilled) {
    FilePair pair;
    const std::string content = content_of(5 * kChunk + 99);
    write_file(pair.from("big"), content);
    pair.list({"big"});
    pair.connect();
    while (pair.receiver->bytes_received() < 3 * kChunk + kChunk / 2) ASSERT_TRUE(pair.step());
    const std::uint64_t before = pair.receiver->bytes_received();
    pair.list({"big"});
    pair.restart_receiver();
    pair.transfer();
    EXPECT_THAT(pair.resumed_at, ElementsAre(3 * kChunk));
    EXPECT_EQ(pair.outcomes["big"], Outcome::kStored);
    EXPECT_EQ(read_file(pair.to("big")), content);
    EXPECT_LE(before + pair.receiver->bytes_received(), content.size() + kChunk);
    EXPECT_EQ(pair.sender->bytes_carried(), 2 * kChunk + 99);
    EXPECT_THAT(tree_of(pair.to()), ::testing::SizeIs(1));
    EXPECT_TRUE(fs::is_empty(pair.partials()));
}

TEST(Resume, AChunkThatWasDamagedOnTheDiskIsSentAgain) {
    FilePair pair;
    const std::string content = content_of(4 * kChunk);
    write_file(pair.from("big"), content);
    pair.list({"big"});
    pair.connect();
    while (pair.receiver->bytes_received() < 3 * kChunk + 1) ASSERT_TRUE(pair.step());
    pair.restart_receiver();
    for (const auto& entry : fs::directory_iterator{pair.to()}) {
        std::fstream part{entry.path(), std::ios::in | std::ios::out | std::ios::binary};
        part.seekp(static_cast<long>(kChunk + 5));
        part.put('!');
    }
    pair.list({"big"});
    pair.transfer();
    EXPECT_THAT(pair.resumed_at, ElementsAre(kChunk));
    EXPECT_EQ(read_file(pair.to("big")), content);
}

TEST(Resume, AnotherFileOfTheSameNameBeginsAnew) {
    FilePair pair;
    write_file(pair.from("big"), content_of(4 * kChunk, 1));
    pair.list({"big"});
    pair.connect();
    while (pair.receiver->bytes_received() < 2 * kChunk + 1) ASSERT_TRUE(pair.step());
    const std::string other = content_of(4 * kChunk, 2);
    write_file(pair.from("big"), other);
    pair.restart_receiver();
    pair.list({"big"});
    pair.transfer();
    EXPECT_THAT(pair.resumed_at, ElementsAre());
    EXPECT_EQ(pair.outcomes["big"], Outcome::kStored);
    EXPECT_THAT(tree_of(pair.to()), ElementsAre(Pair("big", other)));
}

TEST(Resume, AFileThatHasGrownKeepsWhatIsThere) {
    FilePair pair;
    const std::string content = content_of(4 * kChunk);
    write_file(pair.from("log"), content.substr(0, 3 * kChunk));
    pair.list({"log"});
    pair.connect();
    while (pair.receiver->bytes_received() < 2 * kChunk + 1) ASSERT_TRUE(pair.step());
    write_file(pair.from("log"), content);
    pair.restart_receiver();
    pair.list({"log"});
    pair.transfer();
    EXPECT_THAT(pair.resumed_at, ElementsAre(2 * kChunk));
    EXPECT_EQ(read_file(pair.to("log")), content);
}

TEST(Resume, AFileThatChangesWhileItIsSentIsNeverStored) {
    FilePair pair;
    write_file(pair.from("log"), content_of(3 * kChunk));
    pair.list({"log"});
    pair.connect();
    while (pair.receiver->bytes_received() < kChunk) ASSERT_TRUE(pair.step());
    write_file(pair.from("log"), content_of(3 * kChunk, 7));
    fs::last_write_time(pair.from("log"), fs::file_time_type::clock::now() + std::chrono::hours{1});
    pair.run();
    EXPECT_TRUE(pair.is_in_order);
    EXPECT_EQ(pair.outcomes.at("log"), std::nullopt);
    EXPECT_TRUE(pair.sender->is_over());
    EXPECT_TRUE(pair.receiver->on_finished());
    EXPECT_FALSE(fs::exists(pair.to("log")));
}

TEST(Resume, OfSmallFilesNothingIsLeftHalfWayAndWhatIsWholeIsStored) {
    FilePair pair;
    for (int i = 0; i < 30; ++i) write_file(pair.from("tree/" + std::to_string(i)), "content");
    pair.list({"tree"});
    pair.connect();
    while (pair.receiver->bytes_received() < 7 * 20) ASSERT_TRUE(pair.step());
    pair.receiver->store();
    const auto stored = tree_of(pair.to());
    EXPECT_GE(stored.size(), 20U) << "the directory, and what came";
    for (const auto& [path, content] : stored) {
        EXPECT_EQ(content, path == "tree/" ? "" : "content") << path;
    }
    EXPECT_TRUE(fs::is_empty(pair.partials())) << "they are sent again, if at all";
    pair.list({"tree"});
    pair.restart_receiver();
    pair.transfer();
    EXPECT_EQ(tree_of(pair.to()), tree_of(pair.from()));
}

TEST(Resume, CutsAtAnyMomentCostAtMostOneChunkEach) {
    for (std::uint64_t seed = 1; seed <= 6; ++seed) {
        SCOPED_TRACE(::testing::Message() << "seed " << seed);
        FilePair pair{seed};
        const std::string big = content_of(6 * kChunk + 12'345, seed);
        write_file(pair.from("tree/big"), big);
        write_file(pair.from("tree/empty"), "");
        for (int i = 0; i < 20; ++i) {
            write_file(pair.from("tree/small" + std::to_string(i)), content_of(3'000));
        }
        std::uint64_t received = 0;
        std::uint64_t cuts = 0;
        do {
            pair.list({"tree"});
            if (pair.random.below(2) == 0) pair.restart_receiver();
            pair.connect();
            const std::uint64_t until = pair.random.below(600);
            for (std::uint64_t i = 0; i < until && pair.step(); ++i) {
            }
            received += pair.receiver->bytes_received();
            ++cuts;
            // All that has a name is whole.
            if (fs::exists(pair.to("tree/big"))) {
                ASSERT_EQ(read_file(pair.to("tree/big")), big);
            }
        } while (!pair.sender->is_over() && cuts < 500);
        pair.list({"tree"});
        pair.transfer();
        EXPECT_TRUE(pair.is_in_order);
        EXPECT_EQ(tree_of(pair.to()), tree_of(pair.from()));
        EXPECT_LE(received, big.size() + 60'000 + cuts * kChunk);
        EXPECT_TRUE(fs::is_empty(pair.partials()));
    }
}

}  // namespace
}  // namespace pinhole::peer::files
