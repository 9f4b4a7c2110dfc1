#include "peer/files/file_sender.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace pinhole::peer::files {
namespace {

/// When so much waits for the connection, or was read, another has its turn; the last piece of it
/// may be a whole chunk.
constexpr std::size_t kTurnBytesMax = 64 * 1024;

}  // namespace

Announcement FileSender::announcement(const SourceTree& source) {
    Announcement out{.name = source.name(), .manifest = source.manifest()};
    for (const SourceEntry& entry : source.entries()) {
        if (entry.is_through) continue;
        ++out.entries;
        out.bytes = entry.is_input ? kSizeUnknown : out.bytes + entry.size;
    }
    return out;
}

// ---- what the other side says

bool FileSender::on_bytes(Bytes bytes) {
    while (!bytes.empty()) {
        const auto taken = splitter_.take(bytes);
        if (!taken) return false;
        bytes = bytes.subspan(*taken);
        if (!splitter_.is_whole()) continue;
        const auto frame = splitter_.frame();
        if (!frame || !on_frame(*frame)) return false;
        splitter_.next();
    }
    return true;
}

bool FileSender::on_frame(const Frame& frame) {
    return std::visit([this](const auto& any) { return on(any); }, frame);
}

bool FileSender::on(const Want& want) {
    if (!open_.contains(want.number)) return want.number < offers_;
    const SourceEntry& entry = entry_of(want.number);
    if (turns_.size() >= kOffersMax || entry.kind != EntryKind::kFile) return false;
    if (want.chunks > (entry.is_input ? 0 : chunk_count(entry.size))) return false;
    turns_.push_back({.number = want.number, .chunks = want.chunks, .hash = want.hash});
    return true;
}

bool FileSender::on(const Compare& compare) {
    if (!open_.contains(compare.number)) return compare.number < offers_;
    const SourceEntry& entry = entry_of(compare.number);
    if (turns_.size() >= kOffersMax || entry.kind != EntryKind::kFile) return false;
    if (entry.is_input) return false;
    turns_.push_back(
        {.number = compare.number, .only_compares = true, .chunks = chunk_count(entry.size)});
    return true;
}

bool FileSender::on(const Got& got) {
    if (!open_.contains(got.number)) return got.number < offers_;
    if (got.bytes > entry_of(got.number).size) return false;
    // Of what is looked into beforehand, nothing counts yet.
    if (got.number == open_.begin()->first) acknowledged_ = got;
    return true;
}

bool FileSender::on(const EntryOutcome& outcome) {
    if (!open_.contains(outcome.number)) return outcome.number < offers_;
    end(outcome.number, outcome.outcome, std::string{outcome.text});
    return true;
}

// ---- what we say

bool FileSender::can_offer() const {
    return next_ < source_.entries().size() && open_.size() < kOffersMax;
}

bool FileSender::has_work() const {
    if (!outgoing().empty() || waits_for_input()) return false;
    return current_ || !turns_.empty() || can_offer();
}

void FileSender::work() {
    if (!has_work()) return;
    bytes_read_ = 0;
    while (can_offer() && outgoing().size() < kTurnBytesMax) offer();
    // Many small files go together.
    while ((current_ || !turns_.empty()) && outgoing().size() < kTurnBytesMax &&
           bytes_read_ < kTurnBytesMax && !waits_for_input()) {
        if (current_) {
            step();
            continue;
        }
        const Turn turn = turns_.front();
        turns_.pop_front();
        begin(turn);
    }
}

void FileSender::offer() {
    const SourceEntry& entry = source_.entries()[next_];
    if (!entry.is_through) {
        out_.say(Offer{.number = offers_,
                       .kind = entry.kind,
                       .is_executable = entry.is_executable,
                       .size = entry.size,
                       .mtime = entry.mtime,
                       .path = entry.path});
        open_.emplace(offers_, Opened{.entry = next_});
        ++offers_;
    }
    ++next_;
}

void FileSender::begin(const Turn& turn) {
    if (!open_.contains(turn.number)) return;
    const SourceEntry& entry = entry_of(turn.number);
    auto file = entry.is_input ? std::nullopt : source_.open(entry);
    if (!file && !entry.is_input) {
        return withdraw(turn.number, "it cannot be read, or has changed");
    }
    current_.emplace(Current{.turn = turn, .file = std::move(file), .tree = TreeHash{entry.size}});
    step();
}

void FileSender::step() {
    const std::uint32_t number = current_->turn.number;
    if (!open_.contains(number)) return current_.reset();
    if (is_sending_input()) return send_input();
    if (current_->is_sending) return send_chunk();
    if (current_->tree.chunks() == current_->turn.chunks) return decide();
    ByteVector chunk(chunk_size(entry_of(number).size, current_->tree.chunks()));
    if (!current_->file->read(chunk_offset(current_->tree.chunks()), chunk)) {
        return withdraw(number, "it has changed while it was read");
    }
    current_->tree.add(hash_of_chunk(chunk));
    bytes_read_ += chunk.size();
}

