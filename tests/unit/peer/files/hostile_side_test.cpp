// Either side may say any frame at any time: the other one neither breaks nor believes it.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/unit/peer/files/file_pair.hpp"

namespace pinhole::peer::files {
namespace {

namespace fs = std::filesystem;
using test::FilePair;
using test::read_file;
using test::tree_of;
using test::write_file;

/// Numbers and values that are mostly near what could be meant.
class Liar {
  public:
    explicit Liar(std::uint64_t seed) : random_(seed) {}

    std::uint32_t number() { return static_cast<std::uint32_t>(random_.below(4)); }
    /// Empty files are the easiest to be true about.
    std::uint64_t size() { return random_.below(3) > 0 ? 0 : random_.below(9); }
    Hash hash() {
        if (random_.below(2) == 0) return TreeHash{size()}.value();
        return hash_of_chunk(content_);
    }
    ByteVector content() {
        content_.assign(random_.below(9), std::byte{'x'});
        return content_;
    }
    std::string_view path() {
        constexpr std::array<std::string_view, 6> kPaths{"a", "b/c",  "standing",
                                                         "b", "../x", "a/d"};
        return kPaths.at(random_.below(kPaths.size()));
    }
    std::uint64_t below(std::uint64_t bound) { return random_.below(bound); }

    /// The next offer has the number that is expected, so that some are taken.
    ByteVector sender_frame() {
        ByteVector out;
        const ByteVector bytes = content();
        switch (below(5)) {
            case 0:
            case 1: append(out, Offer{.number = offers_++, .size = size(), .path = path()}); break;
            case 2:
                if (bytes.empty()) return out;
                append(out, Chunk{.number = number(), .hash = hash(), .bytes = bytes});
                break;
            case 3: append(out, End{.number = number(), .hash = hash()}); break;
            case 4: append(out, Withdraw{number()}); break;
        }
        return out;
    }
    ByteVector receiver_frame() {
        ByteVector out;
        const auto chunks = static_cast<std::uint32_t>(below(4));
        switch (below(4)) {
            case 0: append(out, Want{.number = number(), .chunks = chunks, .hash = hash()}); break;
            case 1: append(out, Compare{number()}); break;
            case 2: append(out, Got{.number = number(), .bytes = below(9)}); break;
            case 3:
                append(out, EntryOutcome{.number = number(),
                                         .outcome = static_cast<Outcome>(below(8) + 1),
                                         .text = "\x1b[2J"});
                break;
        }
        return out;
    }

