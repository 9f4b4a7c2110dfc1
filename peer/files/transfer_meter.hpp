// How far a transfer is, how fast, and how long it will take. Counts what the other side has.
//
// Time is an argument; nothing is repainted here, only asked for.
#pragma once

#include <optional>
#include <string>

#include "shared/base/time.hpp"
#include "shared/wire/id.hpp"

namespace pinhole::peer::files {

/// Which way it goes, as seen by whoever tells of it.
enum class Way : std::uint8_t { kSend, kReceive };

/// Between two looks at a progress line.
inline constexpr Duration kRepaintTime = 250ms;
/// Then the other side counts as silent.
inline constexpr Duration kSilentTime = 3s;
/// Then a transfer is worth a line on its way.
inline constexpr Duration kLongTime = 10s;

class TransferMeter {
  public:
    /// Counting begins now: what is there already makes nothing faster.
    void begin(Instant now, std::uint64_t bytes_done);
    void update(Instant now, std::uint64_t bytes_done);

    /// Bytes a second, smoothed over some seconds; 0 while nothing is known.
    [[nodiscard]] double rate() const { return rate_; }
    /// Until `bytes_total` are there.
    [[nodiscard]] std::optional<Duration> time_left(std::uint64_t bytes_total) const;
    /// True once for each quarter of the way, but the last, that a transfer has behind it which
    /// takes longer than `kLongTime`; once for several that it came through at a time.
    [[nodiscard]] bool take_quarter(Instant now, std::uint64_t bytes_total);
    /// Nothing has moved for `kSilentTime`.
    [[nodiscard]] bool is_silent(Instant now) const { return now >= moved_at_ + kSilentTime; }

  private:
    Instant began_at_{};
    Instant moved_at_{};
    Instant measured_at_{};
    std::uint64_t measured_ = 0;
    std::uint64_t done_ = 0;
    double rate_ = 0;
    /// Of which the user heard.
    unsigned quarters_ = 0;
};

/// A transfer at one moment. Files that are through count, however they ended.
struct TransferState {
    Way way = Way::kSend;
    wire::Id peer;
    /// "photo.jpg"
    std::string title{};
    std::uint64_t files = 0;
    std::uint64_t files_total = 0;
    std::uint64_t bytes = 0;
    /// Or `kSizeUnknown`.
    std::uint64_t bytes_total = 0;
    /// Bytes a second.
    double rate = 0;
    std::optional<Duration> time_left{};
    bool is_silent = false;
    /// Another quarter of it is there since the last look.
    bool has_new_quarter = false;
};
/// "sending 3 of 12 files: 1.2 GiB of 4.0 GiB (30 %), 11.3 MiB/s, 4 min 10 s left"
[[nodiscard]] std::string progress_words(const TransferState& state);

}  // namespace pinhole::peer::files
