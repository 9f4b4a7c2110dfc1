// The simplest program that punches a path, and the server that tells it how it looks from outside:
// the measuring instruments with which the lab's NATs are checked. No cryptography, no guessing.
#pragma once

#include <vector>

#include "shared/base/datagram.hpp"
#include "shared/base/io.hpp"
#include "shared/base/time.hpp"

namespace pinhole::lab {

/// Answers each request with the endpoint it saw. Two of its sockets make two servers' worth.
class EchoServer {
  public:
    void handle_datagram(Instant now, const Datagram& in);
    void handle_timeout(Instant) {}
    [[nodiscard]] std::optional<Transmit> poll_transmit() { return out_.pop(); }
    [[nodiscard]] Instant next_timeout() const { return kNever; }

  private:
    TransmitQueue out_{4096};
};

/// How a `ReferencePuncher` goes about it.
struct PunchStyle {
    /// Adopts the source of what it hears as a further place to send to.
    bool learns_peer_reflexive = true;
    /// Sends nothing until it has heard the other side.
    bool stays_silent = false;
    /// Low-TTL openers at the start, and when full-TTL probes may follow.
    unsigned openers = 0;
    std::uint8_t opener_ttl = 2;
    Duration full_ttl_after{0};
    Duration interval = 20ms;
};

/// Finds its own mapped endpoint, then sends probes to the other side's until one is answered.
class ReferencePuncher {
  public:
    explicit ReferencePuncher(PunchStyle style = {}) : style_(style) {}

    /// Asks an `EchoServer` for the mapped endpoint.
    void discover(Instant now, const Endpoint& server);
    /// Starts probing.
    void punch(Instant now, std::vector<Endpoint> remotes);

    [[nodiscard]] const std::optional<Endpoint>& mapped() const { return mapped_; }
    /// Where an answered probe went: the direct path.
    [[nodiscard]] const std::optional<Endpoint>& direct() const { return direct_; }
    [[nodiscard]] const std::vector<IcmpError>& icmp_errors() const { return icmp_errors_; }

    void handle_datagram(Instant now, const Datagram& in);
    void handle_timeout(Instant now);
    void handle_io_event(Instant now, const IoEvent& event);
    [[nodiscard]] std::optional<Transmit> poll_transmit() { return out_.pop(); }
    [[nodiscard]] Instant next_timeout() const { return next_round_; }

  private:
    void send(const Endpoint& remote, std::byte kind, std::optional<std::uint8_t> ttl = {});

    PunchStyle style_;
    TransmitQueue out_{256};
    std::optional<Endpoint> mapped_;
    std::optional<Endpoint> direct_;
    std::vector<Endpoint> remotes_;
    std::vector<IcmpError> icmp_errors_;
    Instant full_ttl_at_{};
    Instant next_round_ = kNever;
    bool has_heard_ = false;
};

}  // namespace pinhole::lab
