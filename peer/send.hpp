// The verb `send`: files and directories to one peer, until all of them are stored there.
//
// Connections may come and go: what is not through goes over the next one (outgoing_files.hpp).
// Ends when every file is confirmed, or cannot be sent.
#pragma once

#include <optional>
#include <string>

#include "peer/files/outgoing_files.hpp"
#include "peer/files/transfer_show.hpp"
#include "peer/send_options.hpp"

namespace pinhole::peer {

class Send final : public Activity {
  public:
    /// Both must outlive it.
    Send(Station& station, const SendOptions& options, files::SourceTree source);
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
    void on_taken();
    /// The words that go on with what is left.
    [[nodiscard]] std::string same_command() const;

    Station& station_;
    const SendOptions& options_;
    /// Until the transfer has it.
    std::optional<files::SourceTree> source_;
    files::OutgoingFiles files_;
    files::TransferShow show_;
    /// The one transfer.
    files::OutgoingFiles::Number transfer_ = 0;
    Instant deadline_ = kNever;
    bool was_connected_ = false;
};

/// Runs the verb to its end.
[[nodiscard]] ExitCode run_send(const SendOptions& options, const net::Environment& environment);

}  // namespace pinhole::peer
