// The verb `receive`: files that others send, into one directory, until it is stopped or, once, to
// the end of one transfer.
#pragma once

#include "peer/files/incoming_files.hpp"
#include "peer/files/transfer_show.hpp"
#include "peer/receive_options.hpp"

namespace pinhole::peer {

class Receive final : public Activity {
  public:
    /// All must outlive it.
    Receive(Station& station, const ReceiveOptions& options,
            const files::IncomingFiles::Destination& where);
    Receive(const Receive&) = delete;
    Receive& operator=(const Receive&) = delete;
    ~Receive() override = default;

    void on_start() override;
    void on_connected(const Id& peer) override;
    void on_key_changed(const Id& peer, const Problem& problem) override;
    void on_server_trouble(const Problem& problem) override;
    void on_leaving() override;
    void handle_timeout(Instant now) override;
    [[nodiscard]] Instant next_timeout() const override;

  private:
    [[nodiscard]] files::IncomingFiles::Judgement judge(const Id& peer) const;
    void on_ended(std::optional<std::uint64_t> failed);

    Station& station_;
    const ReceiveOptions& options_;
    files::IncomingFiles::Destination where_;
    files::IncomingFiles files_;
    files::TransferShow show_;
};

/// Runs the verb to its end.
[[nodiscard]] ExitCode run_receive(const ReceiveOptions& options,
                                   const net::Environment& environment);

}  // namespace pinhole::peer
