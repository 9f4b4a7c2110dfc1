// Very many clients of one rendezvous, as small as they can be: a key, a session, no timers.
//
// They make real handshakes and seal real frames; what they leave out is what a server cannot see.
// Peer number n sends from the n-th source of `ManySources` and has n + 1 as its session index, so
// nothing needs to be looked up.
#pragma once

#include <optional>
#include <unordered_map>
#include <vector>

#include "shared/crypto/keys.hpp"
#include "shared/session/session.hpp"
#include "shared/wire/rendezvous_frame.hpp"
#include "tests/bench/many_sources.hpp"

namespace pinhole::bench {

class LoadPeers {
  public:
    /// At most `count_max` peers. `sources` and `random` must outlive it.
    LoadPeers(const crypto::PublicKey& server, ManySources& sources, Random& random,
              std::size_t count_max)
        : server_(server),
          sources_(sources),
          random_(random),
          shared_keys_(crypto::KeyPair::generate(random)) {
        keys_.reserve(count_max);
        sessions_.reserve(count_max);
    }

    /// Lets the next peers register, `in_flight` at a time, until there are `count`. With
    /// `keeps_alive` those that are in go on to say so. False when one is left unanswered.
    [[nodiscard]] bool grow_to(std::size_t count, std::size_t in_flight, bool keeps_alive = false);
    /// Lets the first `count` register anew, as after a restart of theirs.
    [[nodiscard]] bool come_back(std::size_t count, std::size_t in_flight);

    /// A handshake and a registration of one peer begin; they go on in `receive` and `tend`.
    void begin(std::size_t peer);
    /// Sends again what went unanswered for long. False when that has no sense any more.
    [[nodiscard]] bool tend();
    [[nodiscard]] std::size_t entering() const { return entering_.size(); }
    /// Those who begin from now on are other processes than before.
    void restart() { ++incarnation_; }

    /// Seals a keepalive and sends it.
    void send_keepalive(std::size_t peer, bool wants_ack);
    /// Asks for an introduction to another peer, which will accept it.
    void ask_for(std::size_t peer, std::size_t other);

    /// Takes what has arrived. Returns how many datagrams that were.
    std::size_t receive(int wait_ms);
    void flush() { sources_.flush(); }

    [[nodiscard]] std::size_t size() const { return sessions_.size(); }
    [[nodiscard]] std::uint64_t acknowledged() const { return acknowledged_; }
    /// From `ask_for` to `introduced`, one for each introduction that was made since the last call.
    [[nodiscard]] std::vector<Duration> take_introduction_times() {
        return std::exchange(introduction_times_, {});
    }

  private:
    struct Entering {
        session::Attempt attempt;
        Cookie cookie{};
        Instant sent{};
    };

    [[nodiscard]] session::LocalSide local_side(std::size_t peer) const;
    [[nodiscard]] bool enter(std::size_t first, std::size_t last, std::size_t in_flight);
    void keep_registered();
    void send_initiation(std::size_t peer, Entering& entering);
    void take(MutableBytes datagram);
    void take_response(std::size_t peer, Bytes datagram);
    void take_frame(std::size_t peer, Bytes frame);
    template <class Frame>
    void send(std::size_t peer, const Frame& frame);

    crypto::PublicKey server_;
    ManySources& sources_;
    Random& random_;
    crypto::Psk no_psk_;
    /// For the sessions' context alone, which is used by rekeys; a run ends before any.
    crypto::KeyPair shared_keys_;
    session::SessionContext context_{.keys = shared_keys_, .psk = no_psk_, .policy = {}};
    std::vector<crypto::KeyPair> keys_;
    std::vector<std::optional<session::ServerSession>> sessions_;
    std::unordered_map<std::size_t, Entering> entering_;
    std::unordered_map<std::size_t, Instant> asked_;
    std::vector<Duration> introduction_times_;
    std::uint64_t acknowledged_ = 0;
    std::uint64_t incarnation_ = 1;
    /// Keepalives of those that are in: whose turn it is, and since when they are counted.
    bool keeps_alive_ = false;
    std::size_t next_kept_ = 0;
    Instant kept_at_{};
};

}  // namespace pinhole::bench
