// What became of the texts that were typed: which are not confirmed yet, and by whom.
//
// A text to several peers counts as one until all of them have it. Owns no text; time comes in, and
// words for the prompt and for the user come out.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/time.hpp"
#include "shared/wire/id.hpp"

namespace pinhole::peer {

using wire::Id;

/// The user is told of a text that is not confirmed by then.
inline constexpr Duration kConfirmPatience = 3s;

class Delivery {
  public:
    /// A text as one peer gets it.
    struct Copy {
        Id peer;
        std::uint32_t number = 0;
    };

    void on_said(Instant now, const std::vector<Copy>& copies);
    void on_confirmed(const Id& peer, std::uint32_t number);
    /// Nothing more comes from this peer; who gave it up has said so.
    void on_given_up(const Id& peer);

    void handle_timeout(Instant now);
    [[nodiscard]] Instant next_timeout() const;

    /// A line for the user: "not confirmed by bob yet", "bob has it".
    [[nodiscard]] std::optional<std::string> poll_line();

    /// What the prompt shows after the name: "", " 2…" or " ✓", or the same in ASCII.
    [[nodiscard]] std::string mark(bool is_utf8) const;

  private:
    struct Peer {
        /// Of the texts that this peer has not confirmed, in the order in which they were said.
        std::map<std::uint32_t, Instant> open;
        bool was_told_of = false;
    };

    std::map<Id, Peer> peers_;
    /// Texts that somebody has not confirmed; a text is the copies of one `on_said`.
    std::vector<std::vector<Copy>> open_;
    std::deque<std::string> lines_;
    bool is_anything_said_ = false;
    bool is_anything_given_up_ = false;
};

/// The user's terminal shows UTF-8, as far as the environment tells. `environment` gives the value
/// of a variable.
template <class Environment>
[[nodiscard]] bool shows_utf8(const Environment& environment) {
    // In this order they decide (POSIX, 8.2).
    for (const std::string_view name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
        const auto value = environment(name);
        if (!value || value->empty()) continue;
        for (const std::string_view form : {"UTF-8", "utf-8", "UTF8", "utf8"}) {
            if (value->find(form) != std::string::npos) return true;
        }
        return false;
    }
    return false;
}

}  // namespace pinhole::peer
