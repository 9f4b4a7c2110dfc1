// Files in a chat, in the process and over the connections of its talk: `/send`, and what others
// offer.
//
// At a prompt somebody is asked whether he takes what is offered; without one it is taken if the
// user said so beforehand, and refused otherwise. What comes goes into one directory and replaces
// nothing there.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>

#include "peer/chat_command.hpp"
#include "peer/files/incoming_files.hpp"
#include "peer/files/outgoing_files.hpp"
#include "peer/files/transfer_show.hpp"

namespace pinhole::peer {

class ChatFiles {
  public:
    /// `into`: where files go; without it, where we were started. Opens it, or throws what
    /// TargetDirectory and PartialStore throw. `station` must outlive it.
    ChatFiles(Station& station, const std::optional<std::filesystem::path>& into,
              const net::Environment& environment);
    ChatFiles(const ChatFiles&) = delete;
    ChatFiles& operator=(const ChatFiles&) = delete;

    /// From now on offers are answered. `on_idle` is called whenever a transfer is over.
    void on_start(std::function<void()> on_idle);
    /// A prompt is there: somebody can be asked.
    void on_prompt();
    void on_connected(const Id& peer) { outgoing_.on_connected(peer); }
    /// What is being sent to it ends when the peer has left, and else waits for its return.
    void on_closed(const Id& peer, node::CloseReason reason);
    /// Says that it waits.
    void on_path_lost(const Id& peer);
    /// Nobody waits for the peer any more.
    void on_given_up(const Id& peer);
    void on_leaving();
    void handle_timeout(Instant now);
    [[nodiscard]] Instant next_timeout() const;
    /// Something is under way, or waits for an answer.
    [[nodiscard]] bool is_busy() const;
    /// Something that we sent is not through.
    [[nodiscard]] bool is_sending() const { return outgoing_.size() > 0; }
    /// Something that we sent did not get there, and not because of a `/cancel`.
    [[nodiscard]] bool has_failed() const { return has_failed_; }

    // What is typed at the prompt:
    void obey(const SendFiles& send);
    void obey(const TakeFiles& take);
    void obey(const RefuseFiles& refuse);
    void obey(const CancelFiles& cancel);

  private:
    using Incoming = files::IncomingFiles;

    [[nodiscard]] Incoming::Judgement judge();
    /// Opens it if it is not. Throws.
    [[nodiscard]] Incoming::Destination destination();
    void on_offered(const files::WaitingOffer& offer);
    /// The oldest that waits, of that peer if one is named; null when there is none, which is said.
    [[nodiscard]] const files::WaitingOffer* waiting(const std::optional<Id>& peer);
    /// Whom `/send` means: the named one, or the only one who is connected. Nothing, and said, when
    /// there is no such.
    [[nodiscard]] std::optional<Id> receiver(const std::optional<Id>& named);
    [[nodiscard]] std::string path_of(const std::string& word) const;
    /// Ends what is being sent, and says so; one that is through already just ends, and false says
    /// that.
    bool fail(files::OutgoingFiles::Number number, std::string_view why);
    void on_over();

    Station& station_;
    net::Environment environment_;
    bool is_taking_unasked_;
    bool has_prompt_ = false;
    bool has_failed_ = false;
    std::function<void()> on_idle_;
    std::optional<files::TargetDirectory> target_;
    std::optional<files::PartialStore> partials_;
    Incoming incoming_;
    files::OutgoingFiles outgoing_;
    files::TransferShow show_;
};

}  // namespace pinhole::peer
