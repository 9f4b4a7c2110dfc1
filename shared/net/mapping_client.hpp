// What PCP, NAT-PMP and UPnP have in common: a question for one port mapping, and its answer.
#pragma once

#include <functional>
#include <optional>

#include "shared/base/endpoint.hpp"
#include "shared/base/result.hpp"
#include "shared/base/time.hpp"
#include "shared/net/default_gateway.hpp"

namespace pinhole::net {

/// The first wait for an answer of a gateway, doubled for each repetition (RFC 6886 3.1; RFC 6887
/// 8.1.1 begins with 3 s, which nobody who wants to talk now can wait).
inline constexpr Duration kGatewayFirstWait = 250ms;
/// After so many datagrams, and 1.75 s, the gateway does not speak the protocol.
inline constexpr unsigned kGatewayTries = 3;

struct MappingWish {
    Gateway gateway;
    std::uint16_t internal_port = 0;
    /// Zero removes the mapping.
    Duration lifetime{};
    /// Of the mapping to renew or to remove; nothing for a new one.
    std::optional<Endpoint> external{};
};

struct MappingGrant {
    Endpoint external;
    Duration lifetime{};
    /// The gateway forgot all mappings since its last answer: others have to be made anew.
    bool gateway_restarted = false;
};

enum class MappingRefusal : std::uint8_t {
    kNoAnswer,         ///< nobody there speaks this protocol
    kRefused,          ///< it is spoken, and the answer is no
    kTooShort,         ///< the answer is yes, for a time that is not worth it
    kNoPublicAddress,  ///< the gateway has no public address to map on
};

struct MappingFailure {
    MappingRefusal why = MappingRefusal::kNoAnswer;
    /// The address that is not public, when it was told.
    std::optional<Endpoint> found{};
};

/// The answer to a removal is a grant, too, with a lifetime of zero.
using MappingOutcome = Result<MappingGrant, MappingFailure>;
/// Called once, from inside the loop.
using MappingDone = std::function<void(Instant now, const MappingOutcome&)>;

class MappingClient {
  public:
    MappingClient() = default;
    MappingClient(const MappingClient&) = delete;
    MappingClient& operator=(const MappingClient&) = delete;
    virtual ~MappingClient() = default;

    /// Asks, and repeats until an answer came or its patience is over; `done` is never called from
    /// inside this call. A second call forgets the first.
    virtual void ask(const MappingWish& wish, MappingDone done) = 0;
    /// Forgets the question and gives up the loop's attention.
    virtual void cancel() = 0;
};

}  // namespace pinhole::net
