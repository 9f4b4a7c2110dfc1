// The receiving side of one stream of files: takes offers, says what it wants, and stores.
//
// Sans-IO towards the network: bytes go in, bytes come out. Looks into offers in their order, one
// chunk of reading in each call of `work`; what comes is written when its chunk is whole. Owns at
// most one chunk of memory and the files of a few entries at a time.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "peer/files/frame_splitter.hpp"
#include "peer/files/incoming_file.hpp"
#include "peer/files/outbox.hpp"

namespace pinhole::peer::files {

/// An entry is through.
struct EntryReceived {
    std::string path;
    std::uint64_t size = 0;
    EntryKind kind = EntryKind::kFile;
    Ending ending;
};

class FileReceiver {
  public:
    FileReceiver(Reception reception, const Announcement& announcement)
        : reception_(std::move(reception)), announced_(announcement) {}
    FileReceiver(const FileReceiver&) = delete;
    FileReceiver& operator=(const FileReceiver&) = delete;

    /// False when the other side broke the protocol: reset the stream.
    [[nodiscard]] bool on_bytes(Bytes bytes);
    /// The other side says no more. False when it may not yet.
    [[nodiscard]] bool on_finished() const;

    [[nodiscard]] bool has_work() const;
    void work();
    /// Puts what is whole onto the disk and under its name: `work` does it for several at once, and
    /// whoever ends the transfer for those that still wait.
    void store();

    /// What is to be sent; borrowed until the next call.
    [[nodiscard]] Bytes outgoing() const { return out_.unsent(); }
    void on_sent(std::size_t bytes) { out_.on_sent(bytes); }

    [[nodiscard]] std::optional<EntryReceived> poll_event();

    [[nodiscard]] const std::string& sender() const { return reception_.sender; }
    [[nodiscard]] const Announcement& announced() const { return announced_; }
    /// Bytes of files that are here or were before: what `announced().bytes` counts up to.
    [[nodiscard]] std::uint64_t bytes_done() const;
    /// Bytes of files that came through this stream.
    [[nodiscard]] std::uint64_t bytes_received() const;

  private:
    [[nodiscard]] bool on_frame(const Frame& frame);
    [[nodiscard]] bool on(const Offer& offer);
    [[nodiscard]] bool is_announced(const Offer& offer) const;
    [[nodiscard]] bool on(const Chunk& chunk);
    [[nodiscard]] bool on(const End& end);
    [[nodiscard]] bool on(const Withdraw& withdraw);
    /// What only a receiver says.
    template <class Other>
    [[nodiscard]] bool on(const Other& /*frame*/) {
        return false;
    }
    /// Lets the entry of that number hear it. True for one that is through: what was on its way to
    /// it when it ended is no fault.
    template <class Call>
    [[nodiscard]] bool tell(std::uint32_t number, const Call& call);
    [[nodiscard]] bool check();
    void apply(std::uint32_t number, const FileStep& step);
    /// What is whole had better not wait for more.
    [[nodiscard]] bool should_store() const;
    void acknowledge();
    [[nodiscard]] const IncomingFile* wanting() const;

    Reception reception_;
    Announcement announced_;
    FrameSplitter splitter_;
    std::map<std::uint32_t, IncomingFile> files_;
    /// Not looked into yet, or not to the end.
    std::deque<std::uint32_t> to_check_;
    /// Whole, but for that.
    std::vector<std::uint32_t> to_store_;
    std::uint32_t offers_ = 0;
    std::uint64_t bytes_offered_ = 0;
    Outbox out_;
    std::deque<EntryReceived> events_;
    /// The last `Got`.
    Got acknowledged_{.number = kEntriesMax};
    std::uint64_t bytes_through_ = 0;
    std::uint64_t bytes_written_ = 0;
};

}  // namespace pinhole::peer::files
