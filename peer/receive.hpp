// The verb `receive`: files that others send, into one directory, until it is stopped or, once, to
// the end of one transfer.
//
// Any number of transfers go on side by side; they take turns at the disk.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "peer/files/file_receiver.hpp"
#include "peer/files/idle_work.hpp"
#include "peer/files/transfer_meter.hpp"
#include "peer/receive_options.hpp"
#include "peer/station.hpp"

namespace pinhole::peer {

/// Transfers at a time; each may hold a chunk in memory and some files open.
inline constexpr std::size_t kTransfersMax = 16;

class Receive final : public Activity, private StreamService {
  public:
    /// Where files go, and what is known of those that have not come whole.
    struct Disk {
        files::TargetDirectory& target;
        files::PartialStore& partials;
    };

    /// All must outlive it.
    Receive(Station& station, const ReceiveOptions& options, const Disk& disk);
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
    struct Transfer {
        Transfer(files::Reception reception, const files::Announcement& announcement)
            : receiver(std::move(reception), announcement) {}

        files::FileReceiver receiver;
        files::TransferMeter meter;
        Instant began_at = kNever;
        std::uint64_t files_through = 0;
        std::uint64_t failed = 0;
        std::uint64_t bytes_stored = 0;
        bool is_whole = false;
    };
    using Transfers = std::map<StreamName, Transfer>;

    void on_opened(const StreamName& stream, Bytes argument) override;
    void on_data(const StreamName& stream, Bytes bytes) override;
    void on_room(const StreamName& stream) override;
    void on_finished(const StreamName& stream) override;
    void on_closed(const StreamName& stream) override;
    void on_lost(const StreamName& stream, StreamEnd why) override;

    /// Why the stream is not for us, and in which words.
    struct No {
        Refusal reason;
        std::string text;
    };
    [[nodiscard]] std::optional<No> objection(const StreamName& stream, Bytes argument) const;
    void pump(const StreamName& stream, Transfer& transfer);
    /// One piece of work of whose turn it is.
    void work();
    void tell_events(const StreamName& stream, Transfer& transfer);
    void tell(const Id& peer, Transfer& transfer, const files::EntryReceived& event);
    void break_off(const StreamName& stream);
    void end(const StreamName& stream, const Transfer& transfer);
    void show(Instant now);
    [[nodiscard]] files::TransferState state(const StreamName& stream, const Transfer& transfer,
                                             Instant now) const;

    Station& station_;
    const ReceiveOptions& options_;
    Disk disk_;
    files::IdleWork work_;
    Transfers transfers_;
    /// Whose piece of work was the last.
    std::optional<StreamName> worked_;
    Instant show_at_ = kNever;
    Instant tell_progress_at_ = kNever;
};

/// Runs the verb to its end.
[[nodiscard]] ExitCode run_receive(const ReceiveOptions& options,
                                   const net::Environment& environment);

}  // namespace pinhole::peer
