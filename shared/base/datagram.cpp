#include "shared/base/datagram.hpp"

namespace pinhole {

bool TransmitQueue::push(const Transmit& transmit) {
    if (count_ == limit_) return false;
    if (count_ == ring_.size()) grow();
    Slot& slot = ring_[(head_ + count_) % ring_.size()];
    slot.storage.assign(transmit.bytes.begin(), transmit.bytes.end());
    slot.transmit = transmit;
    slot.transmit.bytes = slot.storage;
    ++count_;
    return true;
}

std::optional<Transmit> TransmitQueue::pop() {
    if (count_ == 0) return std::nullopt;
    const Slot& slot = ring_[head_];
    head_ = (head_ + 1) % ring_.size();
    --count_;
    return slot.transmit;
}

void TransmitQueue::grow() {
    // Moving a vector keeps its heap block, so the spans into each slot's storage stay valid.
    std::rotate(ring_.begin(), ring_.begin() + static_cast<std::ptrdiff_t>(head_), ring_.end());
    head_ = 0;
    ring_.resize(std::min(limit_, std::max<std::size_t>(8, ring_.size() * 2)));
}

}  // namespace pinhole
