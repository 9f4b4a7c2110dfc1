#include "shared/base/datagram.hpp"

namespace pinhole {

MutableBytes TransmitQueue::reserve(std::size_t size) {
    assert(size <= kBlockBytes);
    free_popped_blocks();
    if (blocks_used_ == 0 || kBlockBytes - tail_used_ < size) take_block();
    return {tail(), size};
}

bool TransmitQueue::commit(const Transmit& head) {
    assert(blocks_used_ > 0);
    assert(head.bytes.data() == tail());
    assert(head.segment_size == 0);
    assert(head.bytes.size() <= kBlockBytes - tail_used_);
    if (datagrams_ == limit_) return false;
    if (runs_ > 0 && joins(run_at(runs_ - 1), head)) {
        Run& last = run_at(runs_ - 1);
        if (last.datagrams++ == 1) {
            last.transmit.segment_size = static_cast<std::uint16_t>(last.transmit.bytes.size());
        }
        last.transmit.bytes = {last.transmit.bytes.data(),
                               last.transmit.bytes.size() + head.bytes.size()};
    } else {
        if (runs_ == ring_.size()) grow();
        run_at(runs_++) = {.transmit = head, .datagrams = 1, .block = tail() - tail_used_};
    }
    tail_used_ += head.bytes.size();
    ++datagrams_;
    return true;
}

bool TransmitQueue::push(const Transmit& transmit) {
    const std::size_t count = count_datagrams(transmit.bytes.size(), transmit.segment_size);
    if (count > limit_ - datagrams_) return false;
    for_each_datagram(transmit.bytes, transmit.segment_size, [&](Bytes datagram) {
        Transmit copy = transmit;
        const MutableBytes room = reserve(datagram.size());
        std::ranges::copy(datagram, room.begin());
        copy.bytes = room;
        copy.segment_size = 0;
        static_cast<void>(commit(copy));  // there is room, as counted above
    });
    return true;
}

std::optional<Transmit> TransmitQueue::pop() {
    if (runs_ == 0) return std::nullopt;
    const Run& oldest = ring_[head_];
    head_ = (head_ + 1) % ring_.size();
    --runs_;
    datagrams_ -= oldest.datagrams;
    return oldest.transmit;
}

bool TransmitQueue::joins(const Run& last, const Transmit& next) const {
    const Transmit& run = last.transmit;
    const std::size_t step = last.datagrams == 1 ? run.bytes.size() : run.segment_size;
    // A shorter datagram ends a run, and one that asks for a TTL of its own stays alone.
    return run.bytes.data() + run.bytes.size() == next.bytes.data() &&
           run.bytes.size() == last.datagrams * step && !next.bytes.empty() &&
           next.bytes.size() <= step && last.datagrams < kRunDatagramsMax &&
           run.bytes.size() + next.bytes.size() <= kRunBytesMax && !run.ttl && !next.ttl &&
           run.ecn == next.ecn && run.path == next.path;
}

void TransmitQueue::free_popped_blocks() {
    const std::byte* const oldest = runs_ == 0 ? nullptr : ring_[head_].block;
    while (blocks_used_ > 0 && blocks_[first_block_].get() != oldest) {
        // The last one is used again at once, while it is in the processor's cache.
        if (--blocks_used_ == 0) break;
        first_block_ = (first_block_ + 1) % blocks_.size();
    }
}

void TransmitQueue::take_block() {
    if (blocks_used_ == blocks_.size()) {
        // Blocks stay where they are in memory; only their owners move.
        std::ranges::rotate(blocks_, blocks_.begin() + static_cast<std::ptrdiff_t>(first_block_));
        first_block_ = 0;
        blocks_.push_back(std::make_unique_for_overwrite<std::byte[]>(kBlockBytes));
    }
    ++blocks_used_;
    tail_used_ = 0;
}

void TransmitQueue::grow() {
    std::ranges::rotate(ring_, ring_.begin() + static_cast<std::ptrdiff_t>(head_));
    head_ = 0;
    ring_.resize(std::min(limit_, std::max<std::size_t>(8, ring_.size() * 2)));
}

}  // namespace pinhole
