// The events that a node has raised and nobody polled, and the messages that some of them carry.
//
// Owns a message's bytes from ENet's event to the poll after the one that handed it out. Its memory
// goes round: once it has grown to its working size it allocates no more. Buffers of large messages
// are not kept, nor more than 1 MiB of them, so what a burst needed is given back.
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "shared/node/event.hpp"
#include "shared/reliable/enet_queue.hpp"

namespace pinhole::node {

class EventQueue {
  public:
    template <class Event>
    void emplace_back(Event&& event) {
        events_.push() = std::forward<Event>(event);
    }

    /// Raises `MessageReceived` with a copy of `bytes`.
    void push_message(PeerNumber peer, std::uint8_t channel, Bytes bytes) {
        ByteVector& message = messages_.push();
        if (!spare_.empty()) {
            message = std::move(spare_.back());
            spare_.pop_back();
            spare_bytes_ -= message.capacity();
        }
        message.assign(bytes.begin(), bytes.end());
        emplace_back(MessageReceived{.peer = peer, .channel = channel, .bytes = {}});
    }

    /// The oldest event. The bytes of a message are valid until the next call.
    [[nodiscard]] std::optional<NodeEvent> poll() {
        if (events_.empty()) return std::nullopt;
        std::optional<NodeEvent> event{std::move(events_.pop())};
        if (auto* message = std::get_if<MessageReceived>(&*event)) {
            keep(std::move(handed_out_));
            handed_out_ = std::exchange(messages_.pop(), {});
            message->bytes = handed_out_;
        }
        return event;
    }

  private:
    static constexpr std::size_t kKeptBufferMax = 65'536;
    static constexpr std::size_t kKeptBytesMax = std::size_t{1} << 20U;

    /// For the next message, the one that was used last first.
    void keep(ByteVector buffer) {
        if (buffer.capacity() == 0 || buffer.capacity() > kKeptBufferMax) return;
        if (spare_bytes_ + buffer.capacity() > kKeptBytesMax) return;
        spare_bytes_ += buffer.capacity();
        spare_.push_back(std::move(buffer));
    }

    reliable::ReusingQueue<NodeEvent> events_;
    reliable::ReusingQueue<ByteVector> messages_;
    std::vector<ByteVector> spare_;
    std::size_t spare_bytes_ = 0;
    /// The message that was handed out last.
    ByteVector handed_out_;
};

}  // namespace pinhole::node
