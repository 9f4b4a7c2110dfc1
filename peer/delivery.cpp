#include "peer/delivery.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace pinhole::peer {

void Delivery::on_said(Instant now, const std::vector<Copy>& copies) {
    if (copies.empty()) return;
    is_anything_said_ = true;
    // The mark is about what was said since all was confirmed last.
    if (open_.empty()) is_anything_given_up_ = false;
    for (const Copy& copy : copies) peers_[copy.peer].open.emplace(copy.number, now);
    open_.push_back(copies);
}

void Delivery::on_confirmed(const Id& peer, std::uint32_t number) {
    const auto found = peers_.find(peer);
    if (found == peers_.end() || found->second.open.erase(number) == 0) return;
    for (auto& copies : open_) {
        std::erase_if(copies,
                      [&](const Copy& copy) { return copy.peer == peer && copy.number == number; });
    }
    std::erase_if(open_, [](const auto& copies) { return copies.empty(); });
    if (!found->second.open.empty()) return;
    if (found->second.was_told_of) lines_.push_back(fmt::format("{} has it", peer));
    peers_.erase(found);
}

void Delivery::on_given_up(const Id& peer) {
    if (peers_.erase(peer) == 0) return;
    is_anything_given_up_ = true;
    for (auto& copies : open_) {
        std::erase_if(copies, [&](const Copy& copy) { return copy.peer == peer; });
    }
    std::erase_if(open_, [](const auto& copies) { return copies.empty(); });
}

void Delivery::handle_timeout(Instant now) {
    for (auto& [id, peer] : peers_) {
        if (peer.was_told_of || now < peer.open.begin()->second + kConfirmPatience) continue;
        peer.was_told_of = true;
        lines_.push_back(fmt::format("not confirmed by {} yet", id));
    }
}

Instant Delivery::next_timeout() const {
    Instant at = kNever;
    for (const auto& [id, peer] : peers_) {
        if (!peer.was_told_of) at = std::min(at, peer.open.begin()->second + kConfirmPatience);
    }
    return at;
}

std::optional<std::string> Delivery::poll_line() {
    if (lines_.empty()) return std::nullopt;
    std::string out = std::move(lines_.front());
    lines_.pop_front();
    return out;
}

std::string Delivery::mark(bool is_utf8) const {
    if (!open_.empty()) return fmt::format(" {}{}", open_.size(), is_utf8 ? "…" : "...");
    if (!is_anything_said_ || is_anything_given_up_) return {};
    return is_utf8 ? " ✓" : " ok";
}

}  // namespace pinhole::peer
