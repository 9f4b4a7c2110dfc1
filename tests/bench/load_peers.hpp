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
    /// `sources` and `random` must outlive it.
    LoadPeers(const crypto::PublicKey& server, ManySources& sources, Random& random)
        : server_(server), sources_(sources), random_(random), shared_keys_(make_keys()) {}

    /// Lets peers 0 to `count` - 1 register, `in_flight` at a time; those that are registered do it
    /// anew, as after a restart of theirs. False when the server leaves some unanswered.
    [[nodiscard]] bool enter(std::size_t count, std::size_t in_flight);

    /// Seals a keepalive and sends it.
    void send_keepalive(std::size_t peer, bool wants_ack);
    /// Asks for an introduction to another peer, which will accept it.
    void ask_for(std::size_t peer, std::size_t other);

    /// Takes what has arrived. Returns how many datagrams that were.
    std::size_t receive(int wait_ms);
    void flush() { sources_.flush(); }

    [[nodiscard]] std::uint64_t acknowledged() const { return acknowledged_; }
    /// From `ask_for` to `introduced`, one for each introduction that was made.
    [[nodiscard]] std::vector<Duration>& introduction_times() { return introduction_times_; }

  private:
    struct Entering {
        session::Attempt attempt;
        Cookie cookie{};
        Instant sent{};
        bool is_in = false;
    };

    [[nodiscard]] crypto::KeyPair make_keys() const { return crypto::KeyPair::generate(random_); }
    [[nodiscard]] session::LocalSide local_side(std::size_t peer) const;
    void begin(std::size_t peer);
    void send_initiation(std::size_t peer, Entering& entering);
    void repeat_overdue();
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
    std::uint64_t incarnation_ = 0;
};

}  // namespace pinhole::bench
