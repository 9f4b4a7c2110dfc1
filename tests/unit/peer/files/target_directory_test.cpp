// Nothing outside the directory changes, whatever names come and whoever works against us.
#include "peer/files/target_directory.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/peer/files/file_pair.hpp"
#include "tests/unit/peer/files/hostile_names.hpp"
#include "tests/unit/peer/files/swapper.hpp"

namespace pinhole::peer::files {
namespace {

namespace fs = std::filesystem;
using test::FilePair;
using test::read_file;
using test::tree_of;
using test::write_file;
using ::testing::ElementsAre;
using ::testing::Pair;

/// A directory to receive into, and one beside it that must stay as it is.
class Target : public ::testing::Test {
  protected:
    Target() {
        fs::create_directory(inside());
        write_file(outside("file"), "untouched");
        before_ = tree_of(outside());
    }
    ~Target() override { EXPECT_EQ(tree_of(outside()), before_); }

    [[nodiscard]] fs::path inside(const std::string& name = {}) const {
        return home_.path() / "inside" / name;
    }
    [[nodiscard]] fs::path outside(const std::string& name = {}) const {
        return home_.path() / "outside" / name;
    }

    /// Receives a file of that path without a look at its name, as far as it goes.
    static Disk<std::string> store(const TargetDirectory& target, std::string_view path,
                                   ConflictPolicy conflict = ConflictPolicy::kOverwrite) {
        const auto place = target.place_of(path, true);
        if (!place) return failure(place.error());
        const auto part = make_part(*place, "0123abcd");
        if (!part) return failure(part.error());
        const FileFacts facts{.size = 5};
        auto done = write_at(part->get(), as_bytes("bytes"), 0);
        if (!done) return failure(done.error());
        auto name = name_file(*place, {.part_fd = part->get(),
                                       .suffix = "0123abcd",
                                       .facts = facts,
                                       .mode = target.mode_of(facts),
                                       .conflict = conflict});
        if (!name) remove_part(*place, "0123abcd");
        return name;
    }

