// What people read of transfers. Pure functions; what comes from the other side is sanitised here.
#pragma once

#include <string>

#include "peer/files/file_protocol.hpp"
#include "shared/base/time.hpp"

namespace pinhole::peer::files {

/// How much is said of each transfer.
enum class Telling : std::uint8_t {
    kAll,    ///< its begin, its files while they are few, its end
    kBrief,  ///< its end alone, and what goes wrong: between the lines of a talk
};

/// Each file of a small transfer is worth a line.
inline constexpr std::size_t kToldOneByOne = 10;

[[nodiscard]] constexpr bool is_there(Outcome outcome) {
    return outcome == Outcome::kStored || outcome == Outcome::kPresent;
}

/// "photo.jpg", or "3 files" for what has no name in common.
[[nodiscard]] std::string title_words(const Announcement& announcement);
/// "2.0 MiB", "size not known"
[[nodiscard]] std::string size_or_unknown(std::uint64_t bytes);
/// "12 files, 31 MiB"
[[nodiscard]] std::string amount_words(const Announcement& announcement);
/// "photo.jpg (2.0 MiB)", "photos (12 files, 31 MiB)", "3 files (2.0 MiB)"
[[nodiscard]] std::string offer_words(const Announcement& announcement);

/// A transfer that came to its end.
struct TransferEnd {
    /// What was sent, when one word says it and all of it is there; else empty.
    std::string title{};
    std::uint64_t files = 0;
    std::uint64_t failed = 0;
    /// Of files that are there, and of those that this transfer carried.
    std::uint64_t bytes = 0;
    std::uint64_t carried = 0;
    Duration time{1};
    /// The receiver's directory; empty where it is known without words.
    std::string where{};
};
/// "3 of 4 files stored, 3.0 MiB, in 2 s (1.5 MiB/s)"
[[nodiscard]] std::string end_words(const TransferEnd& end);

}  // namespace pinhole::peer::files
