// One direction of a cable: delay, jitter, loss, duplication, reordering, a rate with a queue, an
// MTU, and a switch.
//
// Owns the packets that are on the way. Draws randomness only for what its quality asks for, so a
// clean link uses none.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "shared/base/random.hpp"
#include "tests/lab/event_queue.hpp"
#include "tests/lab/trace.hpp"

namespace pinhole::lab {

/// What a link does to packets. Probabilities are in [0, 1].
struct LinkQuality {
    /// One way. At least 5 ms by default: a lab without delay turns the order of sending into the
    /// test's result.
    Duration delay = 5ms;
    /// Each packet takes up to this much longer, evenly spread.
    Duration jitter{0};
    /// Jitter never lets a packet overtake another.
    bool keeps_order = false;
    double loss = 0;
    double duplication = 0;
    /// With this probability a packet is held back by `reorder_by`, so that later ones overtake it.
    double reordering = 0;
    Duration reorder_by = 10ms;
    /// Bits per second including IP and UDP headers; 0 = no limit.
    std::uint64_t rate = 0;
    /// Bytes that may wait for the rate, the one being sent included.
    std::size_t queue_bytes = 64 * 1024;
    /// Largest IP packet; 0 = no limit. Larger ones are cut up if they allow it, else lost, and
    /// cause ICMP "packet too big".
    std::size_t mtu = 1500;
    /// False: they are lost without a word, a black hole.
    bool reports_too_big = true;
    /// Packets of this family vanish: "IPv6 is there but leads nowhere".
    std::optional<Family> black_hole{};
};

/// Where a link leads, and the far end's name for it.
struct LinkEnd {
    Node* node = nullptr;
    CableId cable = 0;
};

/// What every part of the virtual internet shares. All must outlive the parts.
struct World {
    EventQueue& queue;
    Trace& trace;
    /// The lab's seed, for messages.
    std::uint64_t seed = 0;
};

class Link final : public EventTarget {
  public:
    /// True: let it pass. Sees every packet that is about to enter the link.
    using Filter = std::function<bool(const Packet&)>;
    using Tap = std::function<void(Instant, const Packet&)>;

    Link(World world, std::string name, std::uint64_t seed, LinkEnd end);
    ~Link() override;

    /// Takes the packet; what becomes of it is traced. Whoever stands before the link looks at the
    /// MTU himself if he wants to report a packet that does not fit.
    void send(Instant now, Packet packet);

    /// Within the MTU?
    [[nodiscard]] bool fits(const Packet& packet) const {
        return quality_.mtu == 0 || packet.largest_piece() <= quality_.mtu;
    }

    void set_quality(const LinkQuality& quality) { quality_ = quality; }
    [[nodiscard]] const LinkQuality& quality() const { return quality_; }
    /// Down: everything that enters is lost; what is on the way still arrives.
    void set_up(bool is_up) { is_up_ = is_up; }
    [[nodiscard]] bool is_up() const { return is_up_; }
    void set_filter(Filter filter) { filter_ = std::move(filter); }
    /// Sees everything that is about to enter the link, also what the link then loses.
    void tap_entrance(Tap tap) { entrance_ = std::move(tap); }
    /// Sees everything that comes out of it.
    void tap_exit(Tap tap) { exit_ = std::move(tap); }

    /// How many packets waited how long for the rate, in whole milliseconds; the last place holds
    /// all longer waits. What found the queue full is in none. Empty if the link never had a rate.
    [[nodiscard]] const std::vector<std::uint64_t>& waits() const { return waits_; }

    void handle_event(Instant now, std::uint64_t token) override;

  private:
    /// What stops the packet at the entrance, if anything.
    [[nodiscard]] std::optional<Fate> refusal(const Packet& packet);
    /// When the last bit has left, or nothing if the queue is full.
    [[nodiscard]] std::optional<Instant> departure(Instant now, std::size_t wire_size);
    void launch(Instant departure, Packet packet);
    [[nodiscard]] bool happens(double probability);

    World world_;
    std::string name_;
    LinkEnd end_;
    LinkQuality quality_;
    bool is_up_ = true;
    Filter filter_;
    Tap entrance_;
    Tap exit_;
    std::unique_ptr<Random> random_;

    std::vector<Packet> in_flight_;
    std::vector<std::size_t> free_slots_;
    std::chrono::nanoseconds busy_until_{0};  ///< finer than Instant, so that a rate is exact
    Instant latest_arrival_{};
    std::vector<std::uint64_t> waits_;
};

/// Both directions between two nodes. `up` leads from the lower node (host, home) to the upper.
struct Cable {
    Link up;
    Link down;

    void set_up(bool is_up);
    void set_quality(const LinkQuality& quality);
};

}  // namespace pinhole::lab
