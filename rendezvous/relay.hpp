// Forwards sealed messages between two introduced clients, by handle, within budgets.
//
// A handle names a pair, and only its two clients may use it. Each introduction brings 16 KiB for
// free; beyond it the pair counts against a bound and is shaped: frames wait up to 100 ms in their
// pair's queue, then they are dropped. The server cannot read what it forwards.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <unordered_map>

#include "rendezvous/client.hpp"
#include "rendezvous/limits.hpp"
#include "rendezvous/metrics.hpp"
#include "rendezvous/rate_limit.hpp"
#include "shared/base/random.hpp"

namespace pinhole::rendezvous {

/// Who was introduced to whom.
struct RelayPair {
    ClientId asker;
    ClientId answerer;
};

/// A message on its way to the other side. Borrowed until the next non-const call.
struct RelayDelivery {
    ClientId to;
    wire::Relay frame;
};

class Relay {
  public:
    /// `random` and `metrics` must outlive the relay.
    Relay(Random& random, Metrics& metrics) : random_(random), metrics_(metrics) {}

    /// Permission for a pair, new or renewed: the free bytes begin anew. Zero when there is no
    /// room for another pair.
    [[nodiscard]] RelayHandle permit(Instant now, const RelayPair& pair);

    /// The handle of two clients, whoever asked, if they have one.
    [[nodiscard]] std::optional<RelayHandle> handle_of(ClientId a, ClientId b) const;

    /// A client sent a frame: what is to be delivered now, if it is not queued.
    /// Drops: kUnexpected for a handle that is not the client's, kLimit for a used up budget.
    [[nodiscard]] Parsed<std::optional<RelayDelivery>> forward(Instant now, ClientId from,
                                                               const wire::Relay& frame);

    /// The next frame whose time in a queue is over.
    [[nodiscard]] std::optional<RelayDelivery> take_due(Instant now);
    /// Ends permissions that nobody used.
    void handle_timeout(Instant now);
    [[nodiscard]] Instant next_timeout() const;

    /// The permission ends.
    void forget(ClientId a, ClientId b);
    /// The client is gone, and every permission of it.
    void forget(ClientId client);

    [[nodiscard]] std::size_t pairs() const { return pairs_.size(); }
    [[nodiscard]] std::size_t counting_pairs() const { return counting_.size(); }

  private:
    struct Pair {
        RelayPair who;
        std::uint64_t since_introduction = 0;
        bool answered = false;
        Instant last_used;
    };
    struct Queued {
        Instant at;
        ClientId to;
        ByteVector message;
    };
    /// A pair beyond its free bytes.
    struct Counting {
        TokenBucket bucket;
        Instant last_used;
        std::deque<Queued> queue;
    };

    [[nodiscard]] Counting* counting_of(Instant now, RelayHandle handle);
    [[nodiscard]] Parsed<bool> shape(Instant now, RelayHandle handle, const Queued& frame);
    void make_room_for(ClientId client);
    void erase(RelayHandle handle);

    Random& random_;
    Metrics& metrics_;
    std::unordered_map<RelayHandle, Pair> pairs_;
    std::multimap<ClientId, RelayHandle> of_client_;
    std::map<RelayHandle, Counting> counting_;
    TokenBucket total_;
    /// Keeps the message of the last `take_due`.
    ByteVector delivered_;
    Instant sweep_at_ = kNever;
};

}  // namespace pinhole::rendezvous
