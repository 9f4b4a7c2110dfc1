#include "peer/conversation.hpp"

#include <algorithm>
#include <cassert>

namespace pinhole::peer {

std::uint32_t Conversation::say(std::string text) {
    assert(text.size() <= kTextBytesMax);
    bytes_ += text.size();
    queue_.push_back({.number = ++last_number_, .text = std::move(text)});
    return last_number_;
}

std::optional<ChatText> Conversation::next_unsent() const {
    if (sent_ == queue_.size()) return std::nullopt;
    const Said& next = queue_[sent_];
    return ChatText{.name = {.run = run_, .number = next.number}, .text = next.text};
}

bool Conversation::on_ack(const TextName& name) {
    if (name.run != run_) return false;
    const auto carried = queue_.begin() + static_cast<std::ptrdiff_t>(sent_);
    const auto found = std::find_if(queue_.begin(), carried,
                                    [&](const Said& said) { return said.number == name.number; });
    if (found == carried) return false;
    bytes_ -= found->text.size();
    queue_.erase(found);
    --sent_;
    return true;
}

bool Conversation::is_new(const TextName& name) const {
    return name.run != shown_.run || name.number > shown_.number;
}

void Conversation::forget_waiting() {
    queue_.clear();
    sent_ = 0;
    bytes_ = 0;
}

}  // namespace pinhole::peer
