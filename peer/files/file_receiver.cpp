#include "peer/files/file_receiver.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "peer/text_sanitizer.hpp"

namespace pinhole::peer::files {
namespace {

/// Often enough that the sender of a slow path sees it move, rare beside what is received.
constexpr std::uint64_t kAcknowledgeEvery = 64 * 1024;
/// What was looked through between two signs of life: a fraction of a second's work.
constexpr std::uint32_t kSignEvery = 128 * kChunkBytes;
/// Offers that are looked into together, where that takes no reading.
constexpr int kChecksMax = 16;
/// Entries with open files; more offers wait to be looked into.
constexpr std::ptrdiff_t kHoldingMax = 8;
/// Files that wait to be synced together, open. One by one they would cost a commit of the disk's
/// journal each. A cut costs them all, if they are small.
constexpr std::size_t kStoringMax = 16;
/// What a sender may leave unread; it is far more than all open offers can come to.
constexpr std::size_t kOutMax = 256 * 1024;

}  // namespace

bool FileReceiver::on_bytes(Bytes bytes) {
    while (!bytes.empty()) {
        const auto taken = splitter_.take(bytes);
        if (!taken) return false;
        bytes = bytes.subspan(*taken);
        if (!splitter_.is_whole()) continue;
        const auto frame = splitter_.frame();
        if (!frame || !on_frame(*frame)) return false;
        splitter_.next();
    }
    acknowledge();
    return outgoing().size() <= kOutMax;
}

bool FileReceiver::on_finished() const {
    return files_.empty();
}

bool FileReceiver::on_frame(const Frame& frame) {
    return std::visit([this](const auto& any) { return on(any); }, frame);
}

bool FileReceiver::on(const Offer& offer) {
    if (offer.number != offers_ || offers_ == announced_.entries) return false;
    if (files_.size() >= kOffersMax || !is_announced(offer)) return false;
    ++offers_;
    if (offer.size != kSizeUnknown) bytes_offered_ += offer.size;
    files_.try_emplace(offer.number, reception_,
                       IncomingFile::Entry{.number = offer.number,
                                           .kind = offer.kind,
                                           .facts = {.size = offer.size,
                                                     .mtime = offer.mtime,
                                                     .is_executable = offer.is_executable},
                                           .path = std::string{offer.path}});
    to_check_.push_back(offer.number);
    return true;
}

/// Somebody may have said yes to that, and to no more.
bool FileReceiver::is_announced(const Offer& offer) const {
    if (offer.size > announced_.bytes - bytes_offered_) return false;
    const std::string_view name = announced_.name;
    if (name.empty() || offer.path == name) return true;
    return offer.path.starts_with(name) && offer.path[name.size()] == '/';
}

template <class Call>
bool FileReceiver::tell(std::uint32_t number, const Call& call) {
    const auto found = files_.find(number);
    if (found == files_.end()) return number < offers_;
    const std::optional<FileStep> step = call(found->second);
    if (!step) return false;
    apply(number, *step);
    return true;
}

bool FileReceiver::on(const Chunk& chunk) {
    bytes_written_ += chunk.bytes.size();
    return tell(chunk.number, [&](IncomingFile& file) { return file.on_chunk(chunk); });
}

bool FileReceiver::on(const End& end) {
    if (to_store_.size() == kStoringMax) store();
    return tell(end.number, [&](IncomingFile& file) {
        const bool was_checking = file.is_checking();
        auto step = file.on_end(end);
        if (file.is_checking() && !was_checking) to_check_.push_front(end.number);
        // A second end is a fault, and the file waits already.
        if (step && file.is_storing()) to_store_.push_back(end.number);
        return step;
    });
}

bool FileReceiver::on(const Withdraw& withdraw) {
    const auto found = files_.find(withdraw.number);
    if (found == files_.end()) return withdraw.number < offers_;
    if (found->second.is_storing()) return false;
    events_.push_back(
        {.path = found->second.entry().path,
         .size = found->second.size(),
         .ending = {.outcome = Outcome::kFailed, .why = "the sender cannot read it any more"}});
    bytes_through_ += found->second.size();
    std::erase(to_check_, withdraw.number);
    files_.erase(found);
    return true;
}

/// A small file that is on its way already may share the disk's work.
bool FileReceiver::should_store() const {
    if (to_store_.empty()) return false;
    const IncomingFile* next = wanting();
    return to_store_.size() >= kStoringMax || next == nullptr || !next->is_small();
}

bool FileReceiver::has_work() const {
    if (should_store()) return true;
    if (to_check_.empty()) return false;
    if (files_.at(to_check_.front()).holds_files()) return true;
    const auto holding = std::ranges::count_if(
        files_, [](const auto& numbered) { return numbered.second.holds_files(); });
    return holding < kHoldingMax;
}

void FileReceiver::work() {
    if (should_store()) return store();
    for (int i = 0; i < kChecksMax && has_work(); ++i) {
        if (check()) return;
    }
}

/// True when something was read, which is enough for once.
bool FileReceiver::check() {
    const std::uint32_t number = to_check_.front();
    IncomingFile& file = files_.at(number);
    const std::uint64_t before = file.bytes_written();
    const FileStep step = file.check();
    const std::uint64_t looked = file.bytes_written();
    if (file.is_checking() && looked > 0 && looked % kSignEvery == 0) {
        out_.say(Got{.number = number, .bytes = looked});
    }
    if (!file.is_checking()) to_check_.pop_front();
    apply(number, step);
    return looked != before;
}

void FileReceiver::store() {
    std::vector<std::pair<std::uint32_t, Ending>> endings;
    for (const std::uint32_t number : to_store_) {
        const FileStep failed = files_.at(number).sync();
        if (const auto* ending = std::get_if<Ending>(&failed))
            endings.emplace_back(number, *ending);
    }
    std::set<std::string> synced;
    for (const std::uint32_t number : to_store_) {
        IncomingFile& file = files_.at(number);
        if (file.is_storing()) endings.emplace_back(number, file.name());
    }
    for (const std::uint32_t number : to_store_) {
        const std::string& path = files_.at(number).entry().path;
        const std::size_t slash = path.rfind('/');
        const std::string directory = slash == std::string::npos ? "" : path.substr(0, slash);
        if (!synced.contains(directory) && files_.at(number).sync_directory()) {
            synced.insert(directory);
        }
    }
    to_store_.clear();
    for (const auto& [number, ending] : endings) apply(number, ending);
}

void FileReceiver::apply(std::uint32_t number, const FileStep& step) {
    if (const auto* want = std::get_if<Want>(&step)) out_.say(*want);
    if (const auto* compare = std::get_if<Compare>(&step)) out_.say(*compare);
    const auto* ending = std::get_if<Ending>(&step);
    if (ending == nullptr) return;
    out_.say(EntryOutcome{.number = number,
                          .outcome = ending->outcome,
                          .text = std::string_view{ending->why}.substr(
                              0, whole_characters(ending->why, kOutcomeTextMax))});
    const auto found = files_.find(number);
    const IncomingFile::Entry& entry = found->second.entry();
    const std::uint64_t size = found->second.size();
    events_.push_back({.path = entry.path, .size = size, .kind = entry.kind, .ending = *ending});
    bytes_through_ += size;
    files_.erase(found);
}

const IncomingFile* FileReceiver::wanting() const {
    const auto found = std::ranges::find_if(
        files_, [](const auto& numbered) { return numbered.second.takes_chunks(); });
    return found == files_.end() ? nullptr : &found->second;
}

void FileReceiver::acknowledge() {
    const IncomingFile* file = wanting();
    if (file == nullptr) return;
    const Got got{.number = file->entry().number,
                  .bytes = file->bytes_written() + splitter_.chunk_bytes()};
    // Fewer than before: the sender began anew.
    const bool goes_on = got.number == acknowledged_.number && got.bytes >= acknowledged_.bytes;
    const std::uint64_t before = goes_on ? acknowledged_.bytes : 0;
    if (got.bytes < before + kAcknowledgeEvery) return;
    acknowledged_ = got;
    out_.say(got);
}

std::optional<EntryReceived> FileReceiver::poll_event() {
    if (events_.empty()) return std::nullopt;
    EntryReceived out = std::move(events_.front());
    events_.pop_front();
    return out;
}

std::uint64_t FileReceiver::bytes_done() const {
    const IncomingFile* file = wanting();
    return bytes_through_ + (file == nullptr ? 0 : file->bytes_written() + splitter_.chunk_bytes());
}

std::uint64_t FileReceiver::bytes_received() const {
    return bytes_written_ + splitter_.chunk_bytes();
}

}  // namespace pinhole::peer::files
