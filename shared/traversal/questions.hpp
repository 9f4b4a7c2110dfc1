// The binding requests of discovery that are under way: each is repeated until it is answered at
// the place where its answer must appear, or given up.
//
// Knows nothing of what an answer means. Refuses answers that come to another socket, or from
// another endpoint, than the one the question is about: that difference is what discovery measures.
#pragma once

#include <deque>
#include <optional>
#include <vector>

#include "shared/base/time.hpp"
#include "shared/wire/binding.hpp"

namespace pinhole::traversal {

/// What a question is about.
enum class Topic : std::uint8_t {
    kSample,         ///< a spare socket asks the first port
    kLowSample,      ///< the same with a local port below 1024
    kMain,           ///< the main socket asks the first port
    kMainSecond,     ///< ... the second port
    kMainElsewhere,  ///< ... the other address
    kFilterPort,     ///< an answer from the port that the spare never wrote to
    kFilterAddress,  ///< the same from the other address
    kRace,           ///< a spare asks the second port, after that one's datagrams came in vain
    kOpener,         ///< as `kFilterPort`, after an opener of few hops
    kHairpin,        ///< from spare to spare; the request itself is what must arrive
    kLifetime,       ///< an answer to a socket that was idle
};

/// A binding request that wants to leave.
struct DiscoveryTransmit {
    Path path;
    wire::BindingRequest request;
    std::optional<std::uint8_t> ttl{};
};

struct Question {
    Topic topic = Topic::kMain;
    /// Where the request leaves, and where its answer must appear.
    Path asked;
    Path answered;
    wire::BindingRequest request{};
    /// An opener of this TTL goes to `answered.remote` before each request.
    std::optional<std::uint8_t> opener_ttl{};
    unsigned tries_max = 3;
    /// Between tries, and after the last one.
    Duration wait{};

    unsigned tries = 0;
    Instant due = kNever;
};

class Questions {
  public:
    /// Asks at once.
    void ask(Instant now, const Question& question);
    /// The question that a message with this transaction answers at this place; it is over then.
    [[nodiscard]] std::optional<Question> take(const Path& path,
                                               const wire::TransactionId& transaction);
    /// The same for a request that we sent to ourselves: a NAT may show either source.
    [[nodiscard]] std::optional<Question> take_hairpin(SocketId socket,
                                                       const wire::TransactionId& transaction);
    /// Ends every question of that topic, unanswered and not failed.
    void forget(Topic topic);
    /// Repeats what is due. What had its tries ends unanswered, to be fetched by `take_failed`.
    void handle_timeout(Instant now);
    [[nodiscard]] std::optional<Question> take_failed();
    [[nodiscard]] std::optional<DiscoveryTransmit> poll_transmit();
    [[nodiscard]] Instant next_timeout() const;
    /// Nothing is under way, and no failure waits.
    [[nodiscard]] bool empty() const { return open_.empty() && failed_.empty(); }
    void clear();

  private:
    void send(Instant now, Question& question);

    std::vector<Question> open_;
    std::deque<Question> failed_;
    std::deque<DiscoveryTransmit> transmits_;
};

}  // namespace pinhole::traversal