  private:
    pinhole::test::TemporaryDirectory home_;
    std::map<std::string, std::string> before_;
};

TEST_F(Target, AFileGetsItsNameAndPermissions) {
    const TargetDirectory target{inside()};
    EXPECT_EQ(store(target, "a/b/c.txt"), "c.txt");
    EXPECT_EQ(read_file(inside("a/b/c.txt")), "bytes");
    const mode_t mask = ::umask(0);
    ::umask(mask);
    struct stat status{};
    ASSERT_EQ(::stat(inside("a/b/c.txt").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777U, 0666U & ~mask);
    EXPECT_EQ(target.mode_of({.is_executable = true}), 0777U & ~mask);
}

TEST_F(Target, IsMadeWhereOnlyItsLastNameIsMissing) {
    const TargetDirectory target{inside("new")};
    EXPECT_TRUE(fs::is_directory(inside("new")));
    EXPECT_THROW(TargetDirectory{inside("no/such")}, std::system_error);
    write_file(inside("file"), "");
    EXPECT_THROW(TargetDirectory{inside("file")}, std::system_error);
}

TEST_F(Target, ALinkInAnyPositionIsNotFollowed) {
    const TargetDirectory target{inside()};
    fs::create_directories(inside("a/b"));
    for (const char* link : {"l", "a/l", "a/b/l"}) {
        fs::create_directory_symlink(outside(), inside(link));
        for (const char* below : {"/file", "/x", "/d/x"}) {
            EXPECT_EQ(store(target, std::string{link} + below).error(),
                      std::errc::too_many_symbolic_link_levels)
                << link << below;
        }
        EXPECT_FALSE(target.make_directory(std::string{link} + "/d"));
    }
    // One that stays inside is one all the same: who made it could turn it.
    fs::create_directory_symlink(inside("a"), inside("here"));
    EXPECT_FALSE(store(target, "here/x"));
}

TEST_F(Target, ALinkAtTheNameIsReplacedOrLeftAndNeverWrittenThrough) {
    const TargetDirectory target{inside()};
    fs::create_symlink(outside("file"), inside("name"));
    fs::create_symlink(outside("none"), inside("dangling"));
    EXPECT_EQ(store(target, "name", ConflictPolicy::kSkip).error(), std::errc::file_exists);
    EXPECT_EQ(store(target, "dangling", ConflictPolicy::kRename), "dangling (1)");
    EXPECT_TRUE(fs::is_symlink(inside("name")));
    EXPECT_EQ(store(target, "name"), "name");
    EXPECT_FALSE(fs::is_symlink(inside("name")));
    // The part file's own name.
    fs::create_symlink(outside("file"), inside(part_name("other", "0123abcd")));
    EXPECT_EQ(store(target, "other").error(), std::errc::file_exists);
}

TEST_F(Target, APartFileThatOthersCouldWriteIsNotOurs) {
    const TargetDirectory target{inside()};
    const auto place = target.place_of("name", true);
    const auto open = [&] { return open_part(*place, "0123abcd"); };
    EXPECT_EQ(open().error(), std::errc::no_such_file_or_directory);
    {
        ASSERT_TRUE(make_part(*place, "0123abcd"));
    }
    EXPECT_TRUE(open());
    const fs::path part = inside(part_name("name", "0123abcd"));
    fs::permissions(part, fs::perms::group_write, fs::perm_options::add);
    EXPECT_FALSE(open());
    fs::permissions(part, fs::perms::group_write, fs::perm_options::remove);
    fs::create_hard_link(part, inside("second name"));
    EXPECT_FALSE(open());
    fs::remove(part);
    fs::create_symlink(inside("second name"), part);
    EXPECT_FALSE(open());
    fs::remove(part);
    ASSERT_EQ(::mkfifo(part.c_str(), 0600), 0);
    EXPECT_FALSE(open());
}

TEST_F(Target, NamesThatAreTooLongForAPartOrANumberAreCut) {
    const TargetDirectory target{inside()};
    std::string name;
    while (name.size() + 2 <= kComponentBytesMax - 4) name += "ü";
    name += ".txt";
    ASSERT_GT(name.size(), kComponentBytesMax - 4);
    EXPECT_TRUE(store(target, name));
    const auto second = store(target, name, ConflictPolicy::kRename);
    ASSERT_TRUE(second);
    EXPECT_LE(second->size(), kComponentBytesMax);
    EXPECT_TRUE(second->ends_with("ü (1).txt")) << *second;
}

TEST_F(Target, NumbersGoBeforeTheExtension) {
    EXPECT_EQ(renamed("a.txt", 1), "a (1).txt");
    EXPECT_EQ(renamed("a", 2), "a (2)");
    EXPECT_EQ(renamed(".profile", 3), ".profile (3)");
    EXPECT_EQ(renamed("a.tar.gz", 4), "a.tar (4).gz");
    EXPECT_EQ(renamed("a.no extension at all", 5), "a.no extension at all (5)");
}

TEST_F(Target, ARaceWithASwappedLinkIsNeverLost) {
    const TargetDirectory target{inside()};
    fs::create_directory(inside("d"));
    int stored = 0;
    int refused = 0;
    {
        const test::Swapper swapper{inside("d"), outside(), {}};
        // On one core the two may take turns that are long.
        for (int i = 0; i < 200'000 && (stored < 2'000 || refused < 500); ++i) {
            const auto place = target.place_of("d/x", true);
            if (!place) {
                ASSERT_EQ(place.error(), std::errc::too_many_symbolic_link_levels);
                ++refused;
                continue;
            }
            ++stored;
            ASSERT_TRUE(make_part(*place, "0123abcd"));
            ASSERT_TRUE(rename_beneath(
                place->directory.get(),
                {.from = part_name("x", "0123abcd"), .to = "file", .replaces = true}));
        }
    }
    EXPECT_GT(stored, 0);
    EXPECT_GT(refused, 0);
}

TEST_F(Target, HostileNamesChangeNothing) {
    FilePair pair;
    pair.list({});
    pair.announced = test::kAnything;
    pair.restart_receiver();
    write_file(pair.to("standing"), "stays");
    const auto before = tree_of(pair.home.path());
    std::uint32_t number = 0;
    pair.connect();
    for (const std::string& name : test::hostile_names()) {
        if (name.empty()) continue;  // Such a frame is no offer.
        ByteVector frame;
        append(frame, Offer{.number = number++, .size = 3, .path = name.substr(0, kPathBytesMax)});
        ASSERT_TRUE(pair.receiver->on_bytes(frame)) << number;
        while (pair.receiver->has_work()) pair.receiver->work();
        while (const auto event = pair.receiver->poll_event()) {
            EXPECT_EQ(event->ending.outcome, Outcome::kBadName);
        }
        pair.receiver->on_sent(pair.receiver->outgoing().size());
    }
    EXPECT_EQ(tree_of(pair.home.path()), before);
}

/// A small disk of its own; skips where we may not make one.
class SmallDisk : public Target {
  protected:
    void SetUp() override {
        if (::mount("none", inside().c_str(), "tmpfs", 0, "size=80m") != 0) {
            GTEST_SKIP() << "a file system can be mounted by root only";
        }
        is_mounted_ = true;
    }
    void TearDown() override {
        if (is_mounted_) ::umount2(inside().c_str(), MNT_DETACH);
    }

