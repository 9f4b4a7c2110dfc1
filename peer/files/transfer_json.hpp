// The events of transfers as JSON lines (json_lines.hpp says how these are made). Pure functions.
#pragma once

#include <optional>
#include <string>

#include "peer/files/file_protocol.hpp"
#include "peer/files/transfer_meter.hpp"
#include "shared/wire/id.hpp"

namespace pinhole::peer::files::json {

using wire::Id;

/// A stream stands: so much is to come on it.
[[nodiscard]] std::string transfer_started(Way way, const Id& peer,
                                           const Announcement& announcement);

struct FileEvent {
    Way way = Way::kSend;
    Id peer;
    std::string path;
    std::uint64_t size = 0;
    /// Nothing: the sender could not read it.
    std::optional<Outcome> outcome;
    std::string why{};
    /// Where it stands now, when that is known and it was stored.
    std::string stored_as{};
};
/// A file is through.
[[nodiscard]] std::string file(const FileEvent& event);
/// It goes on where an earlier try ended.
[[nodiscard]] std::string file_resumed(const Id& peer, std::string_view path, std::uint64_t bytes);
/// A file of the sender's that was never offered.
[[nodiscard]] std::string file_left_out(std::string_view path, std::string_view why);

[[nodiscard]] std::string progress(const TransferState& state);

struct TransferEvent {
    Way way = Way::kSend;
    Id peer;
    /// Of all files, and of those that are not at the receiver.
    std::uint64_t files = 0;
    std::uint64_t failed = 0;
    std::uint64_t bytes = 0;
    /// Bytes of files that this connection carried: less than `bytes` after a resumption.
    std::uint64_t carried = 0;
    /// Of a sender: bytes of files that this connection was given, here or lost.
    std::optional<std::uint64_t> sent{};
};
[[nodiscard]] std::string transfer_ended(const TransferEvent& event);
/// The connection went; what is missing comes over the next.
[[nodiscard]] std::string transfer_cut(const TransferEvent& event);

[[nodiscard]] std::string_view token_of(Outcome outcome);

}  // namespace pinhole::peer::files::json
