// One socket's port mapping, from the first question to the removal.
//
//     kIdle -> kAsking -> kMapped -> kRemoving -> kIdle
//       ^         |  ^       |
//       +---------+  +-------+   (lost: asked for again)
//
// Asks by several protocols, each a little after the one before it or as soon as those have failed,
// and keeps the first mapping on a public address. Renews it at half of its lifetime. Owns the
// clients; touches neither socket nor clock, so that its tests run in virtual time.
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <vector>

#include "shared/base/io.hpp"
#include "shared/net/mapping_client.hpp"

namespace pinhole::net {

/// RFC 6886 3.3 recommends it for what may be renewed.
inline constexpr Duration kMappingLifetime = 7200s;
/// A gateway is asked to renew at most so often. What it grants for less than twice of that, where
/// more was asked for, is given back: renewals would go on at its pace for as long as we run.
inline constexpr Duration kRenewalIntervalMin = 30s;
inline constexpr Duration kLeastLifetime = 2 * kRenewalIntervalMin;
/// After half of the lifetime without an answer to the renewal: half of what is left, at least this
/// (RFC 6887 11.2.1).
inline constexpr Duration kRenewalPauseMin = 4s;
/// After a lost mapping could not be made again: this, doubled up to the second one.
inline constexpr Duration kRemapPauseMin = 30s;
inline constexpr Duration kRemapPauseMax = 15min;

class PortMapping {
  public:
    /// One protocol, and when it is tried if those before it are silent.
    struct Way {
        MappingProtocol protocol = MappingProtocol::kPcp;
        Duration head_start{};
        std::unique_ptr<MappingClient> client;
    };
    using FindGateway = std::function<std::optional<Gateway>()>;
    using Report = std::function<void(const IoEvent&)>;
    /// What the mapping needs of whoever owns it. `report` is called from inside our own calls.
    struct Owner {
        FindGateway find_gateway;
        Report report;
        /// A client answered: `next_timeout` may be another one.
        std::function<void()> on_answered;
        Duration lifetime = kMappingLifetime;
    };

    PortMapping(SocketId socket, std::vector<Way> ways, Owner owner);

    /// Begins anew: what was mapped before is forgotten, not removed, since the same port on the
    /// same gateway keeps its mapping and another gateway would not know it.
    void ask(Instant now, std::uint16_t local_port);
    /// Renews now: the gateway forgot its mappings.
    void renew(Instant now);
    /// Removes the mapping, if there is one; `done` is called afterwards, and at once if there is
    /// nothing to wait for.
    void remove(std::function<void()> done);
    /// Gives up the loop's attention at once.
    void cancel();

    void handle_timeout(Instant now);
    [[nodiscard]] Instant next_timeout() const;

    [[nodiscard]] SocketId socket() const { return socket_; }
    /// True once after an answer said that the gateway had forgotten its mappings.
    [[nodiscard]] bool take_gateway_restarted() { return std::exchange(gateway_restarted_, false); }

  private:
    enum class State : std::uint8_t { kIdle, kAsking, kMapped, kRemoving };
    enum class Progress : std::uint8_t { kWaiting, kAsked, kFailed };
    struct Attempt {
        Progress progress = Progress::kWaiting;
        MappingFailure failure{};
    };

    void begin(Instant now);
    void start_due_ways(Instant now);
    void start(std::size_t way);
    [[nodiscard]] MappingDone answer_to(std::size_t way);
    void on_answer(Instant now, std::size_t way, const MappingOutcome& outcome);
    void on_grant(Instant now, std::size_t way, const MappingGrant& grant);
    void give_back(std::size_t way, const MappingGrant& grant);
    /// The gateway would have to be asked again at once.
    [[nodiscard]] bool is_too_short(const MappingGrant& grant) const {
        return grant.lifetime < std::min(kLeastLifetime, owner_.lifetime);
    }
    void on_failure(Instant now, std::size_t way, const MappingFailure& failure);
    void conclude(Instant now);
    void send_renewal();
    void on_renewal(Instant now, const MappingOutcome& outcome);
    void take(Instant now, const MappingGrant& grant);
    void lose(Instant now);
    [[nodiscard]] MappingWish wish(Duration lifetime) const;

    SocketId socket_;
    std::vector<Way> ways_;
    Owner owner_;

    State state_ = State::kIdle;
    std::uint16_t local_port_ = 0;
    Gateway gateway_;
    Instant asked_at_{};
    std::vector<Attempt> attempts_;
    std::size_t current_ = 0;  ///< the way that mapped, when kMapped
    std::optional<Endpoint> external_;
    Instant expires_ = kNever;
    Instant renew_at_ = kNever;
    /// A mapping existed since the last `ask`: its loss is not the end.
    bool was_mapped_ = false;
    Instant remap_at_ = kNever;
    Duration remap_pause_ = kRemapPauseMin;
    bool gateway_restarted_ = false;
};

}  // namespace pinhole::net
