// How long does an idle mapping live? Asked of the server in ascending steps, on a socket that is
// used for nothing else.
//
// The main socket asks the server to answer to the idle one: what arrives there has come through a
// mapping that nothing refreshed since the answer before. Takes a handful of datagrams and, to the
// last step, minutes: further than refreshes need to know it goes only where somebody asked for it.
#pragma once

#include <array>

#include "shared/base/random.hpp"
#include "shared/traversal/questions.hpp"

namespace pinhole::traversal {

/// Idle times that are tried, one after the other. The last ones are those of traversal.md; the
/// first ones find the routers that forget within seconds. Cookies live 120 s at least.
inline constexpr std::array<Duration, 5> kLifetimeSteps{5s, 12s, 25s, 55s, 110s};

/// The step at which a measurement for our own use ends: longer times change no interval, since
/// keepalives are at most 20 s apart for other reasons (refresh.hpp). After 42 s and four
/// questions.
inline constexpr Duration kLifetimeWorthKnowing = 25s;

class LifetimeProbe {
  public:
    /// `random` must outlive the probe.
    explicit LifetimeProbe(Random& random) : random_(random) {}

    /// `server` is the main socket's way to the first port; `idle` the socket to be left alone.
    /// Steps beyond `longest` are not tried.
    void begin(Instant now, const Path& server, SocketId idle, Duration longest);
    void stop();

    /// True when the response was one that this asked for.
    bool handle_response(Instant now, const Path& path, const wire::BindingResponse& response);
    void handle_timeout(Instant now);
    [[nodiscard]] std::optional<DiscoveryTransmit> poll_transmit() {
        return questions_.poll_transmit();
    }
    [[nodiscard]] Instant next_timeout() const;

    /// The socket under measurement, while there is one.
    [[nodiscard]] std::optional<SocketId> idle() const { return idle_; }
    /// The longest step that the mapping lived through so far, zero before the first; nothing when
    /// the server does not answer.
    [[nodiscard]] std::optional<Duration> lived() const;
    /// The same once it is known that it does not live through the next step, or there is none.
    [[nodiscard]] std::optional<Duration> result() const { return result_; }

  private:
    void finish();

    Random& random_;
    Questions questions_;
    Path server_{};
    std::optional<SocketId> idle_;
    Endpoint mapped_{};
    Cookie cookie_{};
    /// Steps that were lived through.
    std::size_t passed_ = 0;
    /// Steps to be tried.
    std::size_t steps_ = 0;
    bool is_answered_ = false;
    Instant next_step_ = kNever;
    std::optional<Duration> result_;
};

}  // namespace pinhole::traversal
