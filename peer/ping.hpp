// The verb `ping`: is a peer there, by which path, and how long does an answer take?
//
// Measures by an echo between the two tools, so what it says is what a text meets.
#pragma once

#include <optional>

#include "peer/ping_options.hpp"
#include "peer/station.hpp"

namespace pinhole::peer {

/// Between two questions, as `ping` of the system does.
inline constexpr Duration kPingInterval = 1s;

class Ping final : public Activity {
  public:
    /// Both must outlive it.
    Ping(Station& station, const PingOptions& options) : station_(station), options_(options) {}
    Ping(const Ping&) = delete;
    Ping& operator=(const Ping&) = delete;
    ~Ping() override = default;

    void on_start() override;
    void on_connected(const Id& peer) override;
    void on_control(const Id& peer, const Control& message) override;
    void on_path(const Id& peer, const node::PathChanged& path) override;
    void on_closed(const Id& peer, node::CloseReason reason) override;
    void on_connect_failed(const node::ConnectFailed& event) override;
    void on_key_changed(const Id& peer, const Problem& problem) override;
    void on_server_trouble(const Problem& problem) override;
    void on_leaving() override;
    void handle_timeout(Instant now) override;
    [[nodiscard]] Instant next_timeout() const override;

  private:
    void ask(Instant now);
    void on_reply(Instant now, Duration round_trip_time);
    void end(bool in_time);

    Station& station_;
    const PingOptions& options_;
    std::optional<node::PathChanged> path_;
    Instant deadline_ = kNever;
    Instant ask_at_ = kNever;
    Instant asked_at_{};
    std::uint32_t asked_ = 0;
    std::uint32_t answered_ = 0;
    Duration least_ = Duration::max();
    Duration most_{};
    Duration sum_{};
};

/// Runs the verb to its end.
[[nodiscard]] ExitCode run_ping(const PingOptions& options, const net::Environment& environment);

}  // namespace pinhole::peer
