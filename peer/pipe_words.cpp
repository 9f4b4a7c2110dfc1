#include "peer/pipe_words.hpp"

#include <system_error>

#include <fmt/format.h>

#include "peer/json_object.hpp"
#include "peer/quantity.hpp"
#include "peer/text_sanitizer.hpp"

namespace pinhole::peer {
namespace {

double seconds(Duration duration) {
    return static_cast<double>(duration.count()) / 1e6;
}

std::string reason_of(const PipeBreak& broken) {
    const auto system = [&] { return std::generic_category().message(broken.error); };
    switch (broken.end) {
        case PipeEnd::kInput: return fmt::format("standard input: {}", system());
        case PipeEnd::kOutput: return fmt::format("standard output: {}", system());
        case PipeEnd::kCancelled: return fmt::format("{} ended the pipe early", broken.peer);
        case PipeEnd::kFailed: return fmt::format("reading or writing failed at {}", broken.peer);
        case PipeEnd::kLost:
        case PipeEnd::kComplete: break;
    }
    return fmt::format("the connection to {} was lost in the middle", broken.peer);
}

}  // namespace

std::string words_of(const PipeTotals& totals) {
    const double time = seconds(totals.time);
    const auto bytes = totals.sent + totals.received;
    const std::string rate =
        time >= 0.1
            ? fmt::format(" ({}/s)",
                          size_words(static_cast<std::uint64_t>(static_cast<double>(bytes) / time)))
            : "";
    return fmt::format("sent {} to {} and received {} in {:.1f} s{}", size_words(totals.sent),
                       totals.peer, size_words(totals.received), time, rate);
}

Problem pipe_refused(const PipeRefusal& refusal) {
    const std::string next = fmt::format("on its machine run: peer pipe --id {} --via {} {}",
                                         refusal.peer, refusal.via, refusal.self);
    switch (refusal.reason) {
        case Refusal::kNoSuchService:
            return {ExitCode::kRefused,
                    fmt::format("{} is there, but not as a pipe\n  {}", refusal.peer, next)};
        case Refusal::kNotAllowed:
        case Refusal::kBusy:
        case Refusal::kFailed: break;
    }
    return {ExitCode::kRefused, fmt::format("{} refused the pipe: {}\n  {}", refusal.peer,
                                            sanitized(refusal.text), next)};
}

Problem pipe_broken(const PipeBreak& broken) {
    return {ExitCode::kOther,
            fmt::format("{}; {} of {} bytes sent are confirmed, {} received\n  a pipe cannot be "
                        "resumed: start it again on both sides",
                        reason_of(broken), broken.confirmed, broken.sent, broken.received)};
}

Problem pipe_timed_out(const std::optional<Id>& peer, bool was_connected) {
    if (!peer) {
        return {
            ExitCode::kTimeout,
            "nobody opened a pipe in time\n  does `peer pipe` run on the other machine, with our "
            "name? Wait longer: --timeout SECONDS"};
    }
    return {ExitCode::kTimeout,
            was_connected
                ? fmt::format("{0} is connected, but does not answer about the pipe\n  is its "
                              "program of the same version? On its machine: peer version",
                              *peer)
                : fmt::format("no connection to {0} in time\n  try: peer ping {0} ; or give it "
                              "longer: --timeout SECONDS",
                              *peer)};
}

std::string json::pipe(const PipeTotals& totals) {
    json::Object object = json::begin("pipe");
    object["peer"] = totals.peer.text();
    object["sent"] = totals.sent;
    object["confirmed"] = totals.confirmed;
    object["received"] = totals.received;
    object["seconds"] = seconds(totals.time);
    return json::line(object);
}

}  // namespace pinhole::peer