  private:
    bool is_mounted_ = false;
};

TEST_F(SmallDisk, LeavesRoomForOthers) {
    const TargetDirectory target{inside()};
    const auto place = target.place_of("x", true);
    EXPECT_TRUE(has_room(*place, std::uint64_t{10} << 20U));
    EXPECT_FALSE(has_room(*place, std::uint64_t{30} << 20U)) << "64 MiB stay free";
    EXPECT_FALSE(has_room(*place, std::uint64_t{1} << 50U));
}

TEST_F(SmallDisk, KeepsRoomForAFileOrSaysThatItCannot) {
    const TargetDirectory target{inside()};
    const auto place = target.place_of("x", true);
    const auto part = make_part(*place, "0123abcd");
    ASSERT_TRUE(part);
    ASSERT_TRUE(write_at(part->get(), as_bytes("bytes"), 0));
    const auto before = fs::space(inside()).available;
    EXPECT_EQ(reserve(part->get(), std::uint64_t{200} << 20U).error(),
              std::errc::no_space_on_device);
    EXPECT_EQ(fs::space(inside()).available, before) << "what it got is given back";
    ASSERT_TRUE(reserve(part->get(), std::uint64_t{20} << 20U));
    EXPECT_LE(fs::space(inside()).available, before - (std::uintmax_t{19} << 20U));
    EXPECT_GE(reserved(part->get()), std::uint64_t{20} << 20U);
    EXPECT_EQ(fs::file_size(inside(part_name("x", "0123abcd"))), 5U);
}

TEST_F(SmallDisk, AFileThatHasBegunHasItsRoomAndALaterOneHasNone) {
    FilePair pair;
    write_file(pair.from("big"), test::content_of(4 * kChunkBytes));
    write_file(pair.from("later"), test::content_of(4 * kChunkBytes));
    pair.list({"big"});
    pair.target = std::make_unique<TargetDirectory>(inside());
    pair.store = std::make_unique<PartialStore>(pair.home.path() / "state", pair.random);
    pair.connect();
    while (pair.receiver->bytes_received() < 2 * kChunkBytes) ASSERT_TRUE(pair.step());
    // Somebody else takes the rest.
    std::ofstream other{inside("other"), std::ios::binary};
    const std::string block(kChunkBytes, 'x');
    while (other.write(block.data(), static_cast<std::streamsize>(block.size())).flush()) {
    }
    pair.run();
    EXPECT_EQ(pair.outcomes["big"], Outcome::kStored);
    pair.list({"later"});
    pair.transfer();
    EXPECT_TRUE(pair.is_in_order);
    EXPECT_EQ(pair.outcomes["later"], Outcome::kNoSpace);
    EXPECT_FALSE(fs::exists(inside("later")));
}

TEST_F(SmallDisk, OneThatFillsBeforeTheFirstChunkEndsTheFile) {
    FilePair pair;
    write_file(pair.from("big"), test::content_of(4 * kChunkBytes));
    pair.list({"big"});
    pair.target = std::make_unique<TargetDirectory>(inside());
    pair.store = std::make_unique<PartialStore>(pair.home.path() / "state", pair.random);
    pair.connect();
    pair.sender->work();
    ASSERT_TRUE(pair.receiver->on_bytes(pair.sender->outgoing()));
    pair.sender->on_sent(pair.sender->outgoing().size());
    while (pair.receiver->has_work()) pair.receiver->work();
    ASSERT_FALSE(pair.receiver->outgoing().empty()) << "it wants the file";
    std::ofstream other{inside("other"), std::ios::binary};
    const std::string block(kChunkBytes, 'x');
    while (other.write(block.data(), static_cast<std::streamsize>(block.size())).flush()) {
    }
    pair.run();
    EXPECT_TRUE(pair.is_in_order);
    EXPECT_EQ(pair.outcomes["big"], Outcome::kNoSpace);
    EXPECT_FALSE(fs::exists(inside("big")));
}

}  // namespace
}  // namespace pinhole::peer::files
