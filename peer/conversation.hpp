// The texts between us and one peer, whatever becomes of the connections that carry them.
//
// Owns what was said and is not acknowledged yet, and remembers what was shown last. Nothing is
// lost while both processes live, and nothing is shown twice: after a new connection all that is
// unacknowledged is said again, in order, and a repeat is told by its name.
#pragma once

#include <deque>
#include <optional>
#include <string>

#include "peer/chat_protocol.hpp"

namespace pinhole::peer {

class Conversation {
  public:
    /// `run` is the random name of this talk.
    explicit Conversation(std::uint32_t run) : run_(run) {}

    /// Queues a text of at most `kTextBytesMax` bytes; returns its number.
    std::uint32_t say(std::string text);

    /// The oldest text that this connection has not carried yet. Borrowed until the next call of
    /// a member that changes something.
    [[nodiscard]] std::optional<ChatText> next_unsent() const;
    /// It was handed to the connection.
    void on_sent() { ++sent_; }
    /// A connection began or ended: what is unacknowledged is unsent again.
    void on_new_connection() { sent_ = 0; }

    /// The other side showed a text. False for one that was acknowledged before or never sent.
    bool on_ack(const TextName& name);

    /// False for a text that was shown before: it is only to be acknowledged again.
    [[nodiscard]] bool is_new(const TextName& name) const;
    /// A new text was handed to the user.
    void on_shown(const TextName& name) { shown_ = name; }

    /// Texts that this connection has carried and that are not acknowledged.
    [[nodiscard]] std::size_t in_flight() const { return sent_; }
    /// Texts that are not acknowledged.
    [[nodiscard]] std::size_t waiting() const { return queue_.size(); }
    [[nodiscard]] std::size_t waiting_bytes() const { return bytes_; }
    /// Gives up all that waits.
    void forget_waiting();

  private:
    struct Said {
        std::uint32_t number;
        std::string text;
    };

    std::uint32_t run_;
    std::uint32_t last_number_ = 0;
    std::deque<Said> queue_;
    /// How many from the front the present connection has carried.
    std::size_t sent_ = 0;
    std::size_t bytes_ = 0;
    /// The last text of the other side that was shown.
    TextName shown_{};
};

}  // namespace pinhole::peer
