#include "peer/send.hpp"

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
constexpr std::size_t kToldOneByOne = 10;
constexpr Duration kProgressEventTime = 1s;

bool is_there(const std::optional<Outcome>& outcome) {
    return outcome == Outcome::kStored || outcome == Outcome::kPresent;
}

/// A word that a shell takes as one.
std::string quoted(const std::string& word) {
    constexpr std::string_view kPlain =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/:@%+=,[]";
    if (!word.empty() && word.find_first_not_of(kPlain) == std::string::npos) return word;
    std::string out = "'";
    for (const char c : word) {
        if (c == '\'') {
            out += "'\\''";
        } else {
            out += c;
        }
    }
    return out + "'";
}

}  // namespace

Send::Send(Station& station, const SendOptions& options, files::SourceTree& source)
    : station_(station),
      options_(options),
      source_(source),
      work_(station.io(),
            [this] {
                if (station_.is_leaving() || !sender_) return;
                sender_->work();
                pump();
                station_.settle();
            }),
      bytes_total_(files::FileSender::announcement(source).bytes) {}

// ---- the connection

void Send::on_start() {
    for (const auto& [path, why] : source_.left_out()) {
        ++failed_;
        if (station_.options().json) station_.screen().data(files::json::file_left_out(path, why));
        station_.narrator().warn(fmt::format("not sent: {}: {}", sanitized(path), why));
    }
    if (source_.entries().empty()) {
        return station_.fail({ExitCode::kOther, "there is nothing to send"});
    }
    if (options_.timeout != Duration::max()) deadline_ = station_.now() + options_.timeout;
    station_.connect(options_.peer, options_.wait);
}

void Send::on_connected(const Id& peer) {
    if (peer != options_.peer) return;
    was_connected_ = true;
    station_.send(peer, Hello{.takes_texts = false});
    said_finish_ = false;
    stream_ = station_.streams().open(peer, ServiceKind::kFiles,
                                      encode(files::FileSender::announcement(source_)), *this);
}

void Send::on_closed(const Id& peer, node::CloseReason reason) {
    if (peer != options_.peer) return;
    const Duration patience = began_at_ == kNever ? options_.timeout : options_.timeout_when_lost;
    if (deadline_ == kNever && patience != Duration::max()) {
        deadline_ = station_.now() + patience;
    }
    // After a restart the next connection comes by itself.
    if (reason != node::CloseReason::kPeerRestarted) station_.connect(peer, true);
}

void Send::on_connect_failed(const node::ConnectFailed& event) {
    if (options_.peer == event.id) station_.wait_or_fail(event);
}

void Send::on_key_changed(const Id& peer, const Problem& problem) {
    if (peer == options_.peer) station_.fail(problem);
}

void Send::on_server_trouble(const Problem& problem) {
    station_.fail_if_refused(problem);
}

// ---- the stream

/// Nobody can: this verb serves no kind.
void Send::on_opened(const StreamName& stream, Bytes /*argument*/) {
    station_.streams().refuse(stream, Refusal::kNoSuchService, {});
}

void Send::on_accepted(const StreamName& stream) {
    if (stream != stream_) return;
    deadline_ = kNever;
    const Instant now = station_.now();
    const auto announcement = files::FileSender::announcement(source_);
    if (std::exchange(began_at_, std::min(began_at_, now)) == kNever) {
        station_.narrator().say(fmt::format("{} -> {}: sending {}, {}", station_.options().id,
                                            options_.peer, count_words(announcement.entries),
                                            size_words(announcement.bytes)));
    }
    if (station_.options().json) {
        station_.screen().data(
            files::json::transfer_started(files::Way::kSend, options_.peer, announcement));
    }
    sender_.emplace(source_);
    meter_.begin(now, bytes_done());
    show_at_ = now + kQuietTime;
    tell_progress_at_ = now + kProgressEventTime;
    pump();
}

void Send::on_refused(const StreamName& stream, Refusal reason, std::string_view text) {
    if (stream != stream_) return;
    if (reason == Refusal::kNoSuchService) {
        return station_.fail(
            {ExitCode::kRefused,
             fmt::format("{0} is there, but takes no files now\n  on its machine run: peer receive "
                         "--id {0} --via {1}",
                         options_.peer, station_.options().via)});
    }
    station_.fail({ExitCode::kRefused, fmt::format("{} refuses: {}", options_.peer,
                                                   text.empty() ? "no reason" : sanitized(text))});
}

void Send::on_data(const StreamName& stream, Bytes bytes) {
    if (!is_current(stream)) return;
    const bool is_in_order = sender_->on_bytes(bytes);
    if (!is_in_order) {
        station_.streams().reset(stream, ResetReason::kViolation);
        return station_.fail(
            {ExitCode::kOther, fmt::format("{} says what we do not understand; do both sides have "
                                           "the same version?",
                                           options_.peer)});
    }
    station_.streams().consume(stream, bytes.size());
    pump();
}

void Send::on_room(const StreamName& stream) {
    if (is_current(stream)) pump();
}

void Send::on_closed(const StreamName& stream) {
    if (is_current(stream)) end();
}

void Send::on_lost(const StreamName& stream, StreamEnd why) {
    if (!is_current(stream) || station_.is_leaving()) return;
    tell_events();
    bytes_carried_ += sender_->bytes_carried();
    const bool is_over = sender_->is_over();
    sender_.reset();
    stream_.reset();
    show_at_ = tell_progress_at_ = kNever;
    if (is_over) return end();
    switch (why) {
        case StreamEnd::kConnection: return;  // The next one goes on.
        case StreamEnd::kCancelled:
            return station_.fail(
                {ExitCode::kRefused, fmt::format("{} has given it up", options_.peer)});
        case StreamEnd::kFailed:
        case StreamEnd::kViolation:
            return station_.fail(
                {ExitCode::kOther, fmt::format("{} could not go on receiving", options_.peer)});
    }
}

