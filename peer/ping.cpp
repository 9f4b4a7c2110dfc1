#include "peer/ping.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "peer/json_lines.hpp"

namespace pinhole::peer {
namespace {

double milliseconds(Duration duration) {
    return static_cast<double>(duration.count()) / 1000.0;
}

}  // namespace

void Ping::on_start() {
    if (options_.timeout != Duration::max()) deadline_ = station_.now() + options_.timeout;
    station_.connect(options_.peer, options_.wait);
}

void Ping::on_connected(const Id& peer) {
    if (peer != options_.peer) return;
    station_.send(peer, Hello{.takes_texts = false});
    ask(station_.now());
}

void Ping::ask(Instant now) {
    ask_at_ = now + kPingInterval;
    // What nobody reads need not be measured.
    if (station_.screen().is_behind()) return;
    asked_at_ = now;
    ++asked_;
    station_.send(options_.peer, Echo{asked_});
}

void Ping::on_control(const Id& peer, const Control& message) {
    const auto* reply = std::get_if<EchoReply>(&message);
    if (peer != options_.peer || reply == nullptr || reply->token != asked_) return;
    const Instant now = station_.now();
    on_reply(now, now - asked_at_);
}

void Ping::on_reply(Instant /*now*/, Duration round_trip_time) {
    ++answered_;
    least_ = std::min(least_, round_trip_time);
    most_ = std::max(most_, round_trip_time);
    sum_ += round_trip_time;
    if (!options_.until_direct) deadline_ = kNever;
    std::string way = "no path yet";
    if (path_) {
        way = std::string{json::token_of(path_->state)};
        if (path_->state == node::PathState::kDirect && path_->remote) {
            way += " " + path_->remote->to_string();
        } else if (path_->state != node::PathState::kDirect) {
            way += fmt::format(": {}", traversal::sentence_of(path_->reason));
        }
    }
    station_.narrator().pong(fmt::format("{} {}: {:.1f} ms {}", options_.peer, answered_,
                                         milliseconds(round_trip_time), way),
                             json::ping({.peer = options_.peer,
                                         .number = answered_,
                                         .round_trip_time = round_trip_time,
                                         .path = path_}));
    const bool is_direct = path_ && path_->state == node::PathState::kDirect;
    if (options_.until_direct && is_direct) return station_.leave(ExitCode::kOk);
    if (options_.count != 0 && answered_ >= options_.count) end(true);
}

void Ping::end(bool in_time) {
    if (options_.until_direct && answered_ > 0) {
        const auto why = path_ ? traversal::sentence_of(path_->reason)
                               : traversal::sentence_of(node::Reason::kChecking);
        return station_.fail(only_a_relay(options_.peer, why));
    }
    if (in_time) return station_.leave(ExitCode::kOk);
    station_.fail(ping_timed_out(options_.peer, station_.is_connected(options_.peer)));
}

void Ping::on_path(const Id& peer, const node::PathChanged& path) {
    if (peer != options_.peer) return;
    path_ = path;
    // The next answer shows that it carries data; no need to wait for the next question.
    if (path.state == node::PathState::kDirect && options_.until_direct) ask(station_.now());
}

void Ping::on_closed(const Id& peer, node::CloseReason reason) {
    if (peer != options_.peer) return;
    ask_at_ = kNever;
    path_.reset();
    if (reason == node::CloseReason::kPeerRestarted) return;
    if (options_.wait) return station_.connect(peer, true);
    station_.fail(not_connected(peer, reason, station_.options().via));
}

void Ping::on_connect_failed(const node::ConnectFailed& event) {
    if (options_.peer == event.id) station_.wait_or_fail(event);
}

void Ping::on_key_changed(const Id& peer, const Problem& problem) {
    if (peer == options_.peer) station_.fail(problem);
}

void Ping::on_server_trouble(const Problem& problem) {
    station_.fail_if_refused(problem);
}

void Ping::on_leaving() {
    if (answered_ == 0 || station_.options().json) return;
    station_.narrator().pong(
        fmt::format("{} answers; least {:.1f}, mean {:.1f}, most {:.1f} ms", answered_,
                    milliseconds(least_), milliseconds(sum_) / static_cast<double>(answered_),
                    milliseconds(most_)),
        {});
}

void Ping::handle_timeout(Instant now) {
    if (now >= deadline_) {
        deadline_ = kNever;
        return end(false);
    }
    if (now >= ask_at_) ask(now);
}

Instant Ping::next_timeout() const {
    return std::min(deadline_, ask_at_);
}

ExitCode run_ping(const PingOptions& options, const net::Environment& environment) {
    Station station{options.station, false, environment};
    Ping ping{station, options};
    return station.run(ping);
}

}  // namespace pinhole::peer
