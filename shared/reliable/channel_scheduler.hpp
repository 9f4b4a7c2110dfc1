// Messages that wait above ENet, one queue a channel, and whose turn it is.
//
// ENet has one queue for all channels, so whatever is handed to it early stands in the way of what
// comes later. Here the channels take turns by bytes (deficit round robin), and a channel that had
// nothing waiting comes first: a line of chat never stands behind a file.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "shared/reliable/enet_packet.hpp"
#include "shared/reliable/enet_queue.hpp"

namespace pinhole::reliable {

class ChannelScheduler {
  public:
    void push(std::uint8_t channel, PacketHandle packet);

    /// The next message of a channel for which `is_eligible(channel, size)` holds; null when none
    /// is.
    template <class Eligible>
    [[nodiscard]] PacketHandle pop(std::uint8_t& channel, Eligible is_eligible) {
        // Each turn pays a channel's debt by one quantum, so this ends.
        for (std::size_t skipped = 0; skipped < turns_.size();) {
            const std::uint8_t first = turns_.front();
            Queue& queue = queues_[first];
            if (!is_eligible(first, queue.packets[0]->dataLength)) {
                ++skipped;
                rotate();
                continue;
            }
            if (queue.debt >= kQuantum && turns_.size() > 1) {
                queue.debt -= kQuantum;
                skipped = 0;
                rotate();
                continue;
            }
            channel = first;
            return take_first();
        }
        return nullptr;
    }

    [[nodiscard]] bool is_empty() const { return turns_.empty(); }
    /// Bytes of all messages that wait.
    [[nodiscard]] std::size_t bytes() const { return bytes_; }
    void clear();

  private:
    /// What a channel may send before it is another's turn.
    static constexpr std::size_t kQuantum = 4096;

    struct Queue {
        ReusingQueue<PacketHandle> packets;
        /// Bytes sent that later turns will pay for.
        std::size_t debt = 0;
    };

    PacketHandle take_first();
    void rotate() { std::ranges::rotate(turns_, turns_.begin() + 1); }

    std::vector<Queue> queues_;
    /// The channels with something waiting; the first one's turn it is.
    std::vector<std::uint8_t> turns_;
    std::size_t bytes_ = 0;
};

}  // namespace pinhole::reliable
