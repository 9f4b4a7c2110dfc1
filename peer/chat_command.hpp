// What a line at the prompt means: a text, or a command.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "shared/wire/id.hpp"

namespace pinhole::peer {

/// To everybody who is connected.
struct SayToAll {
    std::string text;
};
/// `@bob text`
struct SayTo {
    wire::Id peer;
    std::string text;
};
/// `/connect bob`
struct ConnectTo {
    wire::Id peer;
};
/// `/send photo.jpg bob`
struct SendFiles {
    std::string path;
    /// Nothing: to the only one who is connected.
    std::optional<wire::Id> peer;
};
/// `/take`, `/take bob`
struct TakeFiles {
    /// Nothing: of whoever offered first.
    std::optional<wire::Id> peer;
};
/// `/refuse`, `/refuse bob`
struct RefuseFiles {
    std::optional<wire::Id> peer;
};
/// `/cancel`, `/cancel bob`
struct CancelFiles {
    /// Nothing: what was sent last, to whomever.
    std::optional<wire::Id> peer;
};
struct ShowHelp {};
struct ShowPaths {};
struct ShowPeers {};
struct ShowRoom {};
struct Quit {};
/// Neither; `sentence` says what was wrong with it.
struct NotUnderstood {
    std::string sentence;
};
/// An empty line.
struct Nothing {};

using ChatCommand =
    std::variant<SayToAll, SayTo, ConnectTo, SendFiles, TakeFiles, RefuseFiles, CancelFiles,
                 ShowHelp, ShowPaths, ShowPeers, ShowRoom, Quit, NotUnderstood, Nothing>;

/// Never fails. A text that begins with a slash is written with two.
[[nodiscard]] ChatCommand parse_chat_command(std::string_view line);

/// What `/help` shows, one line each.
inline constexpr std::string_view kChatHelp =
    "text               to everybody who is here, in the room or connected\n"
    "@NAME text         to one peer\n"
    "/connect NAME      call somebody\n"
    "/send PATH [NAME]  a file or a directory; in quotes if it holds spaces\n"
    "/cancel [NAME]     give up what you sent last\n"
    "/take [NAME]       take what is offered; or /refuse\n"
    "/peers             who is here, and their keys\n"
    "/room              who is in the room\n"
    "/path              how they are reached\n"
    "/quit              leave; so does Ctrl-D\n"
    "//text             a text that begins with a slash";

}  // namespace pinhole::peer
