// The events that a node has raised and nobody polled, and the messages that some of them carry.
//
// Owns a message from ENet's event to the poll after the one that handed it out: it stays where
// ENet put it together, and nothing is copied. Once grown to its working size the queue allocates
// no more.
#pragma once

#include <optional>
#include <utility>

#include "shared/node/event.hpp"
#include "shared/reliable/enet_host.hpp"
#include "shared/reliable/enet_queue.hpp"

namespace pinhole::node {

class EventQueue {
  public:
    template <class Event>
    void emplace_back(Event&& event) {
        events_.push() = std::forward<Event>(event);
    }

    /// Raises `MessageReceived`.
    void push_message(PeerNumber peer, std::uint8_t channel, reliable::OwnedMessage message) {
        messages_.push() = std::move(message);
        emplace_back(MessageReceived{.peer = peer, .channel = channel, .bytes = {}});
    }

    /// The oldest event. The bytes of a message are valid until the next call.
    [[nodiscard]] std::optional<NodeEvent> poll() {
        handed_out_ = {};
        if (events_.empty()) return std::nullopt;
        std::optional<NodeEvent> event{std::move(events_.pop())};
        if (auto* message = std::get_if<MessageReceived>(&*event)) {
            handed_out_ = std::exchange(messages_.pop(), {});
            message->bytes = handed_out_.bytes;
        }
        return event;
    }

  private:
    reliable::ReusingQueue<NodeEvent> events_;
    reliable::ReusingQueue<reliable::OwnedMessage> messages_;
    reliable::OwnedMessage handed_out_;
};

}  // namespace pinhole::node
