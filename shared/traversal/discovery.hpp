// NAT behavior discovery (RFC 4787 in words, RFC 5780 in spirit): how does the NAT in front of us
// map, filter and allocate?
//
//     idle -> opening -> sampling -> filtering -> probing -> done
//                                                 probing -> reopening -> newest -> done
//
// Asks one rendezvous server, which has two ports and perhaps two addresses, by binding requests
// from the main socket and from a few spare ones. What would spoil a port for real use (openers,
// unsolicited answers) happens on spare sockets only. Some twenty datagrams, one to two seconds;
// a server that is silent leaves everything unknown. Owns the questions under way and the report;
// refuses to guess: what a missing answer could also mean is left open.
//
//     mapping      the main socket asks both ports, and the other address if there is one
//     filtering    a spare that wrote to the first port wants answers from the others
//     race         the same spare then asks the second port: is it still mapped to the same port?
//     allocation   the ports of four spares' first mappings, asked for at once
//     hairpin      two spares write to each other's external endpoint
//     opener TTL   a spare opens itself for the second port with few hops, ever more of them
//     lifetime     see lifetime.hpp
#pragma once

#include <span>
#include <variant>
#include <vector>

#include "shared/base/io.hpp"
#include "shared/base/random.hpp"
#include "shared/traversal/lifetime.hpp"
#include "shared/traversal/nat_report.hpp"
#include "shared/traversal/questions.hpp"
#include "shared/traversal/spare.hpp"

namespace pinhole::traversal {

/// Mappings that are compared to see how ports are allocated (traversal.md: 4-6).
inline constexpr std::size_t kSpares = 4;
/// Spares with a local port below 1024, if wanted.
inline constexpr std::size_t kLowSpares = 3;
/// TTLs of openers: one dies in the machine's own router; eight reach far into the core.
inline constexpr std::uint8_t kOpenerTtlMin = 2;
inline constexpr std::uint8_t kOpenerTtlMax = 8;

struct DiscoveryOptions {
    /// Bind ports below 1024 (needs a privilege) and see whether they stay there.
    bool low_ports = false;
    /// Measure how long an idle mapping lives to the last step, which takes minutes, instead of as
    /// far as our own refreshes need to know.
    bool lifetime = false;
};

using SpareRequest = std::variant<OpenSpare, CloseSpare>;

class Discovery {
  public:
    /// Where and from where to ask.
    struct Setting {
        /// The main socket and the server's first port.
        Path server;
        /// The machine's own addresses.
        std::span<const LocalAddress> addresses;
        /// To the server and back; decides how long an answer is waited for.
        Duration round_trip_time{};
    };

    /// `random` must outlive this.
    Discovery(const DiscoveryOptions& options, Random& random)
        : options_(options), random_(random), lifetime_(random) {}

    /// Forgets what it knows and finds out anew.
    void begin(Instant now, const Setting& setting);
    /// When all is known: asks once more, from a new socket, where a sequence of ports stands.
    /// Until that is in the report, it is running.
    void measure_newest(Instant now);
    /// Ends what is under way; the spares are asked to be closed.
    void stop();

    /// One of the spares asked for exists, or cannot be had.
    void on_spare_opened(Instant now, SocketId socket, const Endpoint& local);
    void on_spare_failed(Instant now);

    /// True when the response was one that this asked for.
    bool handle_response(Instant now, const Path& path, const wire::BindingResponse& response);
    /// A binding request that reached a spare of ours. True when it was our own.
    bool handle_request(Instant now, const Path& path, const wire::BindingRequest& request);
    void handle_timeout(Instant now);
    [[nodiscard]] std::optional<DiscoveryTransmit> poll_transmit();
    [[nodiscard]] std::optional<SpareRequest> poll_request();
    [[nodiscard]] Instant next_timeout() const;

    /// What is known so far. It grows while discovery runs.
    [[nodiscard]] const NatReport& report() const { return report_; }
    [[nodiscard]] bool is_running() const {
        return phase_ != Phase::kIdle && phase_ != Phase::kDone;
    }

  private:
    enum class Phase : std::uint8_t {
        kIdle,
        kOpening,
        kSampling,
        kFiltering,
        kProbing,
        kReopening,
        kNewest,
        kDone
    };
    struct Spare {
        SocketId socket;
        std::uint16_t local_port = 0;
        bool is_low = false;
        /// Its mapping towards the first port, and the cookie of that.
        std::optional<Endpoint> mapped{};
        Cookie cookie{};
        /// The first try was answered, so its mapping was made in its turn.
        bool is_in_turn = false;
    };
    /// What the server's answers to one socket say about mapping.
    struct Seen {
        std::optional<Endpoint> first{};
        std::optional<Endpoint> second{};
        std::optional<Endpoint> elsewhere{};
    };

    // The order of things (discovery.cpp).
    void open_spares();
    void advance(Instant now);
    /// Goes on to the next phase and asks its questions.
    void enter(Instant now, Phase phase);
    void finish(Instant now);

    // What is asked, and what the answers mean (discovery_questions.cpp).
    /// Asks the first port from every spare that did not, and from the main socket if it did not.
    void sample(Instant now);
    void filter(Instant now);
    void probe(Instant now);
    void probe_hairpin(Instant now);
    void try_opener(Instant now, std::uint8_t ttl);
    void on_answer(const Question& question, const wire::BindingResponse& response);
    void on_failure(Instant now, const Question& question);
    void note_other_endpoints(const wire::BindingResponse& response);
    /// Takes over the result when the measurement on `idle` has ended.
    void note_lifetime(std::optional<SocketId> idle);
    void note_samples();
    void note_behavior();
    [[nodiscard]] wire::Dependence mapping() const;
    [[nodiscard]] wire::Dependence filtering() const;

    /// A question whose answer comes back by the path that it took; the caller changes the rest.
    [[nodiscard]] Question question(Topic topic, const Path& path);
    [[nodiscard]] Spare* find(SocketId socket);
    /// The spares, low ones apart, whose sample was answered.
    [[nodiscard]] std::vector<const Spare*> usable() const;

    DiscoveryOptions options_;
    Random& random_;
    LifetimeProbe lifetime_;
    NatReport report_;
    Phase phase_ = Phase::kIdle;

    Path server_{};
    std::vector<IpAddress> addresses_;
    Duration wait_{};
    /// The server's other port, and its other address with the port equal.
    std::optional<Endpoint> second_;
    std::optional<Endpoint> elsewhere_;

    Questions questions_;
    std::deque<SpareRequest> requests_;
    /// Spares that were asked for and are neither open nor failed.
    std::size_t opening_ = 0;
    Instant opening_until_ = kNever;
    std::vector<Spare> spares_;

    Seen main_;
    bool has_asked_main_ = false;
    bool hears_other_port_ = false;
    bool hears_other_address_ = false;
};

}  // namespace pinhole::traversal