/// As much is hashed as the other side asked for.
void FileSender::decide() {
    const Turn& turn = current_->turn;
    if (turn.only_compares) {
        out_.say(End{.number = turn.number, .hash = current_->tree.value()});
        return current_.reset();
    }
    const bool is_same = current_->tree.value() == turn.hash;
    const std::uint64_t size = entry_of(turn.number).size;
    if (!is_same) current_->tree = TreeHash{size};
    current_->is_sending = true;
    acknowledged_ = {.number = turn.number,
                     .bytes = std::min(chunk_offset(current_->tree.chunks()), size)};
    Opened& opened = open_.at(turn.number);
    opened.from = acknowledged_.bytes;
    if (opened.from > 0) {
        events_.push_back(EntryResumed{.entry = opened.entry, .bytes = acknowledged_.bytes});
    }
    if (!is_sending_input()) send_chunk();
}

void FileSender::send_chunk() {
    const std::uint32_t number = current_->turn.number;
    const std::uint64_t size = entry_of(number).size;
    const std::uint32_t index = current_->tree.chunks();
    if (index == chunk_count(size)) {
        if (!current_->file->is_unchanged()) {
            return withdraw(number, "it has changed while it was read");
        }
        out_.say(End{.number = number, .hash = current_->tree.value()});
        return current_.reset();
    }
    const MutableBytes frame = out_.grow(kChunkHeadSize + chunk_size(size, index));
    const MutableBytes content = frame.subspan(kChunkHeadSize);
    if (!current_->file->read(chunk_offset(index), content)) {
        out_.take_back(frame.size());
        return withdraw(number, "it has changed while it was read");
    }
    const Hash hash = hash_of_chunk(content);
    write_chunk_head(frame.first(kChunkHeadSize),
                     {.number = number, .index = index, .hash = hash, .bytes = content});
    current_->tree.add(hash);
    bytes_read_ += content.size();
    bytes_put_ += content.size();
}

// ---- standard input

bool FileSender::is_sending_input() const {
    return current_ && current_->is_sending && !current_->file;
}

std::size_t FileSender::input_room() const {
    return is_sending_input() && !input_ended_ ? kChunkBytes - input_.size() : 0;
}

void FileSender::on_input(Bytes bytes) {
    assert(bytes.size() <= input_room());
    input_.insert(input_.end(), bytes.begin(), bytes.end());
    input_bytes_ += bytes.size();
}

void FileSender::on_input_failed(std::string why) {
    if (is_sending_input()) withdraw(current_->turn.number, std::move(why));
}

/// A chunk is whole, or the last one, or nothing more comes.
void FileSender::send_input() {
    const std::uint32_t number = current_->turn.number;
    if (input_.empty()) {
        out_.say(End{.number = number, .hash = current_->tree.value()});
        return current_.reset();
    }
    const Hash hash = hash_of_chunk(input_);
    out_.say(
        Chunk{.number = number, .index = current_->tree.chunks(), .hash = hash, .bytes = input_});
    current_->tree.add(hash);
    bytes_read_ += input_.size();
    input_.clear();
}

void FileSender::withdraw(std::uint32_t number, std::string why) {
    out_.say(Withdraw{number});
    end(number, std::nullopt, std::move(why));
}

void FileSender::end(std::uint32_t number, std::optional<Outcome> outcome, std::string why) {
    const auto found = open_.find(number);
    const Opened opened = found->second;
    SourceEntry& entry = source_.entries()[opened.entry];
    if (entry.is_input) entry.size = input_bytes_;
    if (opened.from && outcome == Outcome::kStored) {
        bytes_carried_ += entry.size - *opened.from;
    }
    events_.push_back(EntrySent{.entry = opened.entry, .outcome = outcome, .why = std::move(why)});
    entry.is_through = true;
    open_.erase(found);
    if (current_ && current_->turn.number == number) current_.reset();
}

const SourceEntry& FileSender::entry_of(std::uint32_t number) const {
    return source_.entries()[open_.at(number).entry];
}

std::uint64_t FileSender::bytes_acknowledged() const {
    const bool is_current = !open_.empty() && open_.begin()->first == acknowledged_.number;
    return is_current ? acknowledged_.bytes : 0;
}

std::uint64_t FileSender::bytes_carried() const {
    if (open_.empty() || !open_.begin()->second.from) return bytes_carried_;
    const std::uint64_t from = *open_.begin()->second.from;
    return bytes_carried_ + std::max(bytes_acknowledged(), from) - from;
}

// What waits is hardly anything but content: heads are taken for some.
std::uint64_t FileSender::bytes_sent() const {
    return bytes_put_ - std::min<std::uint64_t>(bytes_put_, outgoing().size());
}

bool FileSender::is_over() const {
    return next_ == source_.entries().size() && open_.empty();
}

std::optional<SenderEvent> FileSender::poll_event() {
    if (events_.empty()) return std::nullopt;
    SenderEvent out = std::move(events_.front());
    events_.pop_front();
    return out;
}

}  // namespace pinhole::peer::files
