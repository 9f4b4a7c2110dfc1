// The verb `doctor`: what is this network like, how is a peer reached, and what could be better?
//
// Registers like a chat, lets the node look at the NAT and ask the gateway for a port, and where a
// peer is named calls it and waits until the way to it is direct or the reason why not is final.
// Then prints one report and ends. Decides nothing: the report's rules are in doctor_report.hpp.
#pragma once

#include <optional>

#include "peer/doctor_options.hpp"
#include "peer/doctor_report.hpp"
#include "peer/station.hpp"

namespace pinhole::peer {

/// Discovery takes a second or two, gateways are given up after some: then what is not known yet
/// stays unknown.
inline constexpr Duration kNetworkTime = 10s;
/// How often we look whether all is known.
inline constexpr Duration kLookInterval = 200ms;

class Doctor final : public Activity {
  public:
    /// Both must outlive it.
    Doctor(Station& station, const DoctorOptions& options) : station_(station), options_(options) {}
    Doctor(const Doctor&) = delete;
    Doctor& operator=(const Doctor&) = delete;
    ~Doctor() override = default;

    void on_start() override;
    void on_registered() override;
    void on_connected(const Id& peer) override;
    void on_closed(const Id& peer, node::CloseReason reason) override;
    void on_connect_failed(const node::ConnectFailed& event) override;
    void on_key_changed(const Id& peer, const Problem& problem) override;
    void on_server_trouble(const Problem& problem) override;
    void on_leaving() override;
    void handle_timeout(Instant now) override;
    [[nodiscard]] Instant next_timeout() const override { return look_at_; }

  private:
    [[nodiscard]] DoctorReport report() const;
    [[nodiscard]] DoctorReport::Pair pair() const;
    [[nodiscard]] bool knows_network(Instant now) const;
    [[nodiscard]] bool knows_pair() const;
    void end();

    Station& station_;
    const DoctorOptions& options_;
    Instant look_at_ = kNever;
    Instant deadline_ = kNever;
    Instant network_until_ = kNever;
    /// Why there is no way to the peer at all.
    std::optional<Problem> problem_;
};

/// Runs the verb to its end.
[[nodiscard]] ExitCode run_doctor(const DoctorOptions& options,
                                  const net::Environment& environment);

}  // namespace pinhole::peer
