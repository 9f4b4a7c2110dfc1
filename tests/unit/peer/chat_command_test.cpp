#include "peer/chat_command.hpp"

#include <gtest/gtest.h>

namespace pinhole::peer {
namespace {

template <class Command>
Command as(std::string_view line) {
    const ChatCommand command = parse_chat_command(line);
    if (const auto* wanted = std::get_if<Command>(&command)) return *wanted;
    ADD_FAILURE() << "'" << line << "' means something else: " << command.index();
    return {};
}

TEST(ChatCommand, PlainLinesGoToAll) {
    EXPECT_EQ(as<SayToAll>("hello there ").text, "hello there ");
    EXPECT_EQ(as<SayToAll>("//help is a command").text, "/help is a command");
    static_cast<void>(as<Nothing>(""));
}

TEST(ChatCommand, AtNameGoesToOne) {
    const auto say = as<SayTo>("@Bob  good morning");
    EXPECT_EQ(say.peer.text(), "bob");
    EXPECT_EQ(say.text, "good morning");
}

TEST(ChatCommand, SlashWordsAreCommands) {
    EXPECT_EQ(as<ConnectTo>("/connect bob ").peer.text(), "bob");
    static_cast<void>(as<ShowHelp>("/help"));
    static_cast<void>(as<ShowPaths>("/path"));
    static_cast<void>(as<ShowPeers>("/peers"));
    static_cast<void>(as<ShowRoom>("/room"));
    static_cast<void>(as<Quit>("/quit"));
}

TEST(ChatCommand, FilesAreNamedAsInAShell) {
    EXPECT_EQ(as<SendFiles>("/send photo.jpg").path, "photo.jpg");
    EXPECT_EQ(as<SendFiles>("/send photo.jpg").peer, std::nullopt);
    EXPECT_EQ(as<SendFiles>("/send  a/b  Bob ").peer, wire::Id::parse("bob"));
    EXPECT_EQ(as<SendFiles>("/send \"my photo.jpg\" bob").path, "my photo.jpg");
    EXPECT_EQ(as<SendFiles>("/send 'it\"s \\' bob").path, "it\"s \\");
    EXPECT_EQ(as<SendFiles>("/send my\\ photo.jpg bob").path, "my photo.jpg");
    for (const char* line : {"/send", "/send my photo.jpg bob", "/send \"a", "/send ''",
                             "/send a B@b", "/take b o b", "/refuse @", "/cancel b o b"}) {
        static_cast<void>(as<NotUnderstood>(line));
    }
    EXPECT_EQ(as<TakeFiles>("/take").peer, std::nullopt);
    EXPECT_EQ(as<TakeFiles>("/take bob").peer, wire::Id::parse("bob"));
    EXPECT_EQ(as<RefuseFiles>("/refuse").peer, std::nullopt);
    EXPECT_EQ(as<RefuseFiles>("/refuse bob ").peer, wire::Id::parse("bob"));
    EXPECT_EQ(as<CancelFiles>("/cancel").peer, std::nullopt);
    EXPECT_EQ(as<CancelFiles>("/cancel bob").peer, wire::Id::parse("bob"));
}

TEST(ChatCommand, NeverSendsAMistypedCommandAsText) {
    EXPECT_EQ(as<NotUnderstood>("/qiut").sentence, "no command /qiut; /help shows them");
    EXPECT_EQ(as<NotUnderstood>("/\x1b[2J").sentence, "no command /\\u{1b}[2J; /help shows them");
    static_cast<void>(as<NotUnderstood>("/connect"));
    static_cast<void>(as<NotUnderstood>("/connect two words"));
    static_cast<void>(as<NotUnderstood>("@bob"));
    static_cast<void>(as<NotUnderstood>("@ hello"));
}

}  // namespace
}  // namespace pinhole::peer
