// The verb `send`: files and directories to one peer, until all of them are stored there.
//
// Connections may come and go: what is not through goes over the next one, from the last chunk that
// the other side has. Ends when every file is confirmed, or cannot be sent.
#pragma once

#include <optional>
#include <string>

#include "peer/files/file_sender.hpp"
#include "peer/files/idle_work.hpp"
#include "peer/files/transfer_meter.hpp"
#include "peer/send_options.hpp"
#include "peer/station.hpp"

namespace pinhole::peer {

class Send final : public Activity, private StreamService {
  public:
    /// All must outlive it.
    Send(Station& station, const SendOptions& options, files::SourceTree& source);
    Send(const Send&) = delete;
    Send& operator=(const Send&) = delete;
    ~Send() override = default;

    void on_start() override;
    void on_connected(const Id& peer) override;
    void on_closed(const Id& peer, node::CloseReason reason) override;
    void on_connect_failed(const node::ConnectFailed& event) override;
    void on_key_changed(const Id& peer, const Problem& problem) override;
    void on_server_trouble(const Problem& problem) override;
    void on_leaving() override;
    void handle_timeout(Instant now) override;
    [[nodiscard]] Instant next_timeout() const override;

  private:
    void on_opened(const StreamName& stream, Bytes argument) override;
    void on_accepted(const StreamName& stream) override;
    void on_refused(const StreamName& stream, Refusal reason, std::string_view text) override;
    void on_data(const StreamName& stream, Bytes bytes) override;
    void on_room(const StreamName& stream) override;
    void on_closed(const StreamName& stream) override;
    void on_lost(const StreamName& stream, StreamEnd why) override;

    [[nodiscard]] bool is_current(const StreamName& stream) const {
        return sender_ && stream_ == stream;
    }
    /// Hands over what goes now, tells what happened, and asks for more work.
    void pump();
    void tell_events();
    void tell(const files::EntrySent& event);
    void tell(const files::EntryResumed& event);
    void end();
    void show(Instant now);
    [[nodiscard]] files::TransferState state(Instant now) const;
    [[nodiscard]] std::uint64_t bytes_done() const;
    /// The words that go on with what is left.
    [[nodiscard]] std::string same_command() const;

    Station& station_;
    const SendOptions& options_;
    files::SourceTree& source_;
    files::IdleWork work_;
    std::optional<StreamName> stream_;
    std::optional<files::FileSender> sender_;
    files::TransferMeter meter_;
    Instant deadline_ = kNever;
    Instant show_at_ = kNever;
    Instant tell_progress_at_ = kNever;
    Instant began_at_ = kNever;
    std::uint64_t bytes_total_ = 0;
    std::uint64_t bytes_through_ = 0;
    std::uint64_t bytes_stored_ = 0;
    std::uint64_t files_through_ = 0;
    std::uint64_t failed_ = 0;
    /// By connections that are over.
    std::uint64_t bytes_carried_ = 0;
    bool said_finish_ = false;
    bool was_connected_ = false;
};

/// Runs the verb to its end.
[[nodiscard]] ExitCode run_send(const SendOptions& options, const net::Environment& environment);

}  // namespace pinhole::peer
