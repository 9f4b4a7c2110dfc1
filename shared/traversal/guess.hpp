// A guess: opening sockets and trying ports until two NATs happen to agree (the rows of
// traversal.md that plain checks cannot win).
//
//     idle -> resting -> measuring -> opening -> awaiting -> firing -> listening -> resting ...
//       ^                                                                    |
//       +------------------ success, or a new reason to hope                 +--> over
//
// One object per peer pair. It decides when to fire what at whom; the agent turns a shot into a
// sealed challenge or an opener. Both sides take part on their own word: nothing is fired before
// the other side's `spray ok`, and never at an address that the server has not vouched for. What
// finds its way arrives at the agent like every other check.
#pragma once

#include <deque>
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "shared/traversal/opening.hpp"
#include "shared/traversal/shots.hpp"
#include "shared/traversal/spray_permit.hpp"
#include "shared/traversal/technique.hpp"

namespace pinhole::traversal {

/// A second spray makes up for a lost first one; a third would only be a flood.
inline constexpr unsigned kSpraysMax = 2;
/// A peer that gives new hope has its sprays again so long after the last one.
inline constexpr Duration kRenewAfter = 120s;
/// TTLs of openers in the first and the second spray, where nothing could be measured (lab.md:
/// real paths need 2-5, and what reaches the other side's NAT may spoil it).
inline constexpr std::uint8_t kOpenerTtlFirst = 3;
inline constexpr std::uint8_t kOpenerTtlSecond = 5;
/// Plain checks go alone for so long, even where both NATs say that they are in vain: filters that
/// nobody measured may let them through.
inline constexpr Duration kChecksBeforeGuess = 2s;

/// One datagram. An opener dies behind our own NATs; anything else is a challenge.
struct Shot {
    Path path;
    bool is_opener = false;
};

/// Please tell the peer that it may fire, and at what.
struct GrantSpray {
    std::uint16_t datagrams = 0;
};
/// Please tell the peer that our new sockets will be found at these ports.
struct TellPorts {
    std::vector<std::uint16_t> ports;
};

using GuessAction = std::variant<MeasurePorts, OpenSpare, CloseSpare, GrantSpray, TellPorts, Shot>;

class Guess {
  public:
    /// Both must outlive this.
    Guess(Random& random, SprayPermit& permit) : random_(random), permit_(permit) {}

    /// What both sides know of each other, and where the peer's mappings are.
    struct Terms {
        Plan plan;
        wire::NatBehavior ours;
        wire::NatBehavior theirs;
        /// Where our prober aims, or our sockets; its address must be one the server vouched for.
        Endpoint target;
        /// The socket that a prober fires from.
        SocketId socket;
        bool leads = false;
    };

    /// There is no other way left. Nothing happens while a guess is under way or all are spent.
    void begin(Instant now, const Terms& terms);
    /// Fresh knowledge about either side, for a guess under way. Another plan ends it.
    void update(const Terms& terms);
    /// The ports that `MeasurePorts` asked for are in `update`'s terms now.
    void on_measured(Instant now);
    /// The peer says that we may fire.
    void on_granted(Instant now, std::uint16_t datagrams);
    /// The peer told the ports of its new sockets: now ours open, where both sides have such.
    void on_told(Instant now);
    void on_opened(Instant now, SocketId socket, std::uint16_t local_port);
    void on_failed(Instant now);
    /// Something got through: fires no more, and waits for what comes of it.
    void on_hit(Instant now);
    /// A direct path carries the data, or nothing is wanted any more.
    void stop();
    /// We are in another network: all tries are there again.
    void renew();
    /// The same for a hope that the peer gives, which must not become a stream of sprays.
    void renew_after_pause(Instant now);

    void handle_timeout(Instant now);
    [[nodiscard]] Instant next_timeout() const { return next_; }
    [[nodiscard]] std::optional<GuessAction> poll();

    [[nodiscard]] bool is_running() const { return state_ != State::kIdle && !is_over(); }
    /// All tries were used in vain.
    [[nodiscard]] bool is_over() const { return state_ == State::kOver; }
    /// Spare sockets are needed whether anything came by them or not.
    [[nodiscard]] bool needs_sockets() const {
        return state_ == State::kOpening || state_ == State::kAwaiting ||
               state_ == State::kFiring || state_ == State::kListening;
    }
    /// The number of the present or last try, from 1.
    [[nodiscard]] unsigned tries() const { return tries_; }
    [[nodiscard]] std::span<const SocketId> sockets() const { return sockets_; }
    /// The local port of the newest of them.
    [[nodiscard]] std::uint16_t newest_port() const { return ports_.empty() ? 0 : ports_.back(); }
    /// Closes the spare sockets that nothing came by.
    void close_unused(std::span<const SocketId> used);

  private:
    enum class State : std::uint8_t {
        kIdle,
        kMeasuring,  ///< waits for fresh ports of our own NAT
        kOpening,    ///< waits for the sockets
        kAwaiting,   ///< told the peer to fire too, and waits for its word
        kFiring,
        kListening,  ///< everything is fired; something may still arrive
        kResting,    ///< until the next try may begin, or the peer begins it
        kOver,
    };

    void start_try(Instant now);
    void open_sockets(Instant now);
    void on_sockets_ready(Instant now);
    void fire(Instant now, std::vector<Path> shots, bool are_openers);
    void fire_some(Instant now);
    void on_all_fired(Instant now);
    void fail(Instant now);
    void enter(State state, Instant next) {
        state_ = state;
        next_ = next;
    }
    [[nodiscard]] std::size_t sockets_wanted() const;
    void fire_together(Instant now);
    [[nodiscard]] bool keeps_ports() const;
    [[nodiscard]] bool counts_ports() const;
    /// This side starts each try by itself.
    [[nodiscard]] bool begins() const;
    /// New sockets on ports that can be told, and plain checks between them: no spray.
    [[nodiscard]] bool is_plain() const;
    /// The peer may start a try.
    [[nodiscard]] bool may_be_told() const;

    Random& random_;
    SprayPermit& permit_;
    Terms terms_;
    State state_ = State::kIdle;
    Instant next_ = kNever;
    Instant try_ends_{};
    unsigned tries_ = 0;
    Instant last_try_ = Instant::min();
    std::size_t granted_ = 0;
    /// Sockets that the driver has not answered for yet.
    std::size_t opening_ = 0;
    std::vector<SocketId> sockets_;
    /// Local ports of the sockets of this try.
    std::vector<std::uint16_t> ports_;
    std::vector<Path> shots_;
    std::size_t fired_ = 0;
    bool are_openers_ = false;
    unsigned grants_left_ = 0;
    std::deque<GuessAction> actions_;
};

}  // namespace pinhole::traversal
