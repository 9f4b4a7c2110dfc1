#include "peer/files/outgoing_files.hpp"

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include "peer/files/hand_over.hpp"
#include "peer/files/transfer_json.hpp"
#include "peer/files/turns.hpp"
#include "peer/quantity.hpp"
#include "peer/text_sanitizer.hpp"

namespace pinhole::peer::files {
namespace {

/// Read from standard input in one turn.
constexpr std::size_t kInputPiece = std::size_t{64} << 10U;
/// A program takes a transfer within a round trip; who has not answered then is a person.
constexpr Duration kTellWaitingAfter = 1s;

bool is_at_receiver(const std::optional<Outcome>& outcome) {
    return outcome && is_there(*outcome);
}

}  // namespace

OutgoingFiles::OutgoingFiles(Station& station, Telling telling, Callbacks callbacks)
    : station_(station),
      telling_(telling),
      callbacks_(std::move(callbacks)),
      work_(station.io(), [this] { work(); }) {}

// ---- the connection

OutgoingFiles::Number OutgoingFiles::add(const Id& peer, SourceTree source) {
    const Number number = ++last_;
    Transfer& transfer = transfers_.try_emplace(number, peer, std::move(source)).first->second;
    transfer.bytes_total = FileSender::announcement(transfer.source).bytes;
    tell_left_out(transfer);
    if (station_.is_connected(peer)) open(transfer);
    return number;
}

void OutgoingFiles::on_connected(const Id& peer) {
    for (auto& [number, transfer] : transfers_) {
        if (transfer.peer == peer && !transfer.stream) open(transfer);
    }
}

void OutgoingFiles::open(Transfer& transfer) {
    transfer.said_finish = false;
    transfer.tell_waiting_at = station_.now() + kTellWaitingAfter;
    transfer.stream =
        station_.streams().open(transfer.peer, ServiceKind::kFiles,
                                encode(FileSender::announcement(transfer.source)), *this);
}

bool OutgoingFiles::give_up(Number number) {
    const auto found = transfers_.find(number);
    if (found == transfers_.end()) return false;
    const Transfer& transfer = found->second;
    if (transfer.stream) station_.streams().reset(*transfer.stream, ResetReason::kCancelled);
    const bool is_over = transfer.sender && transfer.sender->is_over();
    if (transfer.sender) tell_cut(transfer);
    if (!is_over) transfers_.erase(found);
    if (is_over) end(found);
    return !is_over;
}

OutgoingFiles::Transfers::iterator OutgoingFiles::find(const StreamName& stream) {
    return std::ranges::find_if(transfers_,
                                [&](const auto& entry) { return entry.second.stream == stream; });
}

// ---- the stream

/// Nobody can: this service only opens.
void OutgoingFiles::on_opened(const StreamName& stream, Bytes /*argument*/) {
    station_.streams().refuse(stream, Refusal::kNoSuchService, {});
}

void OutgoingFiles::on_accepted(const StreamName& stream) {
    const auto found = find(stream);
    if (found == transfers_.end()) return;
    auto& [number, transfer] = *found;
    const Instant now = station_.now();
    transfer.tell_waiting_at = kNever;
    const auto announcement = FileSender::announcement(transfer.source);
    const bool is_first =
        std::exchange(transfer.began_at, std::min(transfer.began_at, now)) == kNever;
    if (is_first && telling_ == Telling::kAll) {
        station_.narrator().say(fmt::format("{} -> {}: sending {}", station_.options().id,
                                            transfer.peer, amount_words(announcement)));
    }
    if (station_.options().json) {
        station_.screen().data(json::transfer_started(Way::kSend, transfer.peer, announcement));
    }
    transfer.sender.emplace(transfer.source);
    if (transfer.source.is_input() && !transfer.input) open_input(number, transfer);
    transfer.meter.begin(now, transfer.bytes_done());
    callbacks_.on_taken(number);
    pump(transfer);
}

std::string OutgoingFiles::no_receiver(const Id& peer) const {
    return fmt::format(
        "{0} is there, but takes no files now\n  on its machine run: peer receive --id {0} --via "
        "{1}",
        peer, station_.options().via);
}

void OutgoingFiles::on_refused(const StreamName& stream, Refusal reason, std::string_view text) {
    const auto found = find(stream);
    if (found == transfers_.end()) return;
    const Id peer = stream.peer;
    if (reason == Refusal::kNoSuchService)
        return fail(found, ExitCode::kRefused, no_receiver(peer));
    fail(found, ExitCode::kRefused,
         fmt::format("{} refuses: {}", peer, text.empty() ? "no reason" : sanitized(text)));
}

void OutgoingFiles::on_data(const StreamName& stream, Bytes bytes) {
    const auto found = find(stream);
    if (found == transfers_.end() || !found->second.sender) return;
    Transfer& transfer = found->second;
    const bool is_in_order = transfer.sender->on_bytes(bytes);
    if (!is_in_order) {
        station_.streams().reset(stream, ResetReason::kViolation);
        return fail(found, ExitCode::kOther,
                    fmt::format("{} says what we do not understand; do both sides have the same "
                                "version?",
                                stream.peer));
    }
    station_.streams().consume(stream, bytes.size());
    pump(transfer);
}

void OutgoingFiles::on_room(const StreamName& stream) {
    const auto found = find(stream);
    if (found != transfers_.end() && found->second.sender) pump(found->second);
}

void OutgoingFiles::on_closed(const StreamName& stream) {
    const auto found = find(stream);
    if (found != transfers_.end()) end(found);
}

void OutgoingFiles::on_lost(const StreamName& stream, StreamEnd why) {
    const auto found = find(stream);
    if (found == transfers_.end() || station_.is_leaving()) return;
    Transfer& transfer = found->second;
    transfer.stream.reset();
    transfer.tell_waiting_at = kNever;
    bool is_half_read = false;
    if (transfer.sender) {
        tell_events(transfer);
        tell_cut(transfer);
        is_half_read = transfer.sender->input_bytes() > 0;
        transfer.bytes_carried += transfer.sender->bytes_carried();
        const bool is_over = transfer.sender->is_over();
        transfer.sender.reset();
        if (is_over) return end(found);
    }
    switch (why) {
        case StreamEnd::kConnection:
            if (!is_half_read) return;
            return fail(found, ExitCode::kOther,
                        fmt::format("the connection to {} was lost, and standard input cannot be "
                                    "read again; nothing is stored there",
                                    stream.peer));
        case StreamEnd::kCancelled:
            return fail(found, ExitCode::kRefused, fmt::format("{} has given it up", stream.peer));
        case StreamEnd::kFailed:
        case StreamEnd::kViolation:
            return fail(found, ExitCode::kOther,
                        fmt::format("{} could not go on receiving", stream.peer));
    }
}

void OutgoingFiles::pump(Transfer& transfer) {
    tell_events(transfer);
    FileSender& sender = *transfer.sender;
    hand_over(station_.streams(), *transfer.stream, sender);
    if (sender.is_over() && sender.outgoing().empty()) {
        if (!std::exchange(transfer.said_finish, true)) {
            station_.streams().finish(*transfer.stream);
        }
    } else if (transfer.has_work()) {
        work_.ask();
    }
}

void OutgoingFiles::work() {
    if (station_.is_leaving()) return;
    const auto has_work = [](const Transfer& transfer) { return transfer.has_work(); };
    const auto at = next_in_turn(transfers_, worked_, has_work);
    if (at == transfers_.end()) return;
    worked_ = at->first;
    if (at->second.can_read_input()) read_input(at->second);
    at->second.sender->work();
    pump(at->second);
    const bool has_more =
        std::ranges::any_of(transfers_, [&](const auto& entry) { return has_work(entry.second); });
    if (has_more) work_.ask();
    station_.settle();
}

void OutgoingFiles::open_input(Number number, Transfer& transfer) {
    transfer.input = std::make_unique<InputSource>(station_.io(), STDIN_FILENO, [this, number] {
        const auto found = transfers_.find(number);
        if (found == transfers_.end()) return;
        found->second.input_is_dry = false;
        work_.ask();
    });
}

void OutgoingFiles::read_input(Transfer& transfer) {
    FileSender& sender = *transfer.sender;
    ByteVector piece(std::min(kInputPiece, sender.input_room()));
    const long got = transfer.input->read(piece);
    if (got < 0 && errno == EAGAIN) {
        transfer.input_is_dry = true;
        return transfer.input->wait();
    }
    if (got < 0) {
        return sender.on_input_failed(
            fmt::format("standard input: {}", std::generic_category().message(errno)));
    }
    if (got == 0) return sender.on_input_end();
    sender.on_input(Bytes{piece}.first(static_cast<std::size_t>(got)));
}

// ---- what the user hears

void OutgoingFiles::tell_left_out(Transfer& transfer) {
    for (const auto& [path, why] : transfer.source.left_out()) {
        ++transfer.failed;
        if (station_.options().json) station_.screen().data(json::file_left_out(path, why));
        station_.narrator().warn(fmt::format("not sent: {}: {}", sanitized(path), why));
    }
}

void OutgoingFiles::tell_events(Transfer& transfer) {
    while (auto event = transfer.sender->poll_event()) {
        std::visit([&](const auto& any) { tell(transfer, any); }, *event);
    }
}

void OutgoingFiles::tell_cut(const Transfer& transfer) {
    if (!station_.options().json || transfer.sender->is_over()) return;
    station_.screen().data(json::transfer_cut({.way = Way::kSend,
                                               .peer = transfer.peer,
                                               .files = transfer.files_through,
                                               .failed = transfer.failed,
                                               .bytes = transfer.bytes_stored,
                                               .carried = transfer.sender->bytes_carried(),
                                               .sent = transfer.sender->bytes_sent()}));
}

void OutgoingFiles::tell(Transfer& transfer, const EntryResumed& event) {
    const SourceEntry& entry = transfer.source.entries()[event.entry];
    if (station_.options().json) {
        station_.screen().data(json::file_resumed(transfer.peer, entry.path, event.bytes));
    }
    station_.narrator().say(fmt::format("{}: {} of {} are there already", entry.path,
                                        size_words(event.bytes), size_words(entry.size)));
}

void OutgoingFiles::tell(Transfer& transfer, const EntrySent& event) {
    const SourceEntry& entry = transfer.source.entries()[event.entry];
    ++transfer.files_through;
    transfer.bytes_through += entry.size;
    if (is_at_receiver(event.outcome)) {
        transfer.bytes_stored += entry.size;
    } else {
        ++transfer.failed;
        station_.narrator().warn(fmt::format("not sent: {}: {}", entry.path, sanitized(event.why)));
    }
    if (event.outcome == Outcome::kPresent && transfer.source.entries().size() <= kToldOneByOne) {
        station_.narrator().say(fmt::format("{}: is there already", entry.path));
    }
    if (!station_.options().json) return;
    station_.screen().data(json::file({.way = Way::kSend,
                                       .peer = transfer.peer,
                                       .path = entry.path,
                                       .size = entry.size,
                                       .outcome = event.outcome,
                                       .why = event.why}));
}

void OutgoingFiles::end(Transfers::iterator found) {
    // It is over when its owner hears of it.
    const auto node = transfers_.extract(found);
    const Transfer& transfer = node.mapped();
    const std::uint64_t carried =
        transfer.bytes_carried + (transfer.sender ? transfer.sender->bytes_carried() : 0);
    const std::size_t entries = transfer.source.entries().size();
    if (station_.options().json) {
        station_.screen().data(json::transfer_ended({.way = Way::kSend,
                                                     .peer = transfer.peer,
                                                     .files = entries,
                                                     .failed = transfer.failed,
                                                     .bytes = transfer.bytes_stored,
                                                     .carried = carried}));
    }
    const bool is_brief = telling_ == Telling::kBrief;
    station_.narrator().say(
        fmt::format("{} -> {}: {}", station_.options().id, transfer.peer,
                    end_words({.title = is_brief ? transfer.source.name() : "",
                               .files = entries + transfer.source.left_out().size(),
                               .failed = transfer.failed,
                               .bytes = transfer.bytes_stored,
                               .carried = carried,
                               .time = station_.now() - transfer.began_at})));
    callbacks_.on_ended(node.key(), transfer.failed);
}

void OutgoingFiles::fail(Transfers::iterator found, ExitCode code, const std::string& words) {
    const Number number = found->first;
    found->second.sender.reset();
    found->second.stream.reset();
    callbacks_.on_failed(number, {code, words});
    transfers_.erase(number);
}

std::vector<TransferState> OutgoingFiles::states(Instant now) {
    std::vector<TransferState> out;
    for (auto& [number, transfer] : transfers_) {
        if (!transfer.sender) continue;
        transfer.meter.update(now, transfer.bytes_done());
        const auto files_total = static_cast<std::uint32_t>(transfer.source.entries().size());
        out.push_back(
            {.way = Way::kSend,
             .peer = transfer.peer,
             .title = title_words({.entries = files_total, .name = transfer.source.name()}),
             .files = transfer.files_through,
             .files_total = files_total,
             .bytes = transfer.bytes_done(),
             .bytes_total = transfer.bytes_total,
             .rate = transfer.meter.rate(),
             .time_left = transfer.meter.time_left(transfer.bytes_total),
             .is_silent =
                 transfer.meter.is_silent(now) && !transfer.has_work() && !transfer.input_is_dry,
             .has_new_quarter = transfer.meter.take_quarter(now, transfer.bytes_total)});
    }
    return out;
}

// ---- what the owner asks

std::uint64_t OutgoingFiles::files_left(Number number) const {
    const auto found = transfers_.find(number);
    if (found == transfers_.end()) return 0;
    return found->second.source.entries().size() - found->second.files_through;
}

bool OutgoingFiles::was_taken(Number number) const {
    const auto found = transfers_.find(number);
    return found != transfers_.end() && found->second.began_at != kNever;
}

std::string OutgoingFiles::title(Number number) const {
    const auto found = transfers_.find(number);
    if (found == transfers_.end()) return {};
    return title_words(FileSender::announcement(found->second.source));
}

std::vector<OutgoingFiles::Number> OutgoingFiles::numbers(const std::optional<Id>& to) const {
    std::vector<Number> out;
    for (const auto& [number, transfer] : transfers_) {
        if (!to || transfer.peer == *to) out.push_back(number);
    }
    return out;
}

// ---- time

void OutgoingFiles::handle_timeout(Instant now) {
    for (auto& [number, transfer] : transfers_) {
        if (now < transfer.tell_waiting_at) continue;
        transfer.tell_waiting_at = kNever;
        station_.narrator().say(fmt::format("{}: waiting for {} to take it",
                                            offer_words(FileSender::announcement(transfer.source)),
                                            transfer.peer));
    }
}

Instant OutgoingFiles::next_timeout() const {
    Instant out = kNever;
    for (const auto& [number, transfer] : transfers_) {
        out = std::min(out, transfer.tell_waiting_at);
    }
    return out;
}

}  // namespace pinhole::peer::files
