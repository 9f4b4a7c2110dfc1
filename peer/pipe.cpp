#include "peer/pipe.hpp"

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "peer/json_lines.hpp"
#include "peer/pipe_words.hpp"

namespace pinhole::peer {
namespace {

/// A good end waits so long for the last acknowledgement, and looks so often.
constexpr Duration kLingerTime = 5s;
constexpr Duration kLookInterval = 10ms;
/// Whose input has ended hears so late that the other one's has not.
constexpr Duration kTellWaitingAfter = 2s;

}  // namespace

// ---- until the pipe stands

void Pipe::on_start() {
    station_.streams().serve(ServiceKind::kPipe, *this);
    if (options_.timeout != Duration::max()) deadline_ = station_.now() + options_.timeout;
    if (options_.peer) station_.connect(*options_.peer, options_.wait);
}

void Pipe::on_connected(const Id& peer) {
    station_.send(peer, Hello{.takes_texts = false});
    if (options_.peer != peer || flow_ || asked_) return;
    asked_ = station_.streams().open(peer, ServiceKind::kPipe, {}, *this);
}

void Pipe::on_opened(const StreamName& stream, Bytes /*argument*/) {
    StreamHub& hub = station_.streams();
    if (options_.peer && *options_.peer != stream.peer) {
        return hub.refuse(stream, Refusal::kNotAllowed, "this pipe is for somebody else");
    }
    if (flow_) return hub.refuse(stream, Refusal::kBusy, "this pipe is taken");
    // Both opened one, and both know whose is taken; the refusal of the other one is no news.
    if (asked_ && station_.options().id < stream.peer) {
        return hub.refuse(stream, Refusal::kBusy, "take the other one");
    }
    asked_.reset();
    hub.accept(stream);
    begin(stream);
}

void Pipe::on_accepted(const StreamName& stream) {
    if (asked_ != stream) return station_.streams().reset(stream, ResetReason::kCancelled);
    asked_.reset();
    begin(stream);
}

void Pipe::on_refused(const StreamName& stream, Refusal reason, std::string_view text) {
    if (asked_ != stream) return;
    asked_.reset();
    station_.fail(pipe_refused({.peer = stream.peer,
                                .reason = reason,
                                .text = text,
                                .self = station_.options().id,
                                .via = station_.options().via}));
}

void Pipe::begin(const StreamName& stream) {
    deadline_ = kNever;
    began_at_ = station_.now();
    station_.narrator().say(
        fmt::format("{}: the pipe to {} stands", station_.options().id, stream.peer));
    flow_.emplace(PipeFlow::Place{.io = station_.io(), .hub = station_.streams()}, stream,
                  options_.ways,
                  PipeFlow::Callbacks{
                      .on_turn = [this] { on_turn(); },
                      .on_end = [this](PipeEnd end, int error) { on_end(end, error); },
                  });
    flow_->start();
}

void Pipe::on_closed(const Id& peer, node::CloseReason reason) {
    if (linger_until_ != kNever && flow_->stream().peer == peer) {
        return station_.leave(ExitCode::kOk);
    }
    // Of a pipe that stood `on_lost` told.
    if (options_.peer != peer || flow_) return;
    if (reason == node::CloseReason::kPeerRestarted) return;
    if (options_.wait) return station_.connect(peer, true);
    station_.fail(not_connected(peer, reason, station_.options().via));
}

void Pipe::on_connect_failed(const node::ConnectFailed& event) {
    if (options_.peer == event.id) station_.wait_or_fail(event);
}

void Pipe::on_key_changed(const Id& peer, const Problem& problem) {
    if (options_.peer == peer && !flow_) return station_.fail(problem);
    station_.narrator().warn(problem.text);
}

void Pipe::on_server_trouble(const Problem& problem) {
    station_.fail_if_refused(problem);
}

// ---- while it stands

void Pipe::on_data(const StreamName& stream, Bytes bytes) {
    if (!is_ours(stream)) return;
    flow_->on_data(bytes);
    flow_->plan_receipt(station_.now());
}

void Pipe::on_room(const StreamName& stream) {
    if (is_ours(stream)) flow_->on_room();
}

void Pipe::on_finished(const StreamName& stream) {
    if (is_ours(stream)) flow_->on_finished();
}

void Pipe::on_done(const StreamName& stream) {
    if (!is_ours(stream)) return;
    flow_->on_done();
    if (flow_->waits_for_their_end() && flow_->sent() > 0)
        tell_waiting_at_ = station_.now() + kTellWaitingAfter;
}

void Pipe::on_closed(const StreamName& stream) {
    if (is_ours(stream)) flow_->on_closed();
}

void Pipe::on_lost(const StreamName& stream, StreamEnd why) {
    if (asked_ == stream) asked_.reset();
    if (is_ours(stream)) flow_->on_lost(why);
}

void Pipe::on_datagram(const StreamName& stream, Bytes bytes) {
    if (is_ours(stream)) flow_->on_datagram(bytes);
}

void Pipe::on_turn() {
    flow_->plan_receipt(station_.now());
    station_.settle();
}

// ---- the end

void Pipe::on_end(PipeEnd end, int error) {
    if (station_.is_leaving()) return;
    const Instant now = station_.now();
    tell_waiting_at_ = kNever;
    say_what_was_carried(now);
    if (end == PipeEnd::kComplete) {
        linger_until_ = now + kLingerTime;
        look_at_ = now;
        return;
    }
    if (end == PipeEnd::kOutput && error == EPIPE) return station_.leave(ExitCode::kPipe);
    station_.fail(pipe_broken({.peer = flow_->stream().peer,
                               .end = end,
                               .error = error,
                               .sent = flow_->sent(),
                               .confirmed = flow_->confirmed(),
                               .received = flow_->received()}));
}

void Pipe::say_what_was_carried(Instant now) {
    const PipeTotals totals{.peer = flow_->stream().peer,
                            .sent = flow_->sent(),
                            .confirmed = flow_->confirmed(),
                            .received = flow_->received(),
                            .time = now - began_at_};
    if (station_.options().json) {
        station_.screen().data(json::pipe(totals));
    }
    station_.narrator().say(words_of(totals));
}

void Pipe::leave_when_all_is_acknowledged(Instant now) {
    const auto peers = station_.peers();
    const auto peer = std::ranges::find(peers, flow_->stream().peer, &node::PeerStatus::id);
    const bool is_out = peer == peers.end() || peer->bytes_unacknowledged == 0;
    if (is_out || now >= linger_until_) return station_.leave(ExitCode::kOk);
    look_at_ = now + kLookInterval;
}

void Pipe::on_leaving() {
    if (flow_) flow_->cancel();
}

void Pipe::handle_timeout(Instant now) {
    if (now >= look_at_) return leave_when_all_is_acknowledged(now);
    if (flow_) flow_->handle_timeout(now);
    if (now >= tell_waiting_at_) {
        tell_waiting_at_ = kNever;
        station_.narrator().say(
            fmt::format("all {} bytes are through; waiting for the end of what {} sends "
                        "(--close-on-eof would not)",
                        flow_->sent(), flow_->stream().peer));
    }
    if (now < deadline_) return;
    deadline_ = kNever;
    station_.fail(
        pipe_timed_out(options_.peer, options_.peer && station_.is_connected(*options_.peer)));
}

Instant Pipe::next_timeout() const {
    const Instant of_flow = flow_ ? flow_->next_timeout() : kNever;
    return std::min({deadline_, tell_waiting_at_, look_at_, of_flow});
}

ExitCode run_pipe(const PipeOptions& options, const net::Environment& environment) {
    Station station{options.station, !options.peer, environment};
    Pipe pipe{station, options};
    return station.run(pipe);
}

}  // namespace pinhole::peer
