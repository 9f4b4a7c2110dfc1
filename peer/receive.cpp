#include "peer/receive.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "peer/files/hand_over.hpp"
#include "peer/files/transfer_json.hpp"
#include "peer/quantity.hpp"
#include "peer/text_sanitizer.hpp"

namespace pinhole::peer {
namespace {

using files::Outcome;

/// Each file of a small transfer is worth a line.
constexpr std::uint32_t kToldOneByOne = 10;
constexpr Duration kProgressEventTime = 1s;

bool is_there(Outcome outcome) {
    return outcome == Outcome::kStored || outcome == Outcome::kPresent;
}

}  // namespace

Receive::Receive(Station& station, const ReceiveOptions& options, const Disk& disk)
    : station_(station), options_(options), disk_(disk), work_(station.io(), [this] { work(); }) {}

void Receive::on_start() {
    station_.streams().serve(ServiceKind::kFiles, *this);
    std::string whose = options_.from.empty() ? "of everybody who calls" : "";
    for (const Id& id : options_.from)
        whose += fmt::format("{}{}", whose.empty() ? "of " : ", ", id);
    station_.narrator().say(fmt::format(
        "files {} go to {}\n  on another machine run: peer send --id NAME --via {} FILE {}", whose,
        sanitized(disk_.target.path()), station_.options().via, station_.options().id));
}

void Receive::on_connected(const Id& peer) {
    station_.send(peer, Hello{.takes_texts = false});
}

void Receive::on_key_changed(const Id& /*peer*/, const Problem& problem) {
    station_.narrator().warn(problem.text);
}

void Receive::on_server_trouble(const Problem& problem) {
    station_.fail_if_refused(problem);
}

// ---- streams

std::optional<Receive::No> Receive::objection(const StreamName& stream, Bytes argument) const {
    if (!options_.from.empty() && !options_.from.contains(stream.peer)) {
        return No{Refusal::kNotAllowed, "files of others only"};
    }
    const auto announcement = files::parse_announcement(argument);
    if (!announcement || announcement->version != files::kFilesVersion) {
        return No{Refusal::kFailed, "another version of the tool is here"};
    }
    const bool is_taken = options_.once && !transfers_.empty();
    if (is_taken || transfers_.size() >= kTransfersMax) {
        return No{Refusal::kBusy, "other files are being received; try again later"};
    }
    return std::nullopt;
}

void Receive::on_opened(const StreamName& stream, Bytes argument) {
    if (const auto no = objection(stream, argument)) {
        station_.narrator().say(fmt::format("{}: files refused: {}", stream.peer, no->text));
        return station_.streams().refuse(stream, no->reason, no->text);
    }
    const auto announcement = *files::parse_announcement(argument);
    Transfer& transfer =
        transfers_
            .try_emplace(stream,
                         files::Reception{.target = disk_.target,
                                          .partials = disk_.partials,
                                          .random = station_.random(),
                                          .sender = std::string{stream.peer.text()},
                                          .conflict = options_.conflict,
                                          .takes_hidden = options_.hidden},
                         announcement)
            .first->second;
    const Instant now = station_.now();
    transfer.began_at = now;
    transfer.meter.begin(now, 0);
    show_at_ = std::min(show_at_, now + kQuietTime);
    tell_progress_at_ = std::min(tell_progress_at_, now + kProgressEventTime);
    station_.narrator().say(fmt::format("{} <- {}: receiving {}, {}", station_.options().id,
                                        stream.peer, count_words(announcement.entries),
                                        size_words(announcement.bytes)));
    if (station_.options().json) {
        station_.screen().data(
            files::json::transfer_started(files::Way::kReceive, stream.peer, announcement));
    }
    station_.streams().accept(stream);
}

void Receive::on_data(const StreamName& stream, Bytes bytes) {
    const auto found = transfers_.find(stream);
    if (found == transfers_.end()) return;
    if (!found->second.receiver.on_bytes(bytes)) return break_off(stream);
    station_.streams().consume(stream, bytes.size());
    pump(stream, found->second);
}

void Receive::on_room(const StreamName& stream) {
    const auto found = transfers_.find(stream);
    if (found != transfers_.end()) pump(stream, found->second);
}

void Receive::on_finished(const StreamName& stream) {
    const auto found = transfers_.find(stream);
    if (found == transfers_.end()) return;
    if (!found->second.receiver.on_finished()) return break_off(stream);
    found->second.is_whole = true;
    pump(stream, found->second);
    station_.streams().finish(stream);
}

void Receive::on_closed(const StreamName& stream) {
    const auto found = transfers_.find(stream);
    if (found == transfers_.end()) return;
    const auto transfer = transfers_.extract(found);
    end(stream, transfer.mapped());
}

void Receive::on_lost(const StreamName& stream, StreamEnd /*why*/) {
    const auto found = transfers_.find(stream);
    if (found == transfers_.end()) return;
    tell_events(stream, found->second);
    const auto node = transfers_.extract(found);
    const Transfer& transfer = node.mapped();
    if (transfer.is_whole) return end(stream, transfer);
    if (station_.options().json) {
        station_.screen().data(
            files::json::transfer_cut({.way = files::Way::kReceive,
                                       .peer = stream.peer,
                                       .files = transfer.files_through,
                                       .failed = transfer.failed,
                                       .bytes = transfer.bytes_stored,
                                       .carried = transfer.receiver.bytes_received()}));
    }
    station_.narrator().say(fmt::format(
        "{}: the transfer was cut; what has come is kept, and sending again goes on there",
        stream.peer));
}

/// The other side does not keep to the protocol.
void Receive::break_off(const StreamName& stream) {
    station_.streams().reset(stream, ResetReason::kViolation);
    on_lost(stream, StreamEnd::kViolation);
}

void Receive::pump(const StreamName& stream, Transfer& transfer) {
    tell_events(stream, transfer);
    files::hand_over(station_.streams(), stream, transfer.receiver);
    if (transfer.receiver.has_work()) work_.ask();
}

void Receive::work() {
    if (station_.is_leaving()) return;
    // The next after the last that has something to do.
    auto at = worked_ ? transfers_.upper_bound(*worked_) : transfers_.begin();
    for (std::size_t i = 0; i < transfers_.size(); ++i, ++at) {
        if (at == transfers_.end()) at = transfers_.begin();
        if (at->second.receiver.has_work()) break;
    }
    if (transfers_.empty()) return;
    if (at == transfers_.end()) at = transfers_.begin();
    worked_ = at->first;
    at->second.receiver.work();
    pump(at->first, at->second);
    const bool has_more = std::ranges::any_of(
        transfers_, [](const auto& entry) { return entry.second.receiver.has_work(); });
    if (has_more) work_.ask();
    station_.settle();
}

// ---- what the user hears

void Receive::tell_events(const StreamName& stream, Transfer& transfer) {
    while (const auto event = transfer.receiver.poll_event()) tell(stream.peer, transfer, *event);
}

void Receive::tell(const Id& peer, Transfer& transfer, const files::EntryReceived& event) {
    ++transfer.files_through;
    const auto& [outcome, why, stored_as] = event.ending;
    const bool is_few = transfer.receiver.announced().entries <= kToldOneByOne;
    if (is_there(outcome)) {
        transfer.bytes_stored += event.size;
        if (is_few) {
            station_.narrator().say(
                fmt::format("{}: {} ({}){}", peer, sanitized(stored_as), size_words(event.size),
                            outcome == Outcome::kPresent ? " is there already" : ""));
        }
    } else {
        ++transfer.failed;
        station_.narrator().warn(
            fmt::format("{}: not stored: {}: {}", peer, sanitized(event.path), why));
    }
    if (!station_.options().json) return;
    station_.screen().data(files::json::file({.way = files::Way::kReceive,
                                              .peer = peer,
                                              .path = event.path,
                                              .size = event.size,
                                              .outcome = outcome,
                                              .why = why,
                                              .stored_as = stored_as}));
}

void Receive::end(const StreamName& stream, const Transfer& transfer) {
    const std::uint64_t all = transfer.files_through;
    if (station_.options().json) {
        station_.screen().data(
            files::json::transfer_ended({.way = files::Way::kReceive,
                                         .peer = stream.peer,
                                         .files = all,
                                         .failed = transfer.failed,
                                         .bytes = transfer.bytes_stored,
                                         .carried = transfer.receiver.bytes_received()}));
    }
    const Duration time = std::max(station_.now() - transfer.began_at, Duration{1});
    const double rate = static_cast<double>(transfer.receiver.bytes_received()) * 1e6 /
                        static_cast<double>(time.count());
    station_.narrator().say(fmt::format(
        "{} <- {}: {} stored, {}, in {} ({}/s)", station_.options().id, stream.peer,
        transfer.failed == 0 ? count_words(all)
                             : fmt::format("{} of {}", all - transfer.failed, count_words(all)),
        size_words(transfer.bytes_stored), time_words(time),
        size_words(static_cast<std::uint64_t>(rate))));
    if (!options_.once) return;
    station_.leave(transfer.failed == 0 ? ExitCode::kOk : ExitCode::kOther);
}

files::TransferState Receive::state(const StreamName& stream, const Transfer& transfer,
                                    Instant now) const {
    const files::Announcement& announced = transfer.receiver.announced();
    return {.way = files::Way::kReceive,
            .peer = stream.peer,
            .files = transfer.files_through,
            .files_total = announced.entries,
            .bytes = transfer.receiver.bytes_done(),
            .bytes_total = announced.bytes,
            .rate = transfer.meter.rate(),
            .time_left = transfer.meter.time_left(announced.bytes),
            .is_silent = transfer.meter.is_silent(now) && !transfer.receiver.has_work()};
}

void Receive::show(Instant now) {
    for (auto& [stream, transfer] : transfers_) {
        transfer.meter.update(now, transfer.receiver.bytes_done());
    }
    if (now >= show_at_) {
        show_at_ = transfers_.empty() ? kNever : now + files::kRepaintTime;
        // With several at once, the line is about each in turn.
        const auto seconds = static_cast<std::size_t>(now.time_since_epoch() / 2s);
        const std::size_t which = transfers_.empty() ? 0 : seconds % transfers_.size();
        const auto at = std::next(transfers_.begin(), static_cast<long>(which));
        if (at != transfers_.end()) {
            station_.screen().state(files::progress_words(state(at->first, at->second, now)));
        }
    }
    if (now >= tell_progress_at_) {
        tell_progress_at_ = transfers_.empty() ? kNever : now + kProgressEventTime;
        if (!station_.options().json) return;
        for (const auto& [stream, transfer] : transfers_) {
            station_.screen().data(files::json::progress(state(stream, transfer, now)));
        }
    }
}

void Receive::on_leaving() {
    for (const auto& [stream, transfer] : transfers_) {
        if (transfer.is_whole) continue;
        station_.narrator().warn(
            fmt::format("{}: not all of it has come; what has is kept. Receive again, and it goes "
                        "on where it ended",
                        stream.peer));
    }
}

// ---- time

void Receive::handle_timeout(Instant now) {
    if (now >= next_timeout()) show(now);
}

Instant Receive::next_timeout() const {
    return std::min(show_at_, tell_progress_at_);
}

ExitCode run_receive(const ReceiveOptions& options, const net::Environment& environment) {
    files::TargetDirectory target{options.directory};
    crypto::SystemRandom random;
    files::PartialStore partials{net::state_directory(environment), random};
    Station station{options.station, false, environment};
    Receive receive{station, options, {.target = target, .partials = partials}};
    return station.run(receive);
}

}  // namespace pinhole::peer
