// What may stand after the flags of a verb, read from the words of its row.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pinhole::peer {

enum class WordKind : std::uint8_t { kLiteral, kPeer, kFile, kVerb };

struct Word {
    WordKind kind = WordKind::kLiteral;
    /// Of a literal.
    std::string text{};

    friend bool operator==(const Word&, const Word&) = default;
};

/// One place among the words of a verb, and what fits there.
struct WordPlace {
    /// From 0; nothing for every place.
    std::optional<std::size_t> position{};
    /// Only when this is the first word; empty for any.
    std::string after{};
    std::vector<Word> fitting{};

    friend bool operator==(const WordPlace&, const WordPlace&) = default;
};

/// `words` as in Verb: "list | remove PEER" has `list` and `remove` at place 0, and a peer at place
/// 1 after `remove`. Where something repeats ("FILE... PEER") everything fits everywhere. What
/// nobody can complete, such as a KEY, is left out.
[[nodiscard]] std::vector<WordPlace> word_places(std::string_view words);

}  // namespace pinhole::peer
