#include "peer/stream_connection.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace pinhole::peer {
namespace {

/// The bounds of one stream's share of `kUnreadBytesMax`. The least still fills a slow path; the
/// most is two bandwidth-delay products of 100 Mbit/s and 150 ms.
constexpr std::uint64_t kWindowMin = std::uint64_t{64} << 10U;
constexpr std::uint64_t kWindowMax = std::uint64_t{4} << 20U;
/// What a stream may write before it is another's turn.
constexpr std::size_t kTurnBytes = std::size_t{64} << 10U;
constexpr std::uint32_t kNumberMax = (std::uint32_t{1} << 31U) - 1;

StreamEnd end_of(ResetReason reason) {
    switch (reason) {
        case ResetReason::kCancelled: return StreamEnd::kCancelled;
        case ResetReason::kFailed: return StreamEnd::kFailed;
        case ResetReason::kViolation: return StreamEnd::kViolation;
    }
    // A reason of a later version.
    return StreamEnd::kCancelled;
}

}  // namespace

// ---- what the services ask for

StreamNumber StreamConnection::open(ServiceKind kind, Bytes argument, StreamService& service) {
    assert(last_ours_ < kNumberMax);
    const StreamNumber number{.is_ours = true, .number = ++last_ours_};
    Stream& stream = streams_.emplace(number, Stream{.service = &service, .state = State::kOpening})
                         .first->second;
    stream.granted = window();
    say(StreamOpen{number, kind, static_cast<std::uint32_t>(stream.granted), argument});
    return number;
}

void StreamConnection::accept(StreamNumber number) {
    Stream* stream = find(number);
    if (stream == nullptr || stream->state != State::kOffered) return;
    stream->state = State::kStanding;
    stream->granted = window();
    say(StreamAccept{number, static_cast<std::uint32_t>(stream->granted)});
}

void StreamConnection::refuse(StreamNumber number, Refusal reason, std::string_view text) {
    Stream* stream = find(number);
    if (stream == nullptr || stream->state != State::kOffered) return;
    streams_.erase(number);
    say(StreamRefuse{number, reason, text.substr(0, kRefusalTextMax)});
}

std::size_t StreamConnection::write(StreamNumber number, Bytes bytes) {
    Stream* stream = find_standing(number);
    if (stream == nullptr || stream->sent_finish) return 0;
    // Nobody overtakes those who wait for their turn.
    const bool is_turn = turn_ ? *turn_ == number : circle_.empty();
    std::size_t taken = 0;
    while (is_turn && taken < bytes.size() && stream->credit > 0 && may_send()) {
        if (turn_ && turn_left_ == 0) break;
        std::size_t size = std::min(
            {bytes.size() - taken, kStreamPieceMax, static_cast<std::size_t>(stream->credit)});
        if (turn_) size = std::min(size, turn_left_);
        const StreamData frame{number, bytes.subspan(taken, size)};
        if (!carrier_.send(peer_, kStreamChannel, encode(frame))) break;
        stream->credit -= size;
        if (turn_) turn_left_ -= size;
        taken += size;
    }
    stream->wants_room = taken < bytes.size();
    if (stream->wants_room && stream->credit > 0) join_circle(number, *stream);
    return taken;
}

void StreamConnection::finish(StreamNumber number) {
    Stream* stream = find_standing(number);
    if (stream == nullptr || std::exchange(stream->sent_finish, true)) return;
    stream->wants_room = false;
    say(StreamFinish{number});
}

void StreamConnection::consume(StreamNumber number, std::size_t bytes) {
    Stream* stream = find_standing(number);
    if (stream == nullptr) return;
    assert(bytes <= stream->unread);
    stream->unread -= bytes;
    grant(number, *stream);
    say_done_if_read(number, *stream);
    close_if_over(number);
}

void StreamConnection::reset(StreamNumber number, ResetReason reason) {
    const Stream* stream = find(number);
    if (stream == nullptr) return;
    streams_.erase(number);
    say(StreamReset{number, reason});
}

bool StreamConnection::send_datagram(StreamNumber number, Bytes bytes) {
    return find_standing(number) != nullptr &&
           carrier_.send(peer_, kStreamDatagramChannel, encode(StreamDatagram{number, bytes}));
}

// ---- what the connection brings

void StreamConnection::on_message(std::uint8_t channel, Bytes message) {
    const auto frame = parse_stream_frame(message);
    if (!frame) return;
    // Each on its channel: a reliable frame on the other would come out of order.
    if (std::holds_alternative<StreamDatagram>(*frame) != (channel == kStreamDatagramChannel)) {
        return;
    }
    std::visit([this](const auto& any) { on(any); }, *frame);
}

void StreamConnection::on(const StreamOpen& frame) {
    if (frame.stream.number <= last_theirs_) return;
    last_theirs_ = frame.stream.number;
    // He opens and does not take our answers.
    if (waiting_.size() >= kStreamsMax) return;
    const auto service = services_.find(frame.service);
    if (service == services_.end()) {
        return say(StreamRefuse{frame.stream, Refusal::kNoSuchService, "nobody serves that here"});
    }
    const auto theirs =
        std::ranges::count_if(streams_, [](const auto& entry) { return !entry.first.is_ours; });
    if (static_cast<std::size_t>(theirs) >= kStreamsMax) {
        return say(StreamRefuse{frame.stream, Refusal::kBusy, "too many streams"});
    }
    streams_.emplace(
        frame.stream,
        Stream{.service = service->second, .state = State::kOffered, .credit = frame.credit});
    service->second->on_opened(name(frame.stream), frame.argument);
}

