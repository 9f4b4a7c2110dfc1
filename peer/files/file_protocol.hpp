// What two `peer` tools say to each other inside a stream of kind `kFiles`.
//
// Who opens the stream sends. Its argument says what is to come, for the other side's progress:
//
//     | version (1) | entries (4) | bytes (8) | length (1) | name | manifest (0 or 32) | ...
//     later versions may append
//
// `name` is what all entries are or lie in, or nothing when there is no such name: what a person is
// asked about. No more entries and bytes are offered than that, and none outside of it. `manifest`
// stands for the list of all that the sender's user named, with what is through already
// (source_tree.hpp): by it a receiver knows the rest of what was agreed to from another offer.
//
// Each way carries frames, `| kind (1) | length (4) | body |`. From the sender:
//
//     offer    | 1 | number (4) | kind (1) | flags (1) | size (8) | mtime (8) | path |
//     chunk    | 2 | number (4) | index (4) | hash (32) | 1 byte to 256 KiB |
//     end      | 3 | number (4) | tree hash (32) |           that was all of it
//     withdraw | 4 | number (4) |                            it cannot be read any more
//
// and from the receiver:
//
//     want     | 5 | number (4) | chunks (4) | tree hash (32) |    so many are here
//     compare  | 6 | number (4) |                            a file of this size is here
//     got      | 7 | number (4) | bytes (8) |                of the file, here
//     outcome  | 8 | number (4) | outcome (1) | UTF-8, 0 to 300 bytes |
//
// Entries are numbered from 0 in the order of their offers. At most `kOffersMax` are open, which
// is without `outcome` or `withdraw`. The receiver answers each offer with `want`, `compare` or
// `outcome`. To `want` the sender says the chunks from `chunks` on if its own file begins with
// those (tree_hash.hpp), else all from 0, and then `end`. To `compare` it says `end` alone, and the
// receiver goes on with `outcome` or `want`: whoever has a file already never tells its hash, from
// which a stranger could guess what is in it. A file is stored when `outcome` says so: it is then
// on the disk, whole and under its name.
//
// An offer's kind is 1 for a file and 2 for a directory, mtime is in nanoseconds since 1970, flag 1
// is an executable. Flag 2 is a file whose size nobody knows yet, with 0 in its place (and 2^64-1
// in that of the announcement's bytes): its chunks come as it comes into being, each of 1 MiB but
// the last, until `end`; it is never compared or resumed, so `want` asks for all of it. `got` is
// also a sign of life while a part is looked through. Anything may stand in a stream: parsers
// return a `Drop`, and whoever gets one resets the stream.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "peer/files/entry_name.hpp"
#include "peer/files/tree_hash.hpp"
#include "shared/base/bytes.hpp"
#include "shared/base/result.hpp"

namespace pinhole::peer::files {

inline constexpr std::uint8_t kFilesVersion = 1;
/// Enough to keep a long path full of small files.
inline constexpr std::size_t kOffersMax = 64;
/// Of one stream: what fits into memory without a thought.
inline constexpr std::uint32_t kEntriesMax = 100'000;
inline constexpr std::size_t kOutcomeTextMax = 300;
inline constexpr std::size_t kFrameHeadSize = 5;
/// The head of a `chunk`, its frame's included.
inline constexpr std::size_t kChunkHeadSize = kFrameHeadSize + 4 + 4 + 32;

/// The argument of the stream. `bytes` may be `kSizeUnknown`.
struct Announcement {
    std::uint8_t version = kFilesVersion;
    std::uint32_t entries = 0;
    std::uint64_t bytes = 0;
    /// Anything may stand in it: sanitise it.
    std::string name{};
    /// Nothing from those who do not know it, and for what cannot be sent twice.
    std::optional<Hash> manifest{};

    friend bool operator==(const Announcement&, const Announcement&) = default;
};

enum class EntryKind : std::uint8_t { kFile = 1, kDirectory = 2 };

enum class Outcome : std::uint8_t {
    kStored = 1,
    kPresent = 2,  ///< the same file is there already
    kSkipped = 3,  ///< another one of this name is there, and stays
    kBadName = 4,
    kNoSpace = 5,
    kDamaged = 6,  ///< a hash is not that of the bytes
    kBusy = 7,     ///< another transfer of the same file is under way, or its name is in use
    kFailed = 8,   ///< the text says why
};

/// `path` is borrowed. The size of a file may be `kSizeUnknown`.
struct Offer {
    std::uint32_t number = 0;
    EntryKind kind = EntryKind::kFile;
    bool is_executable = false;
    std::uint64_t size = 0;
    std::int64_t mtime = 0;
    std::string_view path{};

    friend bool operator==(const Offer&, const Offer&) = default;
};
/// `bytes` are borrowed.
struct Chunk {
    std::uint32_t number = 0;
    std::uint32_t index = 0;
    Hash hash{};
    Bytes bytes{};

    friend bool operator==(const Chunk& a, const Chunk& b) {
        return a.number == b.number && a.index == b.index && a.hash == b.hash &&
               same_bytes(a.bytes, b.bytes);
    }
};
struct End {
    std::uint32_t number = 0;
    Hash hash{};

    friend bool operator==(const End&, const End&) = default;
};
struct Withdraw {
    std::uint32_t number = 0;

    friend bool operator==(const Withdraw&, const Withdraw&) = default;
};
struct Want {
    std::uint32_t number = 0;
    std::uint32_t chunks = 0;
    Hash hash{};

    friend bool operator==(const Want&, const Want&) = default;
};
struct Compare {
    std::uint32_t number = 0;

    friend bool operator==(const Compare&, const Compare&) = default;
};
struct Got {
    std::uint32_t number = 0;
    std::uint64_t bytes = 0;

    friend bool operator==(const Got&, const Got&) = default;
};
/// `text` is borrowed.
struct EntryOutcome {
    std::uint32_t number = 0;
    Outcome outcome = Outcome::kFailed;
    std::string_view text{};

    friend bool operator==(const EntryOutcome&, const EntryOutcome&) = default;
};

using Frame = std::variant<Offer, Chunk, End, Withdraw, Want, Compare, Got, EntryOutcome>;

/// Drops: kRunt, kBadLength, kUnknownVersion, kBadField.
[[nodiscard]] Parsed<Announcement> parse_announcement(Bytes argument);
[[nodiscard]] ByteVector encode(const Announcement& announcement);

/// How long the body of such a frame may be. Drops: kUnknownFrame.
[[nodiscard]] Parsed<std::size_t> body_size_max(std::uint8_t kind);

/// One frame, its head included. The path of an offer is not judged (entry_name.hpp).
/// Drops: kRunt, kBadLength, kBadField, kUnknownFrame.
[[nodiscard]] Parsed<Frame> parse_frame(Bytes frame);

/// Appends `frame` to `out`.
void append(ByteVector& out, const Frame& frame);
/// Writes the head of a chunk whose `size` bytes follow it; `out` has `kChunkHeadSize`.
void write_chunk_head(MutableBytes out, const Chunk& chunk);

}  // namespace pinhole::peer::files
