// Received texts that wait for whoever reads our output, and so are not confirmed yet.
//
// A text is confirmed when its line is written, so a sender never takes for shown what is still
// with us. Owns no text: only whose it is, and where in the output it ends.
#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <optional>

#include "peer/chat_protocol.hpp"
#include "peer/screen.hpp"
#include "shared/wire/id.hpp"

namespace pinhole::peer {

/// A sender of ours has at most 64 texts on the way, and we have at most 64 peers.
inline constexpr std::size_t kUnshownMax = 64 * 64;

class Unshown {
  public:
    struct Text {
        wire::Id peer;
        TextName name;
        /// The line is written when the output is up to here.
        OutputMark end = 0;
    };

    /// In the order of the output.
    void add(const Text& text) { texts_.push_back(text); }

    /// The oldest text whose line `screen` has written; it is forgotten here.
    [[nodiscard]] std::optional<Text> take_shown(const Screen& screen) {
        if (texts_.empty() || !screen.is_out(texts_.front().end)) return std::nullopt;
        const Text shown = texts_.front();
        texts_.pop_front();
        return shown;
    }

    [[nodiscard]] bool contains(const wire::Id& peer, const TextName& name) const {
        return std::ranges::any_of(
            texts_, [&](const Text& text) { return text.peer == peer && text.name == name; });
    }
    [[nodiscard]] bool is_empty() const { return texts_.empty(); }
    /// Nothing may be added.
    [[nodiscard]] bool is_full() const { return texts_.size() >= kUnshownMax; }

    /// How many wait, by peer.
    [[nodiscard]] std::map<wire::Id, std::size_t> counts() const {
        std::map<wire::Id, std::size_t> out;
        for (const Text& text : texts_) ++out[text.peer];
        return out;
    }

  private:
    std::deque<Text> texts_;
};

}  // namespace pinhole::peer
