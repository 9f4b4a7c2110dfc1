// One proven session with a peer: where it is, when it was heard, under which id it registered.
//
// The path is one that the server validated. A valid datagram from elsewhere is answered by a
// challenge to that place and nothing more; only the response from there moves the path (`Roam`).
#pragma once

#include <algorithm>
#include <memory>
#include <optional>

#include "rendezvous/binding.hpp"
#include "rendezvous/deadline_queue.hpp"
#include "shared/base/endpoint.hpp"
#include "shared/session/session.hpp"
#include "shared/wire/rendezvous_frame.hpp"

namespace pinhole::rendezvous {

/// A place from which a valid datagram came, and the question whether the client is there.
struct Roam {
    Path path;
    wire::ChallengeId challenge{};
    Instant sent;
};

/// Longer round-trip times count as this one: nothing here waits so long.
inline constexpr Duration kRttMax = 1min;

struct Client {
    ClientId name;
    session::ServerSession session;
    Path path;
    Incarnation incarnation;
    /// While it is registered; before that, when it was proven.
    Instant last_heard;
    /// The id under which the client is registered, null while it is not.
    Binding* binding = nullptr;
    std::unique_ptr<Roam> roam{};
    Alarm alarm{};
    /// Smoothed round-trip time in microseconds (RFC 6298 2.3); zero while unknown.
    std::uint32_t rtt_us = 0;
    /// The number of its last `register`: an error that ends the registration names it.
    std::uint16_t request = 0;
    wire::AcceptMode accept = wire::AcceptMode::kOpen;
    /// How its NAT behaves, as far as the client found out.
    wire::Dependence mapping : 4 = wire::Dependence::kUnknown;
    wire::Dependence filtering : 4 = wire::Dependence::kUnknown;

    [[nodiscard]] bool is_registered() const { return binding != nullptr; }
    /// Empty while it is not registered.
    [[nodiscard]] wire::Id id() const { return is_registered() ? binding->id : wire::Id{}; }
    [[nodiscard]] Duration rtt() const { return Duration{rtt_us}; }
    void note_rtt(Duration sample) {
        // RFC 6298 2.3: alpha = 1/8.
        const Duration rtt = rtt_us == 0 ? sample : (7 * Duration{rtt_us} + sample) / 8;
        rtt_us = static_cast<std::uint32_t>(std::clamp(rtt, Duration{1}, kRttMax).count());
    }
};
// A million of them, with all that surrounds each, are to fit into 400 MiB.
static_assert(sizeof(Client) <= 304);

}  // namespace pinhole::rendezvous
