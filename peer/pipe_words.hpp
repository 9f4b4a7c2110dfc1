// What a pipe says for itself: how much it carried, and why it is none. Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "peer/pipe_flow.hpp"
#include "peer/problems.hpp"

namespace pinhole::peer {

struct PipeTotals {
    Id peer;
    std::uint64_t sent = 0;
    std::uint64_t confirmed = 0;
    std::uint64_t received = 0;
    Duration time{};
};
/// "sent 12.0 MiB to bob and received 3 bytes in 1.2 s (10.0 MiB/s)".
[[nodiscard]] std::string words_of(const PipeTotals& totals);

/// The peer does not take our pipe. `text` is the peer's, and may hold anything.
struct PipeRefusal {
    Id peer;
    Refusal reason = Refusal::kNoSuchService;
    std::string_view text;
    Id self;
    std::string via;
};
[[nodiscard]] Problem pipe_refused(const PipeRefusal& refusal);

/// It stood and ended before its time.
struct PipeBreak {
    Id peer;
    PipeEnd end = PipeEnd::kLost;
    /// An errno, where our input or output is to blame.
    int error = 0;
    std::uint64_t sent = 0;
    std::uint64_t confirmed = 0;
    std::uint64_t received = 0;
};
[[nodiscard]] Problem pipe_broken(const PipeBreak& broken);

/// `peer` is nobody for whom waits for anybody.
[[nodiscard]] Problem pipe_timed_out(const std::optional<Id>& peer, bool was_connected);

namespace json {
/// At the end of a pipe, whether good or not.
[[nodiscard]] std::string pipe(const PipeTotals& totals);
}  // namespace json

}  // namespace pinhole::peer
