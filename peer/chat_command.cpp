#include "peer/chat_command.hpp"

#include <algorithm>

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

ChatCommand parse_slash(const Split& words) {
    if (words.first == "/help") return ShowHelp{};
    if (words.first == "/path") return ShowPaths{};
    if (words.first == "/peers") return ShowPeers{};
    if (words.first == "/room") return ShowRoom{};
    if (words.first == "/quit") return Quit{};
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
