#include "peer/line_splitter.hpp"

#include <utility>

#include "peer/text_sanitizer.hpp"

namespace pinhole::peer {

std::optional<std::string> LineSplitter::next() {
    const std::size_t end = rest_.find('\n');
    const bool has_end = end != std::string::npos;
    if (!has_end && !finished_ && rest_.size() <= bytes_max_) return std::nullopt;
    if (!has_end && rest_.empty()) return std::nullopt;
    std::size_t size = has_end ? end : rest_.size();
    std::size_t used = has_end ? size + 1 : size;
    if (has_end && size > 0 && rest_[size - 1] == '\r') --size;
    if (size > bytes_max_) {
        was_cut_ = true;
        used = size = whole_characters(rest_, bytes_max_);
    }
    std::string line = rest_.substr(0, size);
    rest_.erase(0, used);
    return line;
}

bool LineSplitter::take_was_cut() {
    return std::exchange(was_cut_, false);
}

}  // namespace pinhole::peer
