// The verb `chat`: texts between us and any number of peers, from a prompt, a pipe or one option.
//
// Owns the conversations and the input. A text counts as delivered when the other side has shown
// it; what was read from a pipe is kept until then, and reading pauses when too much waits. Whoever
// reads our output may do so as slowly as he likes: texts wait for him unconfirmed, so their sender
// still has them, and a sender who sends more than there is room for is hung up on and told of.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>

#include "peer/audience.hpp"
#include "peer/chat_command.hpp"
#include "peer/chat_files.hpp"
#include "peer/chat_options.hpp"
#include "peer/console.hpp"
#include "peer/conversation.hpp"
#include "peer/day_clock.hpp"
#include "peer/delivery.hpp"
#include "peer/line_input.hpp"
#include "peer/room.hpp"
#include "peer/station.hpp"
#include "peer/unshown.hpp"

namespace pinhole::peer {

class Chat final : public Activity {
  public:
    /// All must outlive the chat. `shows_utf8`: the terminal shows more than ASCII.
    Chat(Station& station, const ChatOptions& options, ChatFiles& files, bool shows_utf8);
    Chat(const Chat&) = delete;
    Chat& operator=(const Chat&) = delete;
    ~Chat() override = default;

    void on_start() override;
    void on_registered() override;
    void on_connected(const Id& peer) override;
    void on_control(const Id& peer, const Control& message) override;
    void on_text(const Id& peer, const ChatText& text) override;
    void on_path(const Id& peer, const node::PathChanged& path) override;
    void on_closed(const Id& peer, node::CloseReason reason) override;
    void on_connect_failed(const node::ConnectFailed& event) override;
    void on_key_changed(const Id& peer, const Problem& problem) override;
    void on_server_trouble(const Problem& problem) override;
    void on_room_members(const node::RoomMembers& event) override;
    void on_room_refused(const node::RoomRefused& event) override;
    void on_output() override;
    void on_leaving() override;
    void handle_timeout(Instant now) override;
    [[nodiscard]] Instant next_timeout() const override;

    /// What is typed at the prompt, which hands it over here.
    void on_prompt_line(const std::string& line);

  private:
    // The input (chat_input.cpp).
    void open_input();
    void close_input();
    void on_piped_line(std::string line);
    void on_input_end();
    void say_held_lines();
    void steer_input();
    [[nodiscard]] std::string prompt() const;
    /// Tells what is late, and lets the prompt carry the rest.
    void show_delivery();

    // Commands of the prompt (chat_prompt.cpp).
    void obey(const SayToAll& say);
    void obey(const SayTo& say);
    void obey(const ConnectTo& connect);
    void obey(const SendFiles& send) { files_.obey(send); }
    void obey(const TakeFiles& take) { files_.obey(take); }
    void obey(const RefuseFiles& refuse) { files_.obey(refuse); }
    void obey(const CancelFiles& cancel) { files_.obey(cancel); }
    void obey(const ShowHelp& help);
    void obey(const ShowPaths& paths);
    void obey(const ShowPeers& peers);
    void obey(const ShowRoom& room);
    void obey(const Quit& quit);
    void obey(const NotUnderstood& what);
    void obey(const Nothing& nothing);

    [[nodiscard]] bool is_one_shot() const { return options_.message.has_value(); }
    [[nodiscard]] bool is_named(const Id& peer) const { return named_.contains(peer); }
    void leave_when_done();
    /// Of an end that waits for nothing: whether all that was said and sent is there.
    [[nodiscard]] ExitCode code_of_leaving() const;
    void on_message_timed_out();
    /// Ends us when this was the only peer that matters, else only says so.
    void give_up(const Id& peer, const Problem& problem);

    // The room (chat_room.cpp).
    /// Whether a member is called. Says why not.
    [[nodiscard]] bool lets_in(const node::RoomMembers::Member& member);
    /// Does what the room asks for, and tells what is new in it.
    void follow_room();
    void on_member_not_reached(const node::ConnectFailed& event);
    /// To whom a text to all goes, as far as the room decides.
    [[nodiscard]] std::set<Id> room_receivers() const;
    /// The one shot, to all who are there, once.
    void say_message_to_room();
    /// Ends us when nobody but the room matters.
    void give_up_room(const Problem& problem);
    /// Texts to those who will not come.
    void give_up_unreachable();

    // Texts (chat_texts.cpp).
    [[nodiscard]] Conversation& conversation(const Id& peer);
    /// Returns its number.
    std::uint32_t say(const Id& peer, std::string text);
    /// The same, typed: its delivery is watched. One that is too long is refused.
    void say_typed(const std::set<Id>& peers, const std::string& text);
    /// Hands over what the connection may carry now.
    void pump(const Id& peer);
    void on_confirmed(const Id& peer, const TextName& name);
    void give_up_undelivered(const Id& peer);
    /// The peer shows no texts: what it was sent does not wait, unless the user wants to.
    void on_deaf(const Id& peer);
    [[nodiscard]] std::size_t undelivered() const;
    void tell_unconfirmed(const Id& peer, const Conversation& talk) const;
    void tell_what_is_undelivered() const;
    /// A problem that is said says all there is to say about them.
    void forget_undelivered();
    /// "HH:MM" where lines go to a terminal, else nothing.
    [[nodiscard]] std::string time_of_line();
    /// More came than our output holds.
    void hang_up_on(const Id& peer);

    Station& station_;
    const ChatOptions& options_;
    ChatFiles& files_;
    bool shows_utf8_;
    std::set<Id> named_;
    std::optional<Room> room_;
    /// Members of whom was told that they are kept out.
    std::set<Id> kept_out_;
    std::map<Id, Conversation> conversations_;
    Audience audience_;
    Unshown unshown_;
    Delivery delivery_;
    DayClock clock_;
    /// Until their next connection.
    std::set<Id> hung_up_on_;
    /// Lines of a pipe that have nobody to go to yet.
    std::deque<std::string> held_;
    std::optional<Console> console_;
    std::string shown_prompt_;
    std::optional<LineInput> input_;
    Instant deadline_ = kNever;
    /// What a good end comes to: a text was lost, or a peer given up, on the way.
    ExitCode end_code_ = ExitCode::kOk;
    bool has_lost_texts_ = false;
    bool input_ended_ = false;
    bool said_to_room_ = false;
    bool is_room_refused_ = false;
    bool told_about_held_ = false;
    bool told_about_cut_ = false;
};

/// Runs the verb to its end.
[[nodiscard]] ExitCode run_chat(const ChatOptions& options, const net::Environment& environment);

}  // namespace pinhole::peer
