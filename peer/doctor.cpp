#include "peer/doctor.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "peer/doctor_json.hpp"
#include "peer/doctor_text.hpp"
#include "shared/net/interfaces.hpp"

namespace pinhole::peer {
namespace {

/// What may still become a direct path without anybody doing anything.
bool is_final(const node::PathChanged& path) {
    if (path.state == node::PathState::kDirect) return true;
    if (path.state != node::PathState::kRelay) return false;
    return path.reason != node::Reason::kChecking && path.reason != node::Reason::kGuessing;
}

}  // namespace

void Doctor::on_start() {
    const Instant now = station_.now();
    deadline_ = now + options_.timeout;
    look_at_ = now + kLookInterval;
    if (options_.peer) station_.connect(*options_.peer, options_.wait);
}

void Doctor::on_registered() {
    if (network_until_ != kNever) return;
    network_until_ = station_.now() + kNetworkTime;
    station_.narrator().say(options_.lifetime
                                ? "looking at the network; how long idle flows live takes up to "
                                  "four minutes, Ctrl-C shows what is known so far"
                                : "looking at the network, which takes some seconds");
}

void Doctor::on_connected(const Id& peer) {
    station_.send(peer, Hello{.takes_texts = false});
}

void Doctor::on_closed(const Id& peer, node::CloseReason reason) {
    if (peer != options_.peer || reason == node::CloseReason::kPeerRestarted) return;
    problem_ = not_connected(peer, reason, station_.options().via);
    if (options_.wait) station_.connect(peer, true);
}

void Doctor::on_connect_failed(const node::ConnectFailed& event) {
    if (event.id != options_.peer) return;
    problem_ = not_connected(event.id, event.reason, station_.options().via);
    if (event.retrying) station_.narrator().waiting(station_.now(), event.id, event.reason);
}

void Doctor::on_key_changed(const Id& peer, const Problem& problem) {
    if (peer == options_.peer) problem_ = problem;
}

void Doctor::on_server_trouble(const Problem& problem) {
    station_.fail_if_refused(problem);
}

// ---- the end

void Doctor::handle_timeout(Instant now) {
    if (now < look_at_) return;
    look_at_ = now + kLookInterval;
    const bool has_all = station_.server() && knows_network(now) && knows_pair();
    if (has_all || now >= deadline_) end();
}

bool Doctor::knows_network(Instant now) const {
    const auto& nat = station_.node().nat_report();
    if (options_.lifetime) return nat.mapping_lifetime.has_value();
    const bool has_asked_gateway =
        station_.node().port_mapping().state != node::MappingState::kAsked;
    return (nat.is_complete && has_asked_gateway) || now >= network_until_;
}

bool Doctor::knows_pair() const {
    if (!options_.peer) return true;
    const auto known = pair();
    if (known.path) return is_final(*known.path);
    return problem_.has_value() && !options_.wait;
}

void Doctor::end() {
    look_at_ = kNever;
    if (!station_.server()) {
        return station_.fail(server_trouble({.trouble = node::ServerTrouble::kNoAnswer,
                                             .via = station_.options().via,
                                             .self = station_.options().id}));
    }
    if (!options_.peer) return station_.leave(ExitCode::kOk);
    const auto known = pair();
    if (known.path) {
        const bool is_direct = known.path->state == node::PathState::kDirect;
        return station_.leave(is_direct ? ExitCode::kOk : ExitCode::kOnlyRelay);
    }
    station_.fail(problem_.value_or(ping_timed_out(*options_.peer, false)));
}

void Doctor::on_leaving() {
    const DoctorReport all = report();
    if (station_.options().json) {
        station_.screen().data(json::doctor(all));
        return;
    }
    std::string text = text_of(all, [this](Paint paint, std::string_view words) {
        return station_.screen().painted_data(paint, words);
    });
    text.pop_back();  // The screen ends the line.
    station_.screen().data(text);
}

DoctorReport Doctor::report() const {
    DoctorReport out{.self = station_.options().id, .via = station_.options().via};
    if (const auto& server = station_.server()) {
        out.server = {.address = server->server,
                      .observed = server->observed,
                      .round_trip_time = server->round_trip_time,
                      .over_tcp = server->over_tcp};
    }
    if (const auto listed = net::read_interface_addresses()) {
        out.addresses = net::usable_addresses(*listed);
    }
    out.nat = station_.node().nat_report();
    out.port_mapping = station_.node().port_mapping();
    if (options_.peer) out.pair = pair();
    return out;
}

DoctorReport::Pair Doctor::pair() const {
    DoctorReport::Pair out{.peer = *options_.peer};
    for (const auto& status : station_.peers()) {
        if (status.id != *options_.peer || !status.is_connected) continue;
        out.path = status.path;
        out.theirs = status.nat;
        out.plan = status.plan;
    }
    return out;
}

ExitCode run_doctor(const DoctorOptions& options, const net::Environment& environment) {
    Station station{options.station, false, environment};
    Doctor doctor{station, options};
    return station.run(doctor);
}

}  // namespace pinhole::peer