void StreamConnection::on(const StreamAccept& frame) {
    Stream* stream = find(frame.stream);
    if (stream == nullptr || stream->state != State::kOpening) return;
    stream->state = State::kStanding;
    stream->credit = frame.credit;
    stream->service->on_accepted(name(frame.stream));
}

void StreamConnection::on(const StreamRefuse& frame) {
    const Stream* stream = find(frame.stream);
    if (stream == nullptr || stream->state != State::kOpening) return;
    StreamService* const service = stream->service;
    streams_.erase(frame.stream);
    service->on_refused(name(frame.stream), frame.reason, frame.text);
}

void StreamConnection::on(const StreamData& frame) {
    Stream* stream = find_standing(frame.stream);
    if (stream == nullptr) return;
    if (stream->got_finish || frame.bytes.size() > stream->granted) return break_off(frame.stream);
    stream->granted -= frame.bytes.size();
    stream->unread += frame.bytes.size();
    stream->service->on_data(name(frame.stream), frame.bytes);
}

void StreamConnection::on(const StreamCredit& frame) {
    Stream* stream = find_standing(frame.stream);
    if (stream == nullptr) return;
    if (stream->credit + frame.bytes > kCreditMax) return break_off(frame.stream);
    stream->credit += frame.bytes;
    if (!stream->wants_room || stream->credit == 0) return;
    join_circle(frame.stream, *stream);
    serve_circle();
}

void StreamConnection::on(const StreamFinish& frame) {
    Stream* stream = find_standing(frame.stream);
    if (stream == nullptr || stream->got_finish) return;
    stream->got_finish = true;
    stream->service->on_finished(name(frame.stream));
    stream = find_standing(frame.stream);
    if (stream == nullptr) return;
    say_done_if_read(frame.stream, *stream);
    close_if_over(frame.stream);
}

void StreamConnection::on(const StreamDone& frame) {
    Stream* stream = find_standing(frame.stream);
    if (stream == nullptr || stream->got_done) return;
    if (!stream->sent_finish) return break_off(frame.stream);
    stream->got_done = true;
    stream->service->on_done(name(frame.stream));
    close_if_over(frame.stream);
}

void StreamConnection::on(const StreamReset& frame) {
    if (find(frame.stream) != nullptr) lose(frame.stream, end_of(frame.reason));
}

void StreamConnection::on(const StreamDatagram& frame) {
    const Stream* stream = find_standing(frame.stream);
    if (stream != nullptr) stream->service->on_datagram(name(frame.stream), frame.bytes);
}

void StreamConnection::on_room() {
    while (!waiting_.empty() && carrier_.send(peer_, kStreamChannel, waiting_.front())) {
        waiting_.pop_front();
    }
    serve_circle();
}

void StreamConnection::lose_all() {
    waiting_.clear();
    while (!streams_.empty()) lose(streams_.begin()->first, StreamEnd::kConnection);
}

// ---- turns and credit

void StreamConnection::join_circle(StreamNumber number, Stream& stream) {
    if (std::exchange(stream.is_in_circle, true)) return;
    circle_.push_back(number);
}

void StreamConnection::serve_circle() {
    // A service that writes from inside its turn does not begin another one.
    if (turn_) return;
    while (!circle_.empty() && may_send()) {
        const StreamNumber number = circle_.front();
        circle_.pop_front();
        Stream* stream = find_standing(number);
        if (stream == nullptr) continue;
        stream->is_in_circle = false;
        if (!std::exchange(stream->wants_room, false)) continue;
        turn_ = number;
        turn_left_ = kTurnBytes;
        stream->service->on_room(name(number));
        turn_.reset();
    }
}

std::uint64_t StreamConnection::window() const {
    const std::uint64_t share = kUnreadBytesMax / std::max<std::size_t>(streams_.size(), 1);
    return std::clamp(share, kWindowMin, kWindowMax);
}

void StreamConnection::grant(StreamNumber number, Stream& stream) {
    if (stream.got_finish) return;
    const std::uint64_t held = stream.granted + stream.unread;
    const std::uint64_t whole = window();
    // Small grants would cost as many messages as the data itself.
    if (held + whole / 4 > whole) return;
    const auto more = static_cast<std::uint32_t>(whole - held);
    stream.granted += more;
    say(StreamCredit{number, more});
}

// ---- the end

void StreamConnection::say_done_if_read(StreamNumber number, Stream& stream) {
    if (!stream.got_finish || stream.unread > 0 || std::exchange(stream.sent_done, true)) return;
    say(StreamDone{number});
}

void StreamConnection::close_if_over(StreamNumber number) {
    const Stream* stream = find(number);
    if (stream == nullptr || !stream->got_done || !stream->sent_done) return;
    StreamService* const service = stream->service;
    streams_.erase(number);
    service->on_closed(name(number));
}

void StreamConnection::break_off(StreamNumber number) {
    say(StreamReset{number, ResetReason::kViolation});
    lose(number, StreamEnd::kViolation);
}

void StreamConnection::lose(StreamNumber number, StreamEnd why) {
    const auto found = streams_.find(number);
    StreamService* const service = found->second.service;
    streams_.erase(found);
    service->on_lost(name(number), why);
}

StreamConnection::Stream* StreamConnection::find(StreamNumber number) {
    const auto found = streams_.find(number);
    return found == streams_.end() ? nullptr : &found->second;
}

StreamConnection::Stream* StreamConnection::find_standing(StreamNumber number) {
    Stream* stream = find(number);
    return stream != nullptr && stream->state == State::kStanding ? stream : nullptr;
}

void StreamConnection::say(const StreamFrame& frame) {
    ByteVector message = encode(frame);
    if (waiting_.empty() && carrier_.send(peer_, kStreamChannel, message)) return;
    waiting_.push_back(std::move(message));
}

}  // namespace pinhole::peer
