// Whole transfers by those who want out: whatever names come, and whoever swaps directories for
// links meanwhile, nothing outside the directory changes.
#include <gmock/gmock.h>

#include "tests/unit/peer/files/file_pair.hpp"
#include "tests/unit/peer/files/swapper.hpp"

namespace pinhole::peer::files {
namespace {

namespace fs = std::filesystem;
using test::FilePair;
using test::read_file;
using test::tree_of;
using test::write_file;

constexpr int kNames = 600;

/// Names made of what leads out, what cannot be seen, what stands there, and what is harmless.
class NameMaker {
  public:
    explicit NameMaker(std::uint64_t seed) : random_(seed) {}

    std::string next() {
        std::string out = random_.below(8) == 0 ? "/" : "";
        for (std::uint64_t parts = random_.below(4) + 1; parts > 0; --parts) {
            out += component();
            if (parts > 1) out += random_.below(12) == 0 ? "//" : "/";
        }
        return out.empty() ? "." : out;
    }

  private:
    std::string component() {
        static const std::vector<std::string> kPieces{"..",
                                                      "..",
                                                      ".",
                                                      "link",
                                                      "link",
                                                      "below",
                                                      "file",
                                                      "a",
                                                      "b",
                                                      "outside",
                                                      "...",
                                                      "..\x01",
                                                      "\u202e",
                                                      "\u200d",
                                                      "a\\..\\b",
                                                      "~",
                                                      "-rf",
                                                      "*",
                                                      "%2e%2e",
                                                      ".ssh",
                                                      ".a.part-00000000",
                                                      "\xc0\xae",
                                                      std::string("a\0b", 3),
                                                      "\n",
                                                      std::string(256, 'x')};
        std::string out = kPieces[random_.below(kPieces.size())];
        if (random_.below(6) == 0) out += kPieces[random_.below(kPieces.size())];
        return out;
    }

    pinhole::test::SeededRandom random_;
};

/// A receiver's directory with links that lead out, at its top and below, and what they lead to.
class Escape : public ::testing::Test {
  protected:
    Escape() {
        pair_.list({});
        write_file(outside() / "file", "untouched");
        write_file(outside() / "below/file", "untouched");
        write_file(pair_.to("file"), "stands there");
        fs::create_directories(pair_.to("below"));
        for (const char* link : {"link", "below/link"}) {
            fs::create_directory_symlink(outside(), pair_.to(link));
        }
        fs::create_symlink(outside() / "file", pair_.to("b"));
        before_ = surroundings();
    }

    [[nodiscard]] fs::path outside() const { return pair_.home.path() / "outside"; }
    /// What lies beside the receiver's directory.
    [[nodiscard]] std::map<std::string, std::string> surroundings() const {
        auto all = tree_of(outside());
        for (const auto& entry : fs::directory_iterator{pair_.home.path()}) {
            all["/" + entry.path().filename().string()] = "";
        }
        return all;
    }

    /// The directory where it was, and no link.
    void put_back() const {
        const fs::path directory = pair_.to("tree/d");
        const fs::path link = pair_.to("tree/d.link");
        if (fs::is_symlink(directory)) {
            fs::remove(directory);
            fs::rename(link, directory);
        }
        fs::remove(link);
    }

    FilePair pair_;
    std::map<std::string, std::string> before_;
};

TEST_F(Escape, NoNameLeadsOut) {
    pair_.announced = test::kAnything;
    pair_.conflict = ConflictPolicy::kOverwrite;
    pair_.takes_hidden = true;
    pair_.connect();
    NameMaker names{7};
    std::map<Outcome, int> outcomes;
    for (std::uint32_t number = 0; number < kNames; ++number) {
        const std::string name = names.next().substr(0, kPathBytesMax);
        SCOPED_TRACE(::testing::Message() << "name " << number);
        // No two have a size in common: whatever stands there is another file.
        const ByteVector content(number + 1, std::byte{'x'});
        const Hash hash = hash_of_chunk(content);
        TreeHash tree{content.size()};
        tree.add(hash);
        ByteVector frames;
        append(frames, Offer{.number = number, .size = content.size(), .path = name});
        ASSERT_TRUE(pair_.receiver->on_bytes(frames));
        while (pair_.receiver->has_work()) pair_.receiver->work();
        frames.clear();
        append(frames, Chunk{.number = number, .hash = hash, .bytes = content});
        append(frames, End{.number = number, .hash = tree.value()});
        ASSERT_TRUE(pair_.receiver->on_bytes(frames));
        while (pair_.receiver->has_work()) pair_.receiver->work();
        pair_.receiver->on_sent(pair_.receiver->outgoing().size());
        while (const auto event = pair_.receiver->poll_event()) ++outcomes[event->ending.outcome];
    }
    EXPECT_GT(outcomes[Outcome::kStored], 20) << "some names are names";
    EXPECT_GT(outcomes[Outcome::kBadName], 200);
    EXPECT_GT(outcomes[Outcome::kFailed], 20) << "links were in the way";
    EXPECT_EQ(surroundings(), before_);
}

TEST_F(Escape, ASwappedDirectoryIsNeverWrittenThrough) {
    constexpr int kFiles = 60;
    for (int i = 0; i < kFiles; ++i) {
        write_file(pair_.from("tree/d/" + std::to_string(i)), std::to_string(i));
    }
    fs::create_directories(pair_.to("tree/d"));
    before_ = surroundings();
    pair_.conflict = ConflictPolicy::kOverwrite;
    int stored = 0;
    int refused = 0;
    int swaps = 0;
    for (int round = 0; round < 20 && (stored == 0 || refused == 0); ++round) {
        put_back();
        const test::Swapper swapper{
            pair_.to("tree/d"), outside(), {.times = 300, .pause = std::chrono::microseconds{100}}};
        pair_.list({"tree"});
        pair_.outcomes.clear();
        pair_.transfer();
        ASSERT_TRUE(pair_.is_in_order);
        ASSERT_TRUE(pair_.sender->is_over());
        for (const auto& [path, outcome] : pair_.outcomes) {
            ++(outcome == Outcome::kFailed ? refused : stored);
        }
        swaps += swapper.swaps();
    }
    EXPECT_GT(stored, 0);
    EXPECT_GT(refused, 0);
    EXPECT_GT(swaps, 0);
    EXPECT_EQ(surroundings(), before_);
}

}  // namespace
}  // namespace pinhole::peer::files
