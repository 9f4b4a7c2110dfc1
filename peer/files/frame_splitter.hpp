// Puts the frames of a stream together from the pieces in which it comes.
//
// Owns the bytes of one frame, at most a chunk. A frame that says it is longer than its kind may be
// is refused at its head, before anything is kept for it.
#pragma once

#include "peer/files/file_protocol.hpp"

namespace pinhole::peer::files {

class FrameSplitter {
  public:
    /// Takes from the front of `bytes` what belongs to the frame under way, and says how much that
    /// was; 0 once the frame is whole. Drops: kUnknownFrame, kBadLength.
    [[nodiscard]] Parsed<std::size_t> take(Bytes bytes);

    [[nodiscard]] bool is_whole() const { return size_ > 0 && kept_.size() == size_; }
    /// The whole frame; borrowed until `next`.
    [[nodiscard]] Parsed<Frame> frame() const { return parse_frame(kept_); }
    /// The frame was looked at: the next bytes begin another one.
    void next();

    /// Of a chunk under way, the bytes of its file that are here.
    [[nodiscard]] std::size_t chunk_bytes() const;

  private:
    ByteVector kept_;
    /// Of the whole frame; 0 while its head is not here.
    std::size_t size_ = 0;
};

}  // namespace pinhole::peer::files
