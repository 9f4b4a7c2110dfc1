// A steady talk in one direction, with every message numbered, so that a gap, a repeat, a swap or a
// message of another connection shows.
//
// Each message names its sender's process and connection and carries a number that begins at 0 with
// every connection. `flaw_in` judges what the other side heard.
#pragma once

#include <string>

#include "tests/lab/town.hpp"

namespace pinhole::lab {

class Chatter {
  public:
    /// Speaks every `interval` while a connection stands. All must live as long as the town runs.
    Chatter(Town& town, Peer& from, Peer& to, Duration interval);
    Chatter(const Chatter&) = delete;
    Chatter& operator=(const Chatter&) = delete;

    void start();
    void stop() { is_talking_ = false; }
    /// Messages that were queued so far, in all connections.
    [[nodiscard]] std::size_t said() const { return said_; }
    /// Messages of the present connection.
    [[nodiscard]] std::size_t said_now() const { return number_; }
    /// Of the present connection: everything said was heard.
    [[nodiscard]] bool is_heard() const;
    /// The longest time between two messages of one connection that the other side heard from
    /// `since` on.
    [[nodiscard]] Duration longest_silence(Instant since = {}) const;

  private:
    void speak();

    Town& town_;
    Peer& from_;
    Peer& to_;
    Duration interval_;
    bool is_talking_ = false;
    bool is_planned_ = false;
    std::size_t process_ = 0;
    std::size_t connection_ = 0;
    std::size_t number_ = 0;
    std::size_t said_ = 0;
};

/// What is wrong with the messages that `to` heard from the chatter of `from`: within one
/// connection they must be a run of one connection's messages from number 0 on, and no two
/// connections may share one. Empty when all is well.
[[nodiscard]] std::string flaw_in(const Peer& to, const Peer& from);

/// Draws the delay of each peer's cable from the seed, so that every seed is another race.
void vary_delays(Town& town, std::initializer_list<Peer*> peers);

/// Two chatters, one in each direction.
struct Talk {
    Talk(Town& town, Peer& a, Peer& b, Duration interval);

    void start();
    void stop();
    [[nodiscard]] bool is_heard() const { return there.is_heard() && back.is_heard(); }
    /// The flaws of both directions.
    [[nodiscard]] std::string flaw() const;

    Peer& a;
    Peer& b;
    Chatter there;
    Chatter back;
};

}  // namespace pinhole::lab
