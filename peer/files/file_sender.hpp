// The sending side of one stream of files: offers entries, and says what the other side wants.
//
// Sans-IO towards the network: bytes go in, bytes come out. Reads a chunk in each call of `work`,
// or some small files, and more when that is on its way: a chunk is all that it keeps. The list of
// entries is the caller's, and outlives connections: a new sender goes on with what is not through.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>

#include "peer/files/frame_splitter.hpp"
#include "peer/files/outbox.hpp"
#include "peer/files/source_tree.hpp"

namespace pinhole::peer::files {

/// An entry is through.
struct EntrySent {
    /// Into the source's entries.
    std::size_t entry = 0;
    /// Nothing: we could not read it, or it changed while we did.
    std::optional<Outcome> outcome;
    /// The other side's words: sanitise them.
    std::string why;
};

/// The other side has a part of it from before.
struct EntryResumed {
    std::size_t entry = 0;
    std::uint64_t bytes = 0;
};

using SenderEvent = std::variant<EntrySent, EntryResumed>;

class FileSender {
  public:
    /// `source` must outlive it.
    explicit FileSender(SourceTree& source) : source_(source) {}
    FileSender(const FileSender&) = delete;
    FileSender& operator=(const FileSender&) = delete;

    /// What this stream is to carry.
    [[nodiscard]] static Announcement announcement(const SourceTree& source);

    /// False when the other side broke the protocol: reset the stream.
    [[nodiscard]] bool on_bytes(Bytes bytes);

    /// False as well while it waits for input.
    [[nodiscard]] bool has_work() const;
    void work();

    /// Standard input is being sent, and so many bytes of it are taken now; 0 when it is not, or at
    /// its end.
    [[nodiscard]] std::size_t input_room() const;
    /// At most so many.
    void on_input(Bytes bytes);
    void on_input_end() { input_ended_ = true; }
    void on_input_failed(std::string why);
    /// Bytes of it that were taken: nobody can read them again.
    [[nodiscard]] std::uint64_t input_bytes() const { return input_bytes_; }

    /// What is to be sent; borrowed until the next call.
    [[nodiscard]] Bytes outgoing() const { return out_.unsent(); }
    void on_sent(std::size_t bytes) { out_.on_sent(bytes); }

    [[nodiscard]] std::optional<SenderEvent> poll_event();
    /// Every entry is through: finish the stream.
    [[nodiscard]] bool is_over() const;

    /// Bytes of the file under way that the other side says it has.
    [[nodiscard]] std::uint64_t bytes_acknowledged() const;
    /// Bytes of files that this stream brought to the other side, as far as that says so.
    [[nodiscard]] std::uint64_t bytes_carried() const;
    /// Bytes of files that the stream was given, whether or not they came to the other side.
    [[nodiscard]] std::uint64_t bytes_sent() const;

  private:
    struct Opened {
        /// Into the source's entries.
        std::size_t entry = 0;
        /// Set when its chunks are sent: so much was there before.
        std::optional<std::uint64_t> from{};
    };
    /// What the other side asked for, in the order of its asking.
    struct Turn {
        std::uint32_t number = 0;
        bool only_compares = false;
        /// So many chunks are to be hashed first; those of the other side come to `hash`.
        std::uint32_t chunks = 0;
        Hash hash{};
    };
    /// The one that is being served.
    struct Current {
        Turn turn;
        /// Nothing for standard input.
        std::optional<SourceFile> file;
        TreeHash tree;
        bool is_sending = false;
    };

    [[nodiscard]] bool on_frame(const Frame& frame);
    [[nodiscard]] bool on(const Want& want);
    [[nodiscard]] bool on(const Compare& compare);
    [[nodiscard]] bool on(const Got& got);
    [[nodiscard]] bool on(const EntryOutcome& outcome);
    /// What only a sender says.
    template <class Other>
    [[nodiscard]] bool on(const Other& /*frame*/) {
        return false;
    }
    [[nodiscard]] bool can_offer() const;
    void offer();
    void begin(const Turn& turn);
    void step();
    void decide();
    void send_chunk();
    void send_input();
    [[nodiscard]] bool is_sending_input() const;
    [[nodiscard]] bool waits_for_input() const { return input_room() > 0; }
    void withdraw(std::uint32_t number, std::string why);
    void end(std::uint32_t number, std::optional<Outcome> outcome, std::string why);
    [[nodiscard]] const SourceEntry& entry_of(std::uint32_t number) const;

    SourceTree& source_;
    FrameSplitter splitter_;
    /// The next entry to look at for an offer.
    std::size_t next_ = 0;
    std::uint32_t offers_ = 0;
    /// Offered and not through, by number.
    std::map<std::uint32_t, Opened> open_;
    std::deque<Turn> turns_;
    std::optional<Current> current_;
    /// In this call of `work`.
    std::size_t bytes_read_ = 0;
    /// Of the chunk under way.
    ByteVector input_;
    std::uint64_t input_bytes_ = 0;
    bool input_ended_ = false;
    Outbox out_;
    std::deque<SenderEvent> events_;
    Got acknowledged_{};
    /// With entries that are through.
    std::uint64_t bytes_carried_ = 0;
    /// Bytes of files that were put into `out_`.
    std::uint64_t bytes_put_ = 0;
};

}  // namespace pinhole::peer::files
