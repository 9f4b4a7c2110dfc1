// Transfers of files from peers, whoever takes them: the verb `receive`, or a chat.
//
// Serves the streams of kind `kFiles`. Its owner judges what is offered, at once or later: an offer
// that is asked about waits as long as its connection lives. Any number of transfers go on side by
// side, up to a bound; they take turns at the disk. Says what happens, on the screen and as events.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "peer/files/file_receiver.hpp"
#include "peer/files/idle_work.hpp"
#include "peer/files/transfer_meter.hpp"
#include "peer/files/transfer_words.hpp"
#include "peer/station.hpp"

namespace pinhole::peer::files {

/// Transfers at a time; each may hold a chunk in memory and some files open.
inline constexpr std::size_t kTransfersMax = 16;
/// Offers that wait for an answer: as many as somebody may want to read.
inline constexpr std::size_t kOffersWaitingMax = 16;

/// What is offered to somebody who has not answered yet.
struct WaitingOffer {
    StreamName stream;
    Announcement announcement;
};

class IncomingFiles final : private StreamService {
  public:
    /// Where files go, and what is known of those that have not come whole. Must outlive it.
    struct Destination {
        TargetDirectory& target;
        PartialStore& partials;
    };
    struct Ask {};
    struct No {
        Refusal reason = Refusal::kNotAllowed;
        std::string text;
    };
    using Judgement = std::variant<Destination, Ask, No>;

    struct Rules {
        ConflictPolicy conflict = ConflictPolicy::kSkip;
        bool takes_hidden = false;
        Telling telling = Telling::kAll;
    };
    struct Callbacks {
        std::function<Judgement(const Id& peer)> judge;
        /// It waits for `take` or `refuse`.
        std::function<void(const WaitingOffer&)> on_offered{};
        /// A transfer begins.
        std::function<void()> on_began;
        /// One is over. `failed` files are not stored; nothing when it was cut.
        std::function<void(std::optional<std::uint64_t> failed)> on_ended;
    };

    /// `station` must outlive it.
    IncomingFiles(Station& station, const Rules& rules, Callbacks callbacks);
    IncomingFiles(const IncomingFiles&) = delete;
    IncomingFiles& operator=(const IncomingFiles&) = delete;
    ~IncomingFiles() override = default;

    /// From now on offers are judged.
    void serve();
    /// Removes what nobody has gone on with for long, and says so.
    void prune(PartialStore& partials);

    /// The offers that wait, the oldest first.
    [[nodiscard]] const std::vector<WaitingOffer>& waiting() const { return waiting_; }
    /// Both: of an offer that waits.
    void take(const StreamName& offer, const Destination& where);
    void refuse(const StreamName& offer, std::string_view why);

    [[nodiscard]] std::size_t size() const { return transfers_.size(); }
    /// Those under way.
    [[nodiscard]] std::vector<TransferState> states(Instant now);
    /// Says what is not whole: we leave.
    void tell_unfinished();

  private:
    struct Transfer {
        Transfer(Reception reception, const Announcement& announcement)
            : receiver(std::move(reception), announcement) {}

        FileReceiver receiver;
        TransferMeter meter;
        Instant began_at = kNever;
        std::uint64_t files_through = 0;
        std::uint64_t failed = 0;
        std::uint64_t bytes_stored = 0;
        /// Where the last file stands.
        std::string stored_as{};
        /// Where all of them go.
        std::string where{};
        bool is_whole = false;
    };
    using Transfers = std::map<StreamName, Transfer>;

    void on_opened(const StreamName& stream, Bytes argument) override;
    void on_data(const StreamName& stream, Bytes bytes) override;
    void on_room(const StreamName& stream) override;
    void on_finished(const StreamName& stream) override;
    void on_closed(const StreamName& stream) override;
    void on_lost(const StreamName& stream, StreamEnd why) override;

    [[nodiscard]] Judgement judge(const StreamName& stream, Bytes argument);
    void begin(const WaitingOffer& offer, const Destination& where);
    void forget_waiting(const StreamName& stream);
    void pump(const StreamName& stream, Transfer& transfer);
    /// One piece of work of whose turn it is.
    void work();
    void tell_events(const StreamName& stream, Transfer& transfer);
    void tell(const Id& peer, Transfer& transfer, const EntryReceived& event);
    void break_off(const StreamName& stream);
    void end(const StreamName& stream, const Transfer& transfer);
    [[nodiscard]] std::string end_sentence(const StreamName& stream,
                                           const Transfer& transfer) const;

    Station& station_;
    Rules rules_;
    Callbacks callbacks_;
    IdleWork work_;
    Transfers transfers_;
    std::vector<WaitingOffer> waiting_;
    /// Transfers that were taken and then cut: each goes on without another question.
    std::vector<std::pair<Id, Announcement>> cut_;
    /// Where those went that were asked about.
    std::optional<Destination> asked_destination_;
    /// Whose piece of work was the last.
    std::optional<StreamName> worked_;
};

}  // namespace pinhole::peer::files
