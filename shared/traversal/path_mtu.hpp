// How large a datagram one path carries: packetization layer path MTU discovery for datagrams (RFC
// 8899), by padded challenges, for the path that carries our data.
//
//     base (1232) --bulk--> search: Ethernet's, then either the largest that we send at all or
//          ^                     |  halves of what is left below
//          |                     v
//          +-- black hole -- confirmed size, asked again while none is acknowledged
//
// A probe is too big when three copies of it stay unanswered while small challenges pass; a dead
// path says nothing about sizes. ICMP decides nothing: it only makes us ask sooner (4.6.1). Who
// sends little is not probed for. Owns no challenge and sends nothing: the agent does both. Sizes
// are UDP payloads.
#pragma once

#include <array>
#include <optional>

#include "shared/base/datagram.hpp"
#include "shared/base/time.hpp"
#include "shared/wire/frame.hpp"

namespace pinhole::traversal {

/// So many bytes of data on a path make it worth a search.
inline constexpr std::size_t kBulkBytes = 64 * 1024;
/// RFC 8899 5.1.2: MAX_PROBES.
inline constexpr unsigned kProbesMax = 3;
/// RFC 8899 5.1.1: PMTU_RAISE_TIMER. After so long a size that was too big may be tried again.
inline constexpr Duration kRaiseInterval = 600s;
/// After a black hole larger sizes rest so long: a path that carries a probe and loses data must
/// not stall again and again.
inline constexpr Duration kAfterBlackHole = 60s;
/// A confirmed size is asked again so often while larger datagrams than the base leave and no
/// acknowledgement of theirs says that they arrive.
inline constexpr Duration kConfirmInterval = 1s;
/// The same when somebody says that it does not pass, which anybody may say.
inline constexpr Duration kHintInterval = 200ms;

class PathMtu {
  public:
    /// Another path carries our data from now on: nothing of the last one holds.
    void start(Family family);
    /// No path does.
    void stop();
    /// A datagram of data left by the path, so large.
    void on_data_sent(Instant now, std::size_t payload);
    /// A datagram of the confirmed size was acknowledged: it need not be asked about.
    void on_large_arrived(Instant now);
    /// Somebody says that a datagram was too big for the path. Makes the confirmed size be asked.
    void on_too_big(Instant now);

    /// The size of the probe that is due now, if any; it must be sent, and told by `on_probe_sent`.
    [[nodiscard]] std::optional<std::size_t> take_probe(Instant now);
    /// `rtt`: the path's smoothed RTT.
    void on_probe_sent(Instant now, const wire::ChallengeId& id, Duration rtt);
    /// A copy of the probe is missing: a small challenge has to tell whether the path itself is.
    [[nodiscard]] bool wants_small() const { return probe_ && probe_->copies > 0; }
    /// A challenge to the path was answered, a probe or any other.
    void on_answer(Instant now, const wire::ChallengeId& id);
    [[nodiscard]] Instant next_timeout() const;

    /// The largest datagram that the path is known to carry; never below the base.
    [[nodiscard]] std::size_t payload() const;
    /// How often a confirmed size ceased to pass.
    [[nodiscard]] unsigned black_holes() const { return black_holes_; }

  private:
    /// Link MTUs in use: IPv6's minimum, tunnels of several makes, 6in4, PPPoE, Ethernet.
    static constexpr std::array<std::size_t, 10> kLinkMtus{1280, 1320, 1360, 1400, 1420,
                                                           1440, 1460, 1480, 1492, 1500};
    static constexpr std::size_t kEthernet = kLinkMtus.size() - 1;
    /// The one candidate above: `kUdpPayloadProbed`, for jumbo frames and the loopback. Only a path
    /// that carries Ethernet's is asked for it.
    static constexpr std::size_t kCandidates = kLinkMtus.size() + 1;
    struct Probe {
        std::size_t payload = 0;
        /// The candidate that is tried; nothing when the confirmed size is asked again.
        std::optional<std::size_t> candidate{};
        /// Of the copies under way the latest.
        std::array<wire::ChallengeId, kProbesMax> ids{};
        unsigned copies = 0;
        Instant due{};
        /// A small challenge was answered after the first copy was missed.
        bool has_small_passed = false;
    };

    [[nodiscard]] std::size_t payload_of(std::size_t candidate) const;
    [[nodiscard]] bool is_searching() const { return passing_ < failing_; }
    [[nodiscard]] std::size_t first_candidate() const;
    [[nodiscard]] std::size_t next_candidate() const;
    void conclude_lost(Instant now);
    void rest_if_found(Instant now);
    void rest(Instant now, Duration duration);

    bool is_running_ = false;
    std::size_t headers_ = 0;
    /// Candidates below the first pass, those from the second on do not: what is between is open.
    std::size_t passing_ = 0;
    std::size_t failing_ = kCandidates;
    /// Nothing is searched for until this and until there is bulk.
    Instant search_from_{};
    std::size_t bulk_ = 0;
    Instant confirmed_at_{};
    /// When the confirmed size is asked again.
    Instant ask_at_ = kNever;
    std::optional<Probe> probe_;
    unsigned black_holes_ = 0;
};

}  // namespace pinhole::traversal
