// Transfers of files to peers, whoever wants them: the verb `send`, or a line in a chat.
//
// Each goes over one stream at a time, and over the next connection if that breaks: what is not
// through goes on at the last chunk that the other side has. Several go side by side and take turns
// at the disk. Says what happens, on the screen and as events; whether a peer is called, and for
// how long it is waited for, is the owner's.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "peer/files/file_sender.hpp"
#include "peer/files/idle_work.hpp"
#include "peer/files/transfer_meter.hpp"
#include "peer/files/transfer_words.hpp"
#include "peer/input_source.hpp"
#include "peer/station.hpp"

namespace pinhole::peer::files {

class OutgoingFiles final : private StreamService {
  public:
    /// Names a transfer.
    using Number = std::uint32_t;

    struct Callbacks {
        /// The other side takes it, over the first connection or a later one.
        std::function<void(Number)> on_taken;
        /// All of it is through; so many files did not get there.
        std::function<void(Number, std::uint64_t failed)> on_ended;
        /// It ended before its time, and does not go on. What is known of it is forgotten after.
        std::function<void(Number, const Problem&)> on_failed;
    };

    /// `station` must outlive it.
    OutgoingFiles(Station& station, Telling telling, Callbacks callbacks);
    OutgoingFiles(const OutgoingFiles&) = delete;
    OutgoingFiles& operator=(const OutgoingFiles&) = delete;
    ~OutgoingFiles() override = default;

    /// Begins at once if the peer is connected, else with the next connection.
    Number add(const Id& peer, SourceTree source);
    /// Transfers to the peer begin, or go on.
    void on_connected(const Id& peer);
    /// Ends one before its time: the other side hears that it is given up, `Callbacks` do not.
    /// False for one of which all is through: that ends as any does.
    bool give_up(Number number);

    [[nodiscard]] std::size_t size() const { return transfers_.size(); }
    /// Files of a transfer that are not through; none of one that is over.
    [[nodiscard]] std::uint64_t files_left(Number number) const;
    /// The other side has taken it, over whatever connection.
    [[nodiscard]] bool was_taken(Number number) const;
    /// "photo.jpg"
    [[nodiscard]] std::string title(Number number) const;
    /// Those under way.
    [[nodiscard]] std::vector<TransferState> states(Instant now);
    /// The transfers, in their order: all, or those to one peer.
    [[nodiscard]] std::vector<Number> numbers(const std::optional<Id>& to = {}) const;

    void handle_timeout(Instant now);
    [[nodiscard]] Instant next_timeout() const;

  private:
    struct Transfer {
        Transfer(const Id& to, SourceTree what) : peer(to), source(std::move(what)) {}

        Id peer;
        SourceTree source;
        std::optional<StreamName> stream{};
        std::optional<FileSender> sender{};
        TransferMeter meter{};
        Instant began_at = kNever;
        /// When the user hears that somebody has to take it.
        Instant tell_waiting_at = kNever;
        std::uint64_t bytes_total = 0;
        std::uint64_t bytes_through = 0;
        std::uint64_t bytes_stored = 0;
        std::uint64_t files_through = 0;
        std::uint64_t failed = 0;
        /// By connections that are over.
        std::uint64_t bytes_carried = 0;
        bool said_finish = false;
        /// Standard input, while it is sent.
        std::unique_ptr<InputSource> input{};
        /// Nothing is there to be read now.
        bool input_is_dry = false;

        [[nodiscard]] std::uint64_t bytes_done() const {
            return bytes_through + (sender ? sender->bytes_acknowledged() : 0);
        }
        [[nodiscard]] bool can_read_input() const {
            return sender && sender->input_room() > 0 && !input_is_dry;
        }
        [[nodiscard]] bool has_work() const {
            return sender && (sender->has_work() || can_read_input());
        }
    };
    using Transfers = std::map<Number, Transfer>;

    void on_opened(const StreamName& stream, Bytes argument) override;
    void on_accepted(const StreamName& stream) override;
    void on_refused(const StreamName& stream, Refusal reason, std::string_view text) override;
    void on_data(const StreamName& stream, Bytes bytes) override;
    void on_room(const StreamName& stream) override;
    void on_closed(const StreamName& stream) override;
    void on_lost(const StreamName& stream, StreamEnd why) override;

    void open(Transfer& transfer);
    [[nodiscard]] Transfers::iterator find(const StreamName& stream);
    /// Hands over what goes now, tells what happened, and asks for more work.
    void pump(Transfer& transfer);
    /// One piece of work of whose turn it is.
    void work();
    void open_input(Number number, Transfer& transfer);
    void read_input(Transfer& transfer);
    void tell_left_out(Transfer& transfer);
    void tell_events(Transfer& transfer);
    /// The connection went before all was through.
    void tell_cut(const Transfer& transfer);
    void tell(Transfer& transfer, const EntrySent& event);
    void tell(Transfer& transfer, const EntryResumed& event);
    void end(Transfers::iterator transfer);
    void fail(Transfers::iterator transfer, ExitCode code, const std::string& words);
    [[nodiscard]] std::string no_receiver(const Id& peer) const;

    Station& station_;
    Telling telling_;
    Callbacks callbacks_;
    IdleWork work_;
    Transfers transfers_;
    Number last_ = 0;
    /// Whose piece of work was the last.
    std::optional<Number> worked_;
};

}  // namespace pinhole::peer::files
