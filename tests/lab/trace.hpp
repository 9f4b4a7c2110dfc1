// What happened to every datagram: counted by fate, hashed into one number, on request kept as
// lines of text.
//
// "A fixed seed gives the same trace" is asserted by comparing digests; when they differ, the lines
// say where. The digest covers the payload bytes of everything that was sent.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "shared/base/counters.hpp"
#include "tests/lab/packet.hpp"

namespace pinhole::lab {

/// What became of a packet at one place. `kSent` opens its story, the others end it, except
/// `kDuplicated`, `kTranslated` and sometimes `kFragment`, which go on.
enum class Fate : std::uint8_t {
    kSent,
    kDelivered,
    kTranslated,
    kDuplicated,
    kLost,       ///< by the link's loss probability
    kQueueFull,  ///< the link's queue had no room
    kLinkDown,
    kInterfered,  ///< a test's own link filter took it
    kTooBig,      ///< larger than the link's MTU
    kTtlExceeded,
    kNoRoute,
    kClosedPort,  ///< at a host, no socket has that port
    kNoSocket,    ///< at a host, sent by a socket that is not open
    kNoMapping,   ///< the rest: see `NatDrop`
    kFiltered,
    kClaimedByRouter,
    kPortsExhausted,
    kMappingLimit,
    kUdpBlocked,
    kNoHairpin,
    kIsolated,    ///< the LAN keeps its clients apart
    kFragment,    ///< a NAT took the fragments, or all but the first, which then goes on
    kIncomplete,  ///< at a host, of whose fragments some are missing
    kCount
};

[[nodiscard]] std::string_view name_of(Fate fate);

struct TraceEvent {
    Instant at;
    /// The node or link at which it happened; borrowed.
    std::string_view where;
    const Packet& packet;
    Fate fate;
};

class Trace {
  public:
    using Observer = std::function<void(const TraceEvent&)>;

    void record(const TraceEvent& event);

    /// From now on, also as text: "0.012345 home_a 192.0.2.1:5 > 203.0.113.9:7 ttl 3 size 32
    /// kind 9 translated".
    void keep_lines() { keeps_lines_ = true; }
    [[nodiscard]] const std::vector<std::string>& lines() const { return lines_; }
    /// All lines, for a failure message.
    [[nodiscard]] std::string text() const;

    /// Called for every event from now on: an eavesdropper, or a check that holds at every step.
    void observe(Observer observer) { observer_ = std::move(observer); }

    /// 64 bits that depend on every event so far and on every byte sent.
    [[nodiscard]] std::uint64_t digest() const { return digest_; }
    [[nodiscard]] std::uint64_t count(Fate fate) const { return fates_[fate]; }

  private:
    void mix(std::uint64_t word);
    void mix(Bytes bytes);
    void mix(const Endpoint& endpoint);

    Counters<Fate> fates_;
    std::uint64_t digest_ = 0xcbf29ce484222325ULL;
    bool keeps_lines_ = false;
    std::vector<std::string> lines_;
    Observer observer_;
};

}  // namespace pinhole::lab
