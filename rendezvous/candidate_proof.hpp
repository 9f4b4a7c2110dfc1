// Which candidates of one peer another peer may be told: the server must not become a way to make
// peers send datagrams to strangers.
//
//     public    passes when it carries the cookie that the server gave to that very endpoint, or
//               its IP is one that the server knows to be the claimer's (mapped and predicted
//               ports)
//     private   passes when both sides share a proven address (one NAT, one machine), or when the
//               server itself sees both under private addresses (it stands in that network)
//     loopback, unspecified, multicast, broadcast, link-local: never
//
// IPv4-mapped addresses were normalised when the `IpAddress` was made. "Share" means the prefix of
// one subscriber: a /32 of IPv4, a /64 of IPv6.
#pragma once

#include "rendezvous/limits.hpp"
#include "shared/base/bounded_vector.hpp"
#include "shared/crypto/cookie.hpp"
#include "shared/wire/candidate.hpp"

namespace pinhole::rendezvous {

/// What one side of one introduction claims, and what the server knows to be true.
class Claims {
  public:
    /// The server has a validated path to the claimer at `endpoint`; it leads every list.
    void observe(const Endpoint& endpoint);
    /// The validated path is a stream: it shows the network that the claimer is in, and proves no
    /// endpoint that a datagram could be sent to.
    void observe_stream(const Endpoint& endpoint) { stream_from_ = endpoint.ip; }
    /// Whichever of the two `path` is.
    void observe(const Path& path) {
        is_stream(path.socket) ? observe_stream(path.remote) : observe(path.remote);
    }

    /// Adds what the claimer lists; cookies are checked now. What exceeds `kClaimsMax` is ignored.
    void add(Instant now, crypto::CookieJar& jar, const wire::CandidateList& list);

    /// What `receiver` may be told and was not told yet, best first, without cookies, at most one
    /// list; it counts as told afterwards.
    [[nodiscard]] wire::CandidateList take_untold(const Claims& receiver);

    /// The next `take_untold` begins anew: the message that carried the candidates is repeated.
    void forget_told();
    /// The same for those that `list` names: its sender repeats them because they were lost.
    void forget_told(const wire::CandidateList& list);

    /// How many claims `receiver` may not be told.
    [[nodiscard]] std::size_t withheld_from(const Claims& receiver) const;

  private:
    struct Claim {
        wire::Candidate candidate;
        bool proven = false;
        bool told = false;
    };

    [[nodiscard]] bool passes(const Claim& claim, const Claims& receiver) const;
    [[nodiscard]] bool is_proven(const IpAddress& ip) const;
    [[nodiscard]] bool is_at(const IpAddress& prefix) const;
    [[nodiscard]] bool shares_address_with(const Claims& other) const;
    [[nodiscard]] bool is_seen_as(Scope scope) const;
    void prove(const IpAddress& ip);
    void insert(const Claim& claim);

    BoundedVector<Claim, kClaimsMax> claims_;
    BoundedVector<IpAddress, kProvenMax> proven_;
    /// Where the server's own path leads; on this machine it may be loopback.
    std::optional<Endpoint> observed_;
    std::optional<IpAddress> stream_from_;
};

}  // namespace pinhole::rendezvous
