#include "shared/node/nat_watch.hpp"

namespace pinhole::node {

void NatWatch::on_registered(Instant now, Duration round_trip_time) {
    round_trip_time_ = round_trip_time;
    // Once is enough, unless nothing came of it.
    if (std::exchange(is_registered_, true) && report().external) return;
    begin_at_ = std::max(now, not_before_);
    // NATs are an IPv4 matter: its answer is waited for when the other family's came first.
    if (!shared_.gathering.mapped_endpoint(kSocketV4)) begin_at_ += kNatWatchDelay;
    handle_timeout(now);
}

void NatWatch::on_network_changed(Instant now) {
    retries_left_ = kNatWatchRetries;
    if (is_registered_) begin_at_ = std::max(now + kNatWatchDelay, not_before_);
}

void NatWatch::on_interfaces_changed(std::vector<LocalAddress> addresses) {
    addresses_ = std::move(addresses);
}

void NatWatch::stop() {
    is_registered_ = false;
    begin_at_ = kNever;
    discovery_.stop();
}

void NatWatch::on_spare_opened(Instant now, SocketId socket, const Endpoint& local) {
    discovery_.on_spare_opened(now, socket, local);
    drain(now);
}

void NatWatch::on_spare_failed(Instant now) {
    discovery_.on_spare_failed(now);
    drain(now);
}

bool NatWatch::handle_response(Instant now, const Path& path,
                               const wire::BindingResponse& response) {
    const bool is_ours = discovery_.handle_response(now, path, response);
    drain(now);
    return is_ours;
}

bool NatWatch::handle_request(Instant now, const Path& path, const wire::BindingRequest& request) {
    const bool is_ours = discovery_.handle_request(now, path, request);
    drain(now);
    return is_ours;
}

void NatWatch::measure_ports(Instant now) {
    is_measuring_ports_ = true;
    discovery_.measure_newest(now);
    drain(now);
}

bool NatWatch::take_ports_measured() {
    if (discovery_.is_running()) return false;
    return std::exchange(is_measuring_ports_, false);
}

void NatWatch::handle_timeout(Instant now) {
    if (now >= begin_at_) begin(now);
    discovery_.handle_timeout(now);
    drain(now);
    if (has_failed() && retries_left_ > 0) {
        --retries_left_;
        // Perhaps the way is longer than it looked.
        round_trip_time_ *= 2;
        begin_at_ = now + kNatWatchInterval;
    }
}

bool NatWatch::has_failed() const {
    return is_registered_ && begin_at_ == kNever && report().is_complete && !report().external;
}

Instant NatWatch::next_timeout() const {
    return std::min(begin_at_, discovery_.next_timeout());
}

void NatWatch::begin(Instant now) {
    begin_at_ = kNever;
    for (const SocketId socket : {kSocketV4, kSocketV6}) {
        const auto server = shared_.gathering.server_seen_by(socket);
        if (!server) continue;
        not_before_ = now + kNatWatchInterval;
        return discovery_.begin(now, {.server = {socket, *server},
                                      .addresses = addresses_,
                                      .round_trip_time = round_trip_time_});
    }
}

void NatWatch::drain(Instant now) {
    while (const auto request = discovery_.poll_request()) {
        if (const auto* open = std::get_if<traversal::OpenSpare>(&*request)) {
            if (!shared_.spares.open({}, open->family, open->port)) discovery_.on_spare_failed(now);
        } else if (const auto* close = std::get_if<traversal::CloseSpare>(&*request)) {
            shared_.spares.close(close->socket);
        }
    }
    while (const auto send = discovery_.poll_transmit()) {
        FixedBytes<wire::kBindingRequestSize> datagram;
        wire::encode(send->request, datagram);
        if (!shared_.out.push({.path = send->path, .bytes = datagram, .ttl = send->ttl})) {
            shared_.drops.add(Drop::kLimit);
        }
    }
    if (report() == seen_) return;
    seen_ = report();
    changed_ = true;
}

}  // namespace pinhole::node
