#include "shared/reliable/channel_scheduler.hpp"

#include <utility>

namespace pinhole::reliable {

void ChannelScheduler::push(std::uint8_t channel, PacketHandle packet) {
    if (channel >= queues_.size()) queues_.resize(channel + std::size_t{1});
    Queue& queue = queues_[channel];
    if (queue.packets.empty()) {
        queue.debt = 0;
        turns_.insert(turns_.begin(), channel);
    }
    bytes_ += packet->dataLength;
    queue.packets.push() = std::move(packet);
}

PacketHandle ChannelScheduler::take_first() {
    Queue& queue = queues_[turns_.front()];
    PacketHandle packet = std::move(queue.packets.pop());
    bytes_ -= packet->dataLength;
    queue.debt += packet->dataLength;
    if (queue.packets.empty()) turns_.erase(turns_.begin());
    return packet;
}

void ChannelScheduler::clear() {
    // The queues hold their packets until they are overwritten, so they go too.
    queues_.clear();
    turns_.clear();
    bytes_ = 0;
}

}  // namespace pinhole::reliable
