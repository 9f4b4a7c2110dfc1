#include "peer/files/incoming_files.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "peer/files/hand_over.hpp"
#include "peer/files/transfer_json.hpp"
#include "peer/files/turns.hpp"
#include "peer/quantity.hpp"

namespace pinhole::peer::files {
namespace {

/// Cut transfers that are remembered.
constexpr std::size_t kCutMax = 64;

/// The rest of what was taken before, file by file: no more than was asked about then, and nothing
/// else of the same name.
bool goes_on(const Announcement& rest, const Announcement& taken) {
    if (!taken.manifest || rest.manifest != taken.manifest) return false;
    return rest.name == taken.name && rest.entries <= taken.entries && rest.bytes <= taken.bytes;
}

}  // namespace

IncomingFiles::IncomingFiles(Station& station, const Rules& rules, Callbacks callbacks)
    : station_(station),
      rules_(rules),
      callbacks_(std::move(callbacks)),
      work_(station.io(), [this] { work(); }) {}

void IncomingFiles::serve() {
    station_.streams().serve(ServiceKind::kFiles, *this);
}

void IncomingFiles::prune(PartialStore& partials) {
    const std::size_t count =
        partials.prune(std::filesystem::file_time_type::clock::now() - kPartialLife);
    if (count == 0) return;
    station_.narrator().say(
        fmt::format("of {} nothing has come for 30 days: what was there of {} "
                    "is removed",
                    count_words(count), count == 1 ? "it" : "them"));
}

// ---- offers

IncomingFiles::Judgement IncomingFiles::judge(const StreamName& stream, Bytes argument) {
    const auto announcement = parse_announcement(argument);
    if (!announcement || announcement->version != kFilesVersion) {
        return No{Refusal::kFailed, "another version of the tool is here"};
    }
    Judgement out = callbacks_.judge(stream.peer);
    const bool asks = std::holds_alternative<Ask>(out);
    if (transfers_.size() >= kTransfersMax || (asks && waiting_.size() >= kOffersWaitingMax)) {
        return No{Refusal::kBusy, "other files are being received; try again later"};
    }
    if (!asks || !asked_destination_) return out;
    const auto cut = std::ranges::find_if(cut_, [&](const auto& one) {
        return one.first == stream.peer && goes_on(*announcement, one.second);
    });
    if (cut == cut_.end()) return out;
    cut_.erase(cut);
    return *asked_destination_;
}

void IncomingFiles::on_opened(const StreamName& stream, Bytes argument) {
    const Judgement judgement = judge(stream, argument);
    if (const auto* no = std::get_if<No>(&judgement)) {
        station_.narrator().say(fmt::format("{}: files refused: {}", stream.peer, no->text));
        return station_.streams().refuse(stream, no->reason, no->text);
    }
    const WaitingOffer offer{.stream = stream, .announcement = *parse_announcement(argument)};
    if (const auto* where = std::get_if<Destination>(&judgement)) return begin(offer, *where);
    waiting_.push_back(offer);
    callbacks_.on_offered(offer);
}

void IncomingFiles::take(const StreamName& offer, const Destination& where) {
    const auto found = std::ranges::find(waiting_, offer, &WaitingOffer::stream);
    if (found == waiting_.end()) return;
    const WaitingOffer taken = *found;
    waiting_.erase(found);
    asked_destination_.emplace(where);
    begin(taken, where);
}

void IncomingFiles::refuse(const StreamName& offer, std::string_view why) {
    forget_waiting(offer);
    station_.streams().refuse(offer, Refusal::kNotAllowed, why);
}

void IncomingFiles::forget_waiting(const StreamName& stream) {
    std::erase_if(waiting_, [&](const WaitingOffer& offer) { return offer.stream == stream; });
}

void IncomingFiles::begin(const WaitingOffer& offer, const Destination& where) {
    const Announcement& announcement = offer.announcement;
    const Id& peer = offer.stream.peer;
    Transfer& transfer = transfers_
                             .try_emplace(offer.stream,
                                          Reception{.target = where.target,
                                                    .partials = where.partials,
                                                    .random = station_.random(),
                                                    .sender = std::string{peer.text()},
                                                    .conflict = rules_.conflict,
                                                    .takes_hidden = rules_.takes_hidden},
                                          announcement)
                             .first->second;
    const Instant now = station_.now();
    transfer.began_at = now;
    transfer.where = where.target.path();
    transfer.meter.begin(now, 0);
    if (rules_.telling == Telling::kAll) {
        station_.narrator().say(fmt::format("{} <- {}: receiving {}", station_.options().id, peer,
                                            amount_words(announcement)));
    }
    if (station_.options().json) {
        station_.screen().data(json::transfer_started(Way::kReceive, peer, announcement));
    }
    station_.streams().accept(offer.stream);
    callbacks_.on_began();
}

// ---- streams

void IncomingFiles::on_data(const StreamName& stream, Bytes bytes) {
    const auto found = transfers_.find(stream);
    if (found == transfers_.end()) return;
    if (!found->second.receiver.on_bytes(bytes)) return break_off(stream);
    station_.streams().consume(stream, bytes.size());
    pump(stream, found->second);
}

void IncomingFiles::on_room(const StreamName& stream) {
    const auto found = transfers_.find(stream);
    if (found != transfers_.end()) pump(stream, found->second);
}

void IncomingFiles::on_finished(const StreamName& stream) {
    const auto found = transfers_.find(stream);
    if (found == transfers_.end()) return;
    if (!found->second.receiver.on_finished()) return break_off(stream);
    found->second.is_whole = true;
    pump(stream, found->second);
    station_.streams().finish(stream);
}

void IncomingFiles::on_closed(const StreamName& stream) {
    const auto found = transfers_.find(stream);
    if (found == transfers_.end()) return;
    const auto transfer = transfers_.extract(found);
    end(stream, transfer.mapped());
}

void IncomingFiles::on_lost(const StreamName& stream, StreamEnd why) {
    const auto offer = std::ranges::find(waiting_, stream, &WaitingOffer::stream);
    if (offer != waiting_.end()) {
        station_.narrator().say(fmt::format("{} does not offer {} any more", stream.peer,
                                            title_words(offer->announcement)));
        waiting_.erase(offer);
        return callbacks_.on_ended(std::nullopt);
    }
    const auto found = transfers_.find(stream);
    if (found == transfers_.end()) return;
    found->second.receiver.store();
    tell_events(stream, found->second);
    const auto node = transfers_.extract(found);
    const Transfer& transfer = node.mapped();
    if (transfer.is_whole) return end(stream, transfer);
    if (why == StreamEnd::kConnection && transfer.receiver.announced().bytes != kSizeUnknown) {
        if (cut_.size() == kCutMax) cut_.erase(cut_.begin());
        cut_.emplace_back(stream.peer, transfer.receiver.announced());
    }
    if (station_.options().json) {
        station_.screen().data(json::transfer_cut({.way = Way::kReceive,
                                                   .peer = stream.peer,
                                                   .files = transfer.files_through,
                                                   .failed = transfer.failed,
                                                   .bytes = transfer.bytes_stored,
                                                   .carried = transfer.receiver.bytes_received()}));
    }
    if (transfer.receiver.announced().bytes == kSizeUnknown) {
        station_.narrator().warn(
            fmt::format("{}: the transfer was cut; nothing of it is stored", stream.peer));
    } else {
        station_.narrator().say(fmt::format(
            "{}: the transfer was cut; what has come is kept, and sending again goes on there",
            stream.peer));
    }
    callbacks_.on_ended(std::nullopt);
}

/// The other side does not keep to the protocol.
void IncomingFiles::break_off(const StreamName& stream) {
    station_.streams().reset(stream, ResetReason::kViolation);
    on_lost(stream, StreamEnd::kViolation);
}

void IncomingFiles::pump(const StreamName& stream, Transfer& transfer) {
    tell_events(stream, transfer);
    hand_over(station_.streams(), stream, transfer.receiver);
    if (transfer.receiver.has_work()) work_.ask();
}

void IncomingFiles::work() {
    if (station_.is_leaving()) return;
    const auto has_work = [](const Transfer& transfer) { return transfer.receiver.has_work(); };
    const auto at = next_in_turn(transfers_, worked_, has_work);
    if (at == transfers_.end()) return;
    worked_ = at->first;
    at->second.receiver.work();
    pump(at->first, at->second);
    const bool has_more =
        std::ranges::any_of(transfers_, [&](const auto& entry) { return has_work(entry.second); });
    if (has_more) work_.ask();
    station_.settle();
}

// ---- what the user hears

void IncomingFiles::tell_events(const StreamName& stream, Transfer& transfer) {
    while (const auto event = transfer.receiver.poll_event()) tell(stream.peer, transfer, *event);
}

void IncomingFiles::tell(const Id& peer, Transfer& transfer, const EntryReceived& event) {
    ++transfer.files_through;
    const auto& [outcome, why, stored_as] = event.ending;
    const bool is_few = transfer.receiver.announced().entries <= kToldOneByOne;
    if (is_there(outcome)) {
        transfer.bytes_stored += event.size;
        transfer.stored_as = stored_as;
        if (is_few && rules_.telling == Telling::kAll) {
            station_.narrator().say(
                fmt::format("{}: {} ({}){}", peer, shown_path(stored_as), size_words(event.size),
                            outcome == Outcome::kPresent ? " is there already" : ""));
        }
    } else {
        ++transfer.failed;
        station_.narrator().warn(
            fmt::format("{}: not stored: {}: {}", peer, shown_path(event.path), why));
    }
    if (!station_.options().json) return;
    station_.screen().data(json::file({.way = Way::kReceive,
                                       .peer = peer,
                                       .path = event.path,
                                       .size = event.size,
                                       .outcome = outcome,
                                       .why = why,
                                       .stored_as = stored_as}));
}

std::string IncomingFiles::end_sentence(const StreamName& stream, const Transfer& transfer) const {
    TransferEnd words{.files = transfer.files_through,
                      .failed = transfer.failed,
                      .bytes = transfer.bytes_stored,
                      .carried = transfer.receiver.bytes_received(),
                      .time = station_.now() - transfer.began_at};
    if (rules_.telling == Telling::kBrief) {
        // One file may have got another name here.
        words.title = words.files == 1 ? transfer.stored_as : transfer.receiver.announced().name;
        words.where = transfer.where;
    }
    return fmt::format("{} <- {}: {}", station_.options().id, stream.peer, end_words(words));
}

void IncomingFiles::end(const StreamName& stream, const Transfer& transfer) {
    if (station_.options().json) {
        station_.screen().data(
            json::transfer_ended({.way = Way::kReceive,
                                  .peer = stream.peer,
                                  .files = transfer.files_through,
                                  .failed = transfer.failed,
                                  .bytes = transfer.bytes_stored,
                                  .carried = transfer.receiver.bytes_received()}));
    }
    station_.narrator().say(end_sentence(stream, transfer));
    callbacks_.on_ended(transfer.failed);
}

void IncomingFiles::tell_unfinished() {
    for (auto& [stream, transfer] : transfers_) {
        transfer.receiver.store();
        tell_events(stream, transfer);
        if (transfer.is_whole) continue;
        if (transfer.receiver.announced().bytes == kSizeUnknown) {
            station_.narrator().warn(
                fmt::format("{}: not all of it has come; nothing of it is stored", stream.peer));
            continue;
        }
        station_.narrator().warn(
            fmt::format("{}: not all of it has come; what has is kept. Receive again, and it goes "
                        "on where it ended",
                        stream.peer));
    }
}

std::vector<TransferState> IncomingFiles::states(Instant now) {
    std::vector<TransferState> out;
    for (auto& [stream, transfer] : transfers_) {
        const Announcement& announced = transfer.receiver.announced();
        transfer.meter.update(now, transfer.receiver.bytes_done());
        out.push_back({.way = Way::kReceive,
                       .peer = stream.peer,
                       .title = title_words(announced),
                       .files = transfer.files_through,
                       .files_total = announced.entries,
                       .bytes = transfer.receiver.bytes_done(),
                       .bytes_total = announced.bytes,
                       .rate = transfer.meter.rate(),
                       .time_left = transfer.meter.time_left(announced.bytes),
                       .is_silent = transfer.meter.is_silent(now) && !transfer.receiver.has_work(),
                       .has_new_quarter = transfer.meter.take_quarter(now, announced.bytes)});
    }
    return out;
}

}  // namespace pinhole::peer::files
