#include "peer/status_report.hpp"

#include <cmath>

#include <fmt/format.h>

#include "peer/json_lines.hpp"
#include "peer/json_object.hpp"
#include "peer/quantity.hpp"

namespace pinhole::peer {
namespace {

using json::milliseconds;
using json::Object;

/// To tenths, which is as much as can be relied on.
double rounded(double value) {
    return std::round(value * 10) / 10;
}

/// From data that flowed, else from when the path was chosen.
std::optional<Duration> round_trip_time(const node::PeerStatus& peer) {
    if (peer.sent.round_trip_time) return peer.sent.round_trip_time;
    if (!peer.path || peer.path->round_trip_time == Duration{}) return std::nullopt;
    return peer.path->round_trip_time;
}

std::string path_words(const node::PeerStatus& peer) {
    if (!peer.is_connected || !peer.path) return "waiting";
    const std::string_view state = json::token_of(peer.path->state);
    const bool is_direct = peer.path->state == node::PathState::kDirect;
    if (is_direct && peer.path->remote) return fmt::format("{} {}", state, *peer.path->remote);
    return std::string{state};
}

std::string peer_line(const node::PeerStatus& peer) {
    const auto time = round_trip_time(peer);
    const auto loss = loss_percent(peer);
    std::string out =
        fmt::format("  {:<16} {:<40} {:>9} {:>7} {:>10} {:>10}\n", peer.id.text(), path_words(peer),
                    time ? fmt::format("{:.1f} ms", milliseconds(*time)) : "-",
                    loss ? fmt::format("{:.1f} %", *loss) : "-",
                    size_words(peer.sent.bytes_delivered), size_words(peer.bytes_received));
    if (peer.is_connected && peer.path && peer.path->state != node::PathState::kDirect) {
        out += fmt::format("  {:<16} why: {}\n", "", traversal::sentence_of(peer.path->reason));
    }
    return out;
}

Object json_of(const node::PeerStatus& peer) {
    Object out;
    out["peer"] = peer.id.text();
    if (peer.key) out["key"] = peer.key->to_string();
    out["connected"] = peer.is_connected;
    if (peer.path) {
        out["path"] = json::token_of(peer.path->state);
        out["reason"] = traversal::name_of(peer.path->reason);
        out["why"] = traversal::sentence_of(peer.path->reason);
        if (peer.path->remote) out["remote"] = peer.path->remote->to_string();
    }
    if (const auto time = round_trip_time(peer)) out["rtt_ms"] = milliseconds(*time);
    if (const auto loss = loss_percent(peer)) out["loss_percent"] = rounded(*loss);
    out["bytes_delivered"] = peer.sent.bytes_delivered;
    out["bytes_unacknowledged"] = peer.bytes_unacknowledged;
    out["bytes_received"] = peer.bytes_received;
    return out;
}

}  // namespace

std::optional<double> loss_percent(const node::PeerStatus& peer) {
    const auto sent = static_cast<double>(peer.sent.bytes_delivered + peer.sent.bytes_lost);
    if (sent == 0) return std::nullopt;
    return 100 * static_cast<double>(peer.sent.bytes_lost) / sent;
}

std::string status_text(const StatusReport& report) {
    std::string out = fmt::format("{} {} (process {})\n", report.id, report.key, report.pid);
    if (!report.is_registered) {
        out += fmt::format("  rendezvous {}: not reached now\n", report.via);
    } else {
        out += fmt::format("  rendezvous {}{}: registered", report.via,
                           report.server->over_tcp ? " over TCP" : "");
        if (report.server->observed)
            out += fmt::format(", sees us at {}", *report.server->observed);
        out += "\n";
    }
    if (report.datagrams_dropped > 0) {
        out += fmt::format("  {} datagrams of forwarded ports were dropped: too many at once\n",
                           report.datagrams_dropped);
    }
    if (report.peers.empty()) return out + "  nobody is connected\n";
    out += fmt::format("  {:<16} {:<40} {:>9} {:>7} {:>10} {:>10}\n", "PEER", "PATH", "RTT", "LOST",
                       "SENT", "RECEIVED");
    for (const auto& peer : report.peers) out += peer_line(peer);
    return out;
}

std::string status_json(const StatusReport& report) {
    Object object = json::begin("status");
    object["id"] = report.id.text();
    object["key"] = report.key.to_string();
    object["pid"] = report.pid;
    object["via"] = report.via;
    object["registered"] = report.is_registered;
    if (report.server) {
        object["server"] = report.server->server.to_string();
        object["server_key"] = report.server->server_key.to_string(crypto::kServerKeyPrefix);
        object["over_tcp"] = report.server->over_tcp;
        if (report.server->observed) object["observed"] = report.server->observed->to_string();
    }
    if (report.port_mapping.state == node::MappingState::kMapped && report.port_mapping.external) {
        object["mapped"] = report.port_mapping.external->to_string();
    }
    object["streams"] = report.streams;
    object["datagrams_dropped"] = report.datagrams_dropped;
    object["peers"] = Object::array();
    for (const auto& peer : report.peers) object["peers"].push_back(json_of(peer));
    return json::line(object) + "\n";
}

}  // namespace pinhole::peer