  private:
    pinhole::test::SeededRandom random_;
    ByteVector content_;
    std::uint32_t offers_ = 0;
};

TEST(HostileSide, ASenderWhoSaysAnythingChangesNothingElsewhere) {
    FilePair pair;
    pair.list({});
    pair.announced = test::kAnything;
    pair.conflict = ConflictPolicy::kRename;
    write_file(pair.to("standing"), "12345");
    write_file(pair.home.path() / "x", "outside");
    int refused = 0;
    int stored = 0;
    for (std::uint64_t seed = 1; seed <= 400; ++seed) {
        SCOPED_TRACE(::testing::Message() << "seed " << seed);
        Liar liar{seed};
        pair.connect();
        for (int i = 0; i < 30; ++i) {
            if (!pair.receiver->on_bytes(liar.sender_frame())) {
                ++refused;
                break;
            }
            for (std::uint64_t turns = liar.below(4); turns > 0; --turns) pair.receiver->work();
            while (const auto event = pair.receiver->poll_event()) {
                if (event->ending.outcome == Outcome::kStored) ++stored;
            }
        }
    }
    EXPECT_GT(refused, 0);
    EXPECT_GT(stored, 0);
    EXPECT_EQ(read_file(pair.to("standing")), "12345");
    EXPECT_EQ(read_file(pair.home.path() / "x"), "outside");
    EXPECT_TRUE(fs::is_empty(pair.from()));
    for (const auto& [path, content] : tree_of(pair.to())) {
        // Only what had the hash that it was said to have.
        EXPECT_EQ(content.find_first_not_of('x') == std::string::npos, path != "standing") << path;
    }
}

TEST(HostileSide, AReceiverWhoSaysAnythingEndsTheStreamOrIsServed) {
    FilePair pair;
    for (const char* name : {"a", "b", "c"}) write_file(pair.from(name), std::string(7, *name));
    int refused = 0;
    int over = 0;
    for (std::uint64_t seed = 1; seed <= 400; ++seed) {
        SCOPED_TRACE(::testing::Message() << "seed " << seed);
        Liar liar{seed};
        pair.list({"a", "b", "c"});
        pair.connect();
        pair.sender->work();
        for (int i = 0; i < 30 && !pair.sender->is_over(); ++i) {
            if (!pair.sender->on_bytes(liar.receiver_frame())) {
                ++refused;
                break;
            }
            for (std::uint64_t turns = liar.below(4); turns > 0; --turns) pair.sender->work();
            pair.sender->on_sent(pair.sender->outgoing().size());
        }
        if (pair.sender->is_over()) ++over;
    }
    EXPECT_GT(refused, 0);
    EXPECT_GT(over, 0);
}

TEST(HostileSide, OffersHaveABound) {
    FilePair pair;
    pair.list({});
    pair.announced = test::kAnything;
    pair.connect();
    ByteVector frame;
    for (std::uint32_t number = 0; number < kOffersMax; ++number) {
        frame.clear();
        append(frame, Offer{.number = number, .size = 1, .path = "a"});
        ASSERT_TRUE(pair.receiver->on_bytes(frame));
    }
    frame.clear();
    append(frame, Offer{.number = kOffersMax, .size = 1, .path = "a"});
    EXPECT_FALSE(pair.receiver->on_bytes(frame));
}

TEST(HostileSide, NothingIsOfferedThatWasNotAnnounced) {
    FilePair pair;
    pair.list({});
    const auto takes = [&](const Announcement& announced, std::vector<Offer> offers) {
        pair.announced = announced;
        pair.connect();
        ByteVector frames;
        std::uint32_t number = 0;
        for (Offer& offer : offers) {
            offer.number = number++;
            append(frames, offer);
        }
        return pair.receiver->on_bytes(frames);
    };
    const Announcement photo{.entries = 1, .bytes = 9, .name = "photo"};
    EXPECT_TRUE(takes(photo, {{.size = 9, .path = "photo"}}));
    EXPECT_TRUE(takes(photo, {{.size = 9, .path = "photo/below"}}));
    EXPECT_FALSE(takes(photo, {{.size = 10, .path = "photo"}}));
    EXPECT_FALSE(takes(photo, {{.size = 9, .path = "other"}}));
    EXPECT_FALSE(takes(photo, {{.size = 9, .path = "photograph"}}));
    EXPECT_FALSE(takes(photo, {{.path = "photo/a"}, {.path = "photo/b"}}));
    const Announcement two{.entries = 2, .bytes = 9};
    EXPECT_TRUE(takes(two, {{.size = 4, .path = "a"}, {.size = 5, .path = "b"}}));
    EXPECT_FALSE(takes(two, {{.size = 5, .path = "a"}, {.size = 5, .path = "b"}}));
}

TEST(HostileSide, AFileOfUnknownSizeHasFullChunksButTheLast) {
    FilePair pair;
    pair.list({});
    const auto takes = [&](const std::vector<std::size_t>& sizes) {
        pair.announced = Announcement{.entries = 1, .bytes = kSizeUnknown};
        pair.connect();
        ByteVector stream;
        append(stream, Offer{.size = kSizeUnknown, .path = "log"});
        EXPECT_TRUE(pair.receiver->on_bytes(stream));
        while (pair.receiver->has_work()) pair.receiver->work();
        std::uint32_t index = 0;
        for (const std::size_t size : sizes) {
            const ByteVector content(size, std::byte{'x'});
            stream.clear();
            append(stream,
                   Chunk{.index = index++, .hash = hash_of_chunk(content), .bytes = content});
            if (!pair.receiver->on_bytes(stream)) return false;
        }
        return true;
    };
    EXPECT_TRUE(takes({kChunkBytes, kChunkBytes, 1}));
    EXPECT_FALSE(takes({kChunkBytes, 1, 1}));
    EXPECT_FALSE(takes({kChunkBytes - 1, kChunkBytes}));
    EXPECT_TRUE(fs::is_empty(pair.to())) << "nothing has its name before its end";
    // Who was told a size is not sent a file without one.
    pair.announced = Announcement{.entries = 1, .bytes = 5};
    pair.connect();
    ByteVector stream;
    append(stream, Offer{.size = kSizeUnknown, .path = "log"});
    EXPECT_FALSE(pair.receiver->on_bytes(stream));
}

TEST(HostileSide, AChunkWithAnotherHashIsNeverStored) {
    FilePair pair;
    pair.list({});
    pair.announced = test::kAnything;
    pair.connect();
    ByteVector stream;
    const ByteVector content(5, std::byte{'x'});
    append(stream, Offer{.size = 5, .path = "a"});
    ASSERT_TRUE(pair.receiver->on_bytes(stream));
    while (pair.receiver->has_work()) pair.receiver->work();
    stream.clear();
    append(stream, Chunk{.hash = {}, .bytes = content});
    ASSERT_TRUE(pair.receiver->on_bytes(stream));
    const auto event = pair.receiver->poll_event();
    ASSERT_TRUE(event);
    EXPECT_EQ(event->ending.outcome, Outcome::kDamaged);
    EXPECT_FALSE(fs::exists(pair.to("a")));
    // What is still on its way to it is no fault.
    stream.clear();
    append(stream, End{});
    EXPECT_TRUE(pair.receiver->on_bytes(stream));
}

/// Leads every file that is open below `root` to where nothing can be synced.
int break_files_below(const fs::path& root) {
    int broken = 0;
    const std::string inside = fs::canonical(root).string() + "/";
    const int nowhere = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    for (const auto& entry : fs::directory_iterator{"/proc/self/fd"}) {
        std::error_code gone;
        const std::string leads_to = fs::read_symlink(entry.path(), gone).string();
        if (gone || !leads_to.starts_with(inside)) continue;
        if (::dup2(nowhere, std::stoi(entry.path().filename().string())) >= 0) ++broken;
    }
    ::close(nowhere);
    return broken;
}

TEST(HostileSide, ASecondEndOfAFileThatWaitsForTheDiskIsNoSecondFile) {
    FilePair pair;
    pair.list({});
    pair.announced = test::kAnything;
    pair.connect();
    ByteVector stream;
    append(stream, Offer{.size = 5, .path = "a"});
    ASSERT_TRUE(pair.receiver->on_bytes(stream));
    while (pair.receiver->has_work()) pair.receiver->work();
    const ByteVector content(5, std::byte{'x'});
    TreeHash tree{5};
    tree.add(hash_of_chunk(content));
    ByteVector end;
    append(end, End{.hash = tree.value()});
    stream.clear();
    append(stream, Chunk{.hash = hash_of_chunk(content), .bytes = content});
    ASSERT_TRUE(pair.receiver->on_bytes(stream));
    ASSERT_TRUE(pair.receiver->on_bytes(end));
    ASSERT_FALSE(pair.receiver->on_bytes(end));
    // What becomes of it is told once, the worst as well.
    ASSERT_EQ(break_files_below(pair.to()), 1);
    pair.receiver->store();
    const auto event = pair.receiver->poll_event();
    ASSERT_TRUE(event);
    EXPECT_EQ(event->ending.outcome, Outcome::kFailed);
    EXPECT_FALSE(pair.receiver->poll_event());
}

}  // namespace
}  // namespace pinhole::peer::files
