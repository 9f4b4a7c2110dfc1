// What one side of a stream of files has to say and the stream has not taken yet.
#pragma once

#include <cassert>

#include "peer/files/file_protocol.hpp"

namespace pinhole::peer::files {

class Outbox {
  public:
    void say(const Frame& frame) { append(bytes_, frame); }

    /// Room for `size` bytes more, to be written by the caller; borrowed until the next call.
    [[nodiscard]] MutableBytes grow(std::size_t size) {
        bytes_.resize(bytes_.size() + size);
        return MutableBytes{bytes_}.last(size);
    }
    /// The last `size` bytes are not said after all.
    void take_back(std::size_t size) {
        assert(size <= bytes_.size() - sent_);
        bytes_.resize(bytes_.size() - size);
    }

    /// Borrowed until the next call.
    [[nodiscard]] Bytes unsent() const { return Bytes{bytes_}.subspan(sent_); }
    void on_sent(std::size_t bytes) {
        sent_ += bytes;
        if (sent_ < bytes_.size()) return;
        bytes_.clear();
        sent_ = 0;
    }

  private:
    ByteVector bytes_;
    /// Of these, from the front.
    std::size_t sent_ = 0;
};

}  // namespace pinhole::peer::files
