// One entry that the other side offers, from the offer to its end.
//
//     checking -> outcome                   a directory, a bad name, something in the way
//     checking -> hashing what stands there -> comparing -> outcome | opening
//     checking -> opening -> hashing the part -> wanting -> receiving -> storing -> outcome
//     checking -> opening -> wanting -> receiving -> storing -> outcome        without a part
//
// What is not resumed, a small file or one whose size nobody knows yet, has no name at all until it
// is whole, where the file system can do that: nothing of it remains when we are killed.
//
// Never reads or writes more than one chunk in a call, so others have their turns. Whatever ends it
// early leaves the part file, and the next try goes on from there.
#pragma once

#include <optional>
#include <string>
#include <variant>

#include "peer/files/file_protocol.hpp"
#include "peer/files/partial.hpp"
#include "peer/files/target_directory.hpp"

namespace pinhole::peer::files {

/// Where files go, and by which rules. All must outlive whoever receives.
struct Reception {
    TargetDirectory& target;
    PartialStore& partials;
    Random& random;
    /// Whose files.
    std::string sender;
    ConflictPolicy conflict = ConflictPolicy::kSkip;
    bool takes_hidden = false;
};

/// Smaller files are sent again rather than resumed: to note what is here of a small one costs as
/// much as the file. As many as are stored together come to what a cut may cost, a chunk.
inline constexpr std::uint64_t kSmallBytes = 64 * 1024;

/// What became of an entry.
struct Ending {
    Outcome outcome = Outcome::kFailed;
    /// Why, in words for both sides.
    std::string why{};
    /// Where it stands, relative to the target, if it was stored.
    std::string stored_as{};
};

/// What the file says next. `std::monostate`: nothing yet, or nothing more.
using FileStep = std::variant<std::monostate, Want, Compare, Ending>;

class IncomingFile {
  public:
    /// An offer with a path of our own.
    struct Entry {
        std::uint32_t number = 0;
        EntryKind kind = EntryKind::kFile;
        FileFacts facts;
        std::string path;
    };

    IncomingFile(const Reception& reception, Entry entry);

    /// It has something to do without the other side.
    [[nodiscard]] bool is_checking() const;
    /// Does some of that: at most one chunk is read.
    [[nodiscard]] FileStep check();

    /// All of these: nothing when the other side may not say that now.
    [[nodiscard]] std::optional<FileStep> on_chunk(const Chunk& chunk);
    [[nodiscard]] std::optional<FileStep> on_end(const End& end);

    /// All of it has come: it waits to be synced and named. Several at once cost little more than
    /// one, so whoever receives does it for all that wait: each is synced, then each is named, then
    /// the directories are synced.
    [[nodiscard]] bool is_storing() const { return state_ == State::kStoring; }
    /// An ending when the disk fails.
    [[nodiscard]] FileStep sync();
    [[nodiscard]] Ending name();
    /// After `name`. False when that failed.
    bool sync_directory() const;

    [[nodiscard]] const Entry& entry() const { return entry_; }
    /// Of the file; of what has come of it while its size is not known.
    [[nodiscard]] std::uint64_t size() const { return is_growing_ ? grown_ : entry_.facts.size; }
    /// Bytes of the file that are on the disk, as far as was looked.
    [[nodiscard]] std::uint64_t bytes_written() const;
    /// Chunks of it may come now.
    [[nodiscard]] bool takes_chunks() const {
        return state_ == State::kWanting || state_ == State::kReceiving;
    }
    [[nodiscard]] bool is_small() const { return !is_growing_ && entry_.facts.size <= kSmallBytes; }
    /// Files are open while nothing comes.
    [[nodiscard]] bool holds_files() const {
        return (part_ || partial_ || standing_) && !is_storing();
    }

  private:
    enum class State : std::uint8_t {
        kChecking,
        kHashingStanding,
        kComparing,
        kOpening,
        kHashingPart,
        kWanting,
        kReceiving,
        kStoring,
        kOver,
    };

    [[nodiscard]] FileStep look();
    [[nodiscard]] FileStep hash_standing();
    [[nodiscard]] FileStep compare();
    [[nodiscard]] FileStep meet_conflict();
    [[nodiscard]] FileStep open();
    [[nodiscard]] FileStep hash_part();
    [[nodiscard]] FileStep want();
    [[nodiscard]] FileStep write(const Chunk& chunk);
    [[nodiscard]] Disk<Partial> open_partial() const;
    /// It may come without a name, since nobody resumes it.
    [[nodiscard]] bool goes_without_part() const { return is_growing_ || is_small(); }
    /// Opens what `want` left closed.
    [[nodiscard]] Disk<void> prepare();
    [[nodiscard]] Disk<void> prepare_part();
    /// The next chunk may be this one.
    [[nodiscard]] bool fits(const Chunk& chunk, std::uint32_t expected) const;
    /// Nothing of it remains.
    void forget_part();
    [[nodiscard]] Ending over(Outcome outcome, std::string why);
    [[nodiscard]] Ending over(std::errc error);

    const Reception& reception_;
    Entry entry_;
    /// Its size is not known, and it has grown to so much.
    bool is_growing_;
    std::uint64_t grown_ = 0;
    State state_ = State::kChecking;
    std::optional<Place> place_;
    std::optional<UniqueFd> standing_;
    /// It became another file while we read it.
    bool standing_changes_ = false;
    /// Of the sender's file, when it was asked to compare.
    std::optional<Hash> theirs_;
    /// Nothing for a file without a name.
    std::optional<Partial> partial_;
    UniqueFd part_;
    /// Of the chunks that are in the part file, or of those that stand there.
    TreeHash tree_;
    ByteVector buffer_;
};

/// Why the disk did not do it, as words for both sides, and as what the sender's program reads.
[[nodiscard]] std::string words_of(std::errc error);
[[nodiscard]] Outcome outcome_of(std::errc error);

}  // namespace pinhole::peer::files
