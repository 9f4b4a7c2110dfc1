#include "peer/verb_words.hpp"

#include <algorithm>
#include <sstream>

namespace pinhole::peer {
namespace {

std::optional<Word> word_of(std::string token) {
    std::erase_if(token, [](char c) { return c == '[' || c == ']' || c == '.'; });
    if (token == "PEER") return Word{.kind = WordKind::kPeer};
    if (token == "FILE" || token == "DIR") return Word{.kind = WordKind::kFile};
    if (token == "VERB") return Word{.kind = WordKind::kVerb};
    const bool is_literal = !token.empty() && std::ranges::all_of(token, [](char c) {
        return (c >= 'a' && c <= 'z') || c == '-';
    });
    if (is_literal) return Word{.text = token};
    return std::nullopt;
}

/// "list | remove PEER" as [[list], [remove, PEER]].
std::vector<std::vector<std::string>> alternatives(std::string_view words) {
    std::vector<std::vector<std::string>> out(1);
    std::istringstream tokens{std::string{words}};
    for (std::string token; tokens >> token;) {
        if (token == "|") {
            out.emplace_back();
        } else {
            out.back().push_back(token);
        }
    }
    return out;
}

void add(std::vector<WordPlace>& places, WordPlace place) {
    const auto same = std::ranges::find_if(places, [&](const WordPlace& other) {
        return other.position == place.position && other.after == place.after;
    });
    if (same == places.end()) {
        places.push_back(std::move(place));
    } else {
        std::ranges::move(place.fitting, std::back_inserter(same->fitting));
    }
}

}  // namespace

std::vector<WordPlace> word_places(std::string_view words) {
    std::vector<WordPlace> out;
    for (const auto& tokens : alternatives(words)) {
        const bool repeats = std::ranges::any_of(tokens, [](const std::string& token) {
            return token.find("...") != std::string::npos;
        });
        std::string first;
        for (std::size_t i = 0; i < tokens.size(); ++i) {
            const auto word = word_of(tokens[i]);
            if (!word) continue;
            WordPlace place{.fitting = {*word}};
            if (!repeats) place.position = i;
            if (!repeats && i > 0) place.after = first;
            if (i == 0) first = word->text;
            add(out, std::move(place));
        }
    }
    return out;
}

}  // namespace pinhole::peer
