#include "peer/files/frame_splitter.hpp"

#include <algorithm>

#include "shared/base/cursor.hpp"

namespace pinhole::peer::files {
namespace {

/// No other kind of frame comes near it.
constexpr std::size_t kLongFrame = 16 * 1024;

}  // namespace

Parsed<std::size_t> FrameSplitter::take(Bytes bytes) {
    std::size_t taken = 0;
    if (size_ == 0) {
        taken = std::min(kFrameHeadSize - kept_.size(), bytes.size());
        kept_.insert(kept_.end(), bytes.begin(), bytes.begin() + static_cast<long>(taken));
        if (kept_.size() < kFrameHeadSize) return taken;
        Reader head{kept_};
        const auto size_max = body_size_max(head.u8());
        if (!size_max) return dropped(size_max.error());
        const std::size_t size = head.u32();
        if (size > *size_max) return dropped(Drop::kBadLength);
        size_ = kFrameHeadSize + size;
        kept_.reserve(size_);
    }
    const std::size_t more = std::min(size_ - kept_.size(), bytes.size() - taken);
    const Bytes rest = bytes.subspan(taken, more);
    kept_.insert(kept_.end(), rest.begin(), rest.end());
    return taken + more;
}

void FrameSplitter::next() {
    kept_.clear();
    size_ = 0;
}

std::size_t FrameSplitter::chunk_bytes() const {
    if (size_ <= kLongFrame || kept_.size() <= kChunkHeadSize) return 0;
    return kept_.size() - kChunkHeadSize;
}

}  // namespace pinhole::peer::files
