// How long does an idle mapping live? Asked of the server in ascending steps, on a socket that is
// used for nothing else.
//
// The main socket asks the server to answer to the idle one: what arrives there has come through a
// mapping that nothing refreshed since the answer before. Takes minutes and a handful of datagrams;
// runs only where somebody asked for it.
#pragma once

#include <array>

#include "shared/base/random.hpp"
#include "shared/traversal/questions.hpp"

namespace pinhole::traversal {

/// Idle times that are tried, one after the other. The last ones are those of traversal.md; the
/// first ones find the routers that forget within seconds. Cookies live 120 s at least.
inline constexpr std::array<Duration, 5> kLifetimeSteps{5s, 12s, 25s, 55s, 110s};

class LifetimeProbe {
  public:
    /// `random` must outlive the probe.
    explicit LifetimeProbe(Random& random) : random_(random) {}

    /// `server` is the main socket's way to the first port; `idle` the socket to be left alone.
    void begin(Instant now, const Path& server, SocketId idle);
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
    /// The longest step that the mapping lived through, once known; zero when none.
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
    Instant next_step_ = kNever;
    std::optional<Duration> result_;
};

}  // namespace pinhole::traversal
