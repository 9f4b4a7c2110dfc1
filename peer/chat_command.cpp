#include "peer/chat_command.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "peer/text_sanitizer.hpp"

namespace pinhole::peer {
namespace {

struct Split {
    std::string_view first;
    std::string_view rest;
};

Split split_word(std::string_view line) {
    const std::size_t end = std::min(line.find(' '), line.size());
    std::string_view rest = line.substr(end);
    rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
    while (rest.ends_with(' ')) rest.remove_suffix(1);
    return {.first = line.substr(0, end), .rest = rest};
}

/// The words of a line, as a shell would take them: quotes hold spaces, and a backslash holds what
/// follows it. Nothing when a quote is not closed.
std::optional<std::vector<std::string>> quoted_words(std::string_view line) {
    std::vector<std::string> out;
    bool is_inside = false;
    char quote = '\0';
    for (std::size_t i = 0; i < line.size(); ++i) {
        const char c = line[i];
        const bool ends_word = c == ' ' && quote == '\0';
        if (!ends_word && !std::exchange(is_inside, true)) out.emplace_back();
        if (ends_word) {
            is_inside = false;
        } else if (quote == '\0' && (c == '"' || c == '\'')) {
            quote = c;
        } else if (quote == c) {
            quote = '\0';
        } else if (c == '\\' && quote != '\'' && i + 1 < line.size()) {
            out.back() += line[++i];
        } else {
            out.back() += c;
        }
    }
    if (quote != '\0') return std::nullopt;
    return out;
}

ChatCommand parse_send(std::string_view rest) {
    const auto words = quoted_words(rest);
    if (!words || words->empty() || words->size() > 2 || words->front().empty()) {
        return NotUnderstood{"what? /send PATH [NAME], in quotes if the PATH holds spaces"};
    }
    SendFiles out{.path = words->front(), .peer = std::nullopt};
    if (words->size() == 1) return out;
    out.peer = wire::Id::parse(words->back());
    if (out.peer) return out;
    return NotUnderstood{fmt::format("{} is no NAME; a PATH that holds spaces stands in quotes",
                                     sanitized(words->back()))};
}

/// `/take` and `/refuse`.
template <class Command>
ChatCommand parse_answer(std::string_view rest) {
    if (rest.empty()) return Command{};
    if (const auto id = wire::Id::parse(rest)) return Command{*id};
    return NotUnderstood{"whose? It is a NAME, or nothing for who offered first"};
}

ChatCommand parse_cancel(std::string_view rest) {
    if (rest.empty()) return CancelFiles{};
    if (const auto id = wire::Id::parse(rest)) return CancelFiles{*id};
    return NotUnderstood{"to whom? It is a NAME, or nothing for what you sent last"};
}

ChatCommand parse_slash(const Split& words) {
    if (words.first == "/help") return ShowHelp{};
    if (words.first == "/path") return ShowPaths{};
    if (words.first == "/peers") return ShowPeers{};
    if (words.first == "/room") return ShowRoom{};
    if (words.first == "/quit") return Quit{};
    if (words.first == "/send") return parse_send(words.rest);
    if (words.first == "/cancel") return parse_cancel(words.rest);
    if (words.first == "/take") return parse_answer<TakeFiles>(words.rest);
    if (words.first == "/refuse") return parse_answer<RefuseFiles>(words.rest);
    if (words.first != "/connect") {
        return NotUnderstood{
            fmt::format("no command {}; /help shows them", sanitized(words.first))};
    }
    if (const auto id = wire::Id::parse(words.rest)) return ConnectTo{*id};
    return NotUnderstood{"whom? /connect NAME"};
}

}  // namespace

ChatCommand parse_chat_command(std::string_view line) {
    if (line.empty()) return Nothing{};
    if (line.starts_with("//")) return SayToAll{std::string{line.substr(1)}};
    const Split words = split_word(line);
    if (line.front() == '/') return parse_slash(words);
    if (line.front() != '@') return SayToAll{std::string{line}};
    const auto id = wire::Id::parse(words.first.substr(1));
    if (!id) return NotUnderstood{"to whom? @NAME text"};
    if (words.rest.empty()) return NotUnderstood{"say what? @NAME text"};
    return SayTo{.peer = *id, .text = std::string{words.rest}};
}

}  // namespace pinhole::peer
