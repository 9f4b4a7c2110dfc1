// The verb `forward`: TCP connections and UDP datagrams through the connection to a peer.
//
// One process may ask (`--local`, `--reverse`), serve others (`--allow`, `--allow-bind`), or both.
// Our own listeners stay while the peer is away; it is called again until it is back.
#pragma once

#include <memory>
#include <vector>

#include "peer/forward/entrance.hpp"
#include "peer/forward/exit.hpp"
#include "peer/forward/forward_options.hpp"
#include "peer/station.hpp"

namespace pinhole::peer {

class Forward final : public Activity {
  public:
    /// Both must outlive it.
    Forward(Station& station, const ForwardOptions& options);
    Forward(const Forward&) = delete;
    Forward& operator=(const Forward&) = delete;
    ~Forward() override = default;

    void on_start() override;
    void on_connected(const Id& peer) override;
    void on_closed(const Id& peer, node::CloseReason reason) override;
    void on_connect_failed(const node::ConnectFailed& event) override;
    void on_key_changed(const Id& peer, const Problem& problem) override;
    void on_server_trouble(const Problem& problem) override;
    void on_leaving() override;
    void handle_timeout(Instant now) override;
    [[nodiscard]] Instant next_timeout() const override;

  private:
    void ask_for(const ForwardSpec& spec);
    void on_reverse_refused(const ForwardSpec& spec, std::string_view text);
    /// We asked this peer to send such connections here.
    [[nodiscard]] bool is_reversed(const Id& peer, Transport transport,
                                   const net::HostPort& target) const;

    Station& station_;
    const ForwardOptions& options_;
    net::Resolver resolver_;
    Links tcp_;
    Links udp_;
    Links reverses_;
    Desk desk_;
    Exit exit_;
    std::vector<std::shared_ptr<Entrance>> entrances_;
    /// When to look for what is old, while something can grow old.
    Instant tick_at_{};
    bool was_reversed_ = false;
};

/// Runs the verb to its end.
[[nodiscard]] ExitCode run_forward(const ForwardOptions& options,
                                   const net::Environment& environment);

}  // namespace pinhole::peer
