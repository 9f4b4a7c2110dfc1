// One proven session with a peer: where it is, when it was heard, under which id it registered.
//
// The path is one that the server validated. A valid datagram from elsewhere is answered by a
// challenge to that place and nothing more; only the response from there moves the path (`Roam`).
#pragma once

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

struct Client {
    ClientId name;
    session::ServerSession session;
    Path path;
    Incarnation incarnation;
    Instant proven_at;
    Instant last_heard;
    /// Smoothed round-trip time (RFC 6298 2.3); zero while unknown.
    Duration rtt{0};
    /// The id under which the client is registered, null while it is not.
    Binding* binding = nullptr;
    wire::AcceptMode accept = wire::AcceptMode::kOpen;
    /// How its NAT behaves, as far as the client found out.
    wire::Dependence mapping = wire::Dependence::kUnknown;
    wire::Dependence filtering = wire::Dependence::kUnknown;
    /// The number of its last `register`: an error that ends the registration names it.
    std::uint16_t request = 0;
    std::unique_ptr<Roam> roam{};
    Alarm alarm{};

    [[nodiscard]] bool is_registered() const { return binding != nullptr; }
    /// Empty while it is not registered.
    [[nodiscard]] wire::Id id() const { return is_registered() ? binding->id : wire::Id{}; }
    void note_rtt(Duration sample) {
        // RFC 6298 2.3: alpha = 1/8.
        rtt = rtt == Duration{0} ? std::max(sample, Duration{1}) : (7 * rtt + sample) / 8;
    }
};

}  // namespace pinhole::rendezvous