void Send::pump() {
    tell_events();
    files::hand_over(station_.streams(), *stream_, *sender_);
    if (sender_->is_over() && sender_->outgoing().empty()) {
        if (!std::exchange(said_finish_, true)) station_.streams().finish(*stream_);
    } else if (sender_->has_work()) {
        work_.ask();
    }
}

// ---- what the user hears

void Send::tell_events() {
    while (auto event = sender_->poll_event()) {
        std::visit([this](const auto& any) { tell(any); }, *event);
    }
}

void Send::tell(const files::EntryResumed& event) {
    const files::SourceEntry& entry = source_.entries()[event.entry];
    if (station_.options().json) {
        station_.screen().data(files::json::file_resumed(options_.peer, entry.path, event.bytes));
    }
    station_.narrator().say(fmt::format("{}: {} of {} are there already", entry.path,
                                        size_words(event.bytes), size_words(entry.size)));
}

void Send::tell(const files::EntrySent& event) {
    const files::SourceEntry& entry = source_.entries()[event.entry];
    const std::string why = sanitized(event.why);
    ++files_through_;
    bytes_through_ += entry.size;
    if (is_there(event.outcome)) {
        bytes_stored_ += entry.size;
    } else {
        ++failed_;
        station_.narrator().warn(fmt::format("not sent: {}: {}", entry.path, why));
    }
    if (event.outcome == Outcome::kPresent && source_.entries().size() <= kToldOneByOne) {
        station_.narrator().say(fmt::format("{}: is there already", entry.path));
    }
    if (!station_.options().json) return;
    station_.screen().data(files::json::file({.way = files::Way::kSend,
                                              .peer = options_.peer,
                                              .path = entry.path,
                                              .size = entry.size,
                                              .outcome = event.outcome,
                                              .why = event.why}));
}

std::uint64_t Send::bytes_done() const {
    return bytes_through_ + (sender_ ? sender_->bytes_acknowledged() : 0);
}

files::TransferState Send::state(Instant now) const {
    return {.way = files::Way::kSend,
            .peer = options_.peer,
            .files = files_through_,
            .files_total = source_.entries().size(),
            .bytes = bytes_done(),
            .bytes_total = bytes_total_,
            .rate = meter_.rate(),
            .time_left = meter_.time_left(bytes_total_),
            .is_silent = meter_.is_silent(now) && sender_ && !sender_->has_work()};
}

void Send::show(Instant now) {
    meter_.update(now, bytes_done());
    if (now >= show_at_) {
        show_at_ = now + files::kRepaintTime;
        station_.screen().state(files::progress_words(state(now)));
    }
    if (now >= tell_progress_at_) {
        tell_progress_at_ = now + kProgressEventTime;
        if (station_.options().json) {
            station_.screen().data(files::json::progress(state(now)));
        }
    }
}

void Send::end() {
    const std::uint64_t carried = bytes_carried_ + (sender_ ? sender_->bytes_carried() : 0);
    if (station_.options().json) {
        station_.screen().data(files::json::transfer_ended({.way = files::Way::kSend,
                                                            .peer = options_.peer,
                                                            .files = source_.entries().size(),
                                                            .failed = failed_,
                                                            .bytes = bytes_stored_,
                                                            .carried = carried}));
    }
    const Duration time = std::max(station_.now() - began_at_, Duration{1});
    const double rate = static_cast<double>(carried) * 1e6 / static_cast<double>(time.count());
    const std::size_t all = source_.entries().size() + source_.left_out().size();
    station_.narrator().say(fmt::format(
        "{} -> {}: {} stored, {}, in {} ({}/s)", station_.options().id, options_.peer,
        failed_ == 0 ? count_words(all) : fmt::format("{} of {}", all - failed_, count_words(all)),
        size_words(bytes_stored_), time_words(time), size_words(static_cast<std::uint64_t>(rate))));
    station_.leave(failed_ == 0 ? ExitCode::kOk : ExitCode::kOther);
}

std::string Send::same_command() const {
    std::string out = fmt::format("peer send --id {} --via {}", station_.options().id,
                                  quoted(station_.options().via));
    if (station_.options().psk_file) {
        out += " --psk-file " + quoted(station_.options().psk_file->string());
    }
    for (const std::string& file : options_.files) out += " " + quoted(file);
    return fmt::format("{} {}", out, options_.peer);
}

void Send::on_leaving() {
    const std::uint64_t left = source_.entries().size() - files_through_;
    if (left == 0 || began_at_ == kNever) return;
    station_.narrator().warn(
        fmt::format("{} not confirmed yet; to go on where it ended, run:\n  {}", count_words(left),
                    sanitized(same_command())));
}

// ---- time

void Send::handle_timeout(Instant now) {
    if (now >= deadline_) {
        deadline_ = kNever;
        return station_.fail(
            {ExitCode::kTimeout,
             fmt::format("{0} {1}\n  on its machine run: peer receive --id {0} --via {2} ; or wait "
                         "here with --wait",
                         options_.peer,
                         was_connected_ ? "did not come back in time" : "did not answer in time",
                         station_.options().via)});
    }
    if (sender_ && now >= std::min(show_at_, tell_progress_at_)) show(now);
}

Instant Send::next_timeout() const {
    return std::min({deadline_, show_at_, tell_progress_at_});
}

ExitCode run_send(const SendOptions& options, const net::Environment& environment) {
    files::SourceTree source{options.files};
    Station station{options.station, false, environment};
    Send send{station, options, source};
    return station.run(send);
}

}  // namespace pinhole::peer
