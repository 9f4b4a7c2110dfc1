// When to look at the NAT, and where discovery's sockets and datagrams go.
//
// Runs discovery after the first registration and again after each network change, but at most
// every ten seconds. Owns the discovery and so the report; borrows spare sockets from the node's
// registry. Waits for nothing and delays nobody: what it does not know yet is simply unknown.
#pragma once

#include <utility>
#include <vector>

#include "shared/base/counters.hpp"
#include "shared/base/datagram.hpp"
#include "shared/node/spare_sockets.hpp"
#include "shared/traversal/discovery.hpp"
#include "shared/traversal/gathering.hpp"

namespace pinhole::node {

/// Between two beginnings of discovery.
inline constexpr Duration kNatWatchInterval = 10s;
/// When the server left even the first question unanswered.
inline constexpr unsigned kNatWatchRetries = 3;
/// After a network change this lets the new network settle.
inline constexpr Duration kNatWatchDelay = 500ms;

class NatWatch {
  public:
    /// What the watch shares with its node; all must outlive it.
    struct Shared {
        const traversal::Gathering& gathering;
        Spares& spares;
        TransmitQueue& out;
        DropCounters& drops;
        Random& random;
    };

    NatWatch(const traversal::DiscoveryOptions& options, const Shared& shared)
        : shared_(shared), discovery_(options, shared.random) {}

    /// The server knows us (again): there is somebody to ask.
    void on_registered(Instant now, Duration round_trip_time);
    /// What was found out may no longer hold.
    void on_network_changed(Instant now);
    void on_interfaces_changed(std::vector<LocalAddress> addresses);
    void stop();

    /// A spare socket without a peer.
    void on_spare_opened(Instant now, SocketId socket, const Endpoint& local);
    void on_spare_failed(Instant now);

    /// True when discovery asked for it.
    bool handle_response(Instant now, const Path& path, const wire::BindingResponse& response);
    bool handle_request(Instant now, const Path& path, const wire::BindingRequest& request);
    void handle_timeout(Instant now);
    [[nodiscard]] Instant next_timeout() const;

    /// Finds out which port a new mapping gets now: flows since the last look have moved it.
    void measure_ports(Instant now);
    /// True once after that is in the report, or cannot be found out.
    [[nodiscard]] bool take_ports_measured();

    /// True once after the report changed.
    [[nodiscard]] bool take_changed() { return std::exchange(changed_, false); }
    [[nodiscard]] const traversal::NatReport& report() const { return discovery_.report(); }

  private:
    void begin(Instant now);
    /// The last discovery found out nothing at all.
    [[nodiscard]] bool has_failed() const;
    /// Hands on what discovery wants. Call after every mutation.
    void drain(Instant now);

    Shared shared_;
    traversal::Discovery discovery_;
    std::vector<LocalAddress> addresses_;
    Duration round_trip_time_{};
    bool is_registered_ = false;
    bool is_measuring_ports_ = false;
    /// The report as it was after the last mutation.
    traversal::NatReport seen_;
    bool changed_ = false;
    unsigned retries_left_ = kNatWatchRetries;
    Instant begin_at_ = kNever;
    Instant not_before_{};
};

}  // namespace pinhole::node
