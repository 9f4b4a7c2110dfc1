#include "peer/files/incoming_file.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <sys/stat.h>
#include <unistd.h>

namespace pinhole::peer::files {

std::string words_of(std::errc error) {
    if (error == std::errc::too_many_symbolic_link_levels) return "a symbolic link is in the way";
    if (error == std::errc::not_a_directory) return "a file is where a directory has to be";
    if (error == std::errc::cross_device_link) return "another file system is in the way";
    if (error == std::errc::file_too_large) return "the disk there takes no file of its size";
    // From the store of parts, or of a mount point under that name.
    if (error == std::errc::device_or_resource_busy) {
        return "another transfer of it is under way, or its name is in use";
    }
    return std::make_error_code(error).message();
}

Outcome outcome_of(std::errc error) {
    switch (static_cast<int>(error)) {
        case ENOSPC:
        case EDQUOT: return Outcome::kNoSpace;
        case EBUSY:
        case ETXTBSY: return Outcome::kBusy;
        // Some file systems take less than we do.
        case ENAMETOOLONG:
        case EILSEQ: return Outcome::kBadName;
        default: return Outcome::kFailed;
    }
}

IncomingFile::IncomingFile(const Reception& reception, Entry entry)
    : reception_(reception),
      entry_(std::move(entry)),
      is_growing_(entry_.facts.size == kSizeUnknown),
      tree_(entry_.facts.size) {}

bool IncomingFile::is_checking() const {
    switch (state_) {
        case State::kChecking:
        case State::kHashingStanding:
        case State::kOpening:
        case State::kHashingPart: return true;
        case State::kComparing:
        case State::kWanting:
        case State::kReceiving:
        case State::kStoring:
        case State::kOver: return false;
    }
    return false;
}

FileStep IncomingFile::check() {
    switch (state_) {
        case State::kChecking: return look();
        case State::kHashingStanding: return hash_standing();
        case State::kOpening: return open();
        case State::kHashingPart: return hash_part();
        case State::kComparing:
        case State::kWanting:
        case State::kReceiving:
        case State::kStoring:
        case State::kOver: break;
    }
    return {};
}

std::uint64_t IncomingFile::bytes_written() const {
    return std::min(chunk_offset(tree_.chunks()), size());
}

// ---- what is there already

FileStep IncomingFile::look() {
    if (const auto fault = fault_of_path(entry_.path, reception_.takes_hidden)) {
        return over(Outcome::kBadName, std::string{sentence_of(*fault)});
    }
    if (entry_.kind == EntryKind::kDirectory) {
        const auto made = reception_.target.make_directory(entry_.path);
        if (!made) return over(made.error());
        state_ = State::kOver;
        return Ending{.outcome = Outcome::kStored, .stored_as = entry_.path};
    }
    auto place = reception_.target.place_of(entry_.path, true);
    if (!place) return over(place.error());
    place_ = std::move(*place);
    const auto standing = standing_at(place_->directory.get(), place_->name);
    if (!standing) {
        if (standing.error() != std::errc::no_such_file_or_directory) {
            return over(standing.error());
        }
        state_ = State::kOpening;
        return {};
    }
    if (standing->is_directory) return over(Outcome::kSkipped, "a directory has that name");
    if (!standing->is_file || standing->size != entry_.facts.size) return meet_conflict();
    auto fd = open_standing(*place_);
    if (!fd) return meet_conflict();
    standing_ = std::move(*fd);
    state_ = State::kHashingStanding;
    return Compare{.number = entry_.number};
}

FileStep IncomingFile::hash_standing() {
    if (tree_.chunks() == chunk_count(entry_.facts.size)) {
        standing_.reset();
        state_ = State::kComparing;
        return theirs_ ? compare() : FileStep{};
    }
    buffer_.resize(chunk_size(entry_.facts.size, tree_.chunks()));
    const auto got = read_at(standing_->get(), buffer_, chunk_offset(tree_.chunks()));
    if (!got || *got != buffer_.size()) {
        // Their `end` still comes, whatever it says.
        standing_changes_ = true;
    }
    tree_.add(hash_of_chunk(buffer_));
    return {};
}

/// Both sides have hashed what they have.
FileStep IncomingFile::compare() {
    if (standing_changes_ || theirs_ != tree_.value()) return meet_conflict();
    state_ = State::kOver;
    return Ending{.outcome = Outcome::kPresent, .stored_as = entry_.path};
}

FileStep IncomingFile::meet_conflict() {
    if (reception_.conflict == ConflictPolicy::kSkip) {
        return over(Outcome::kSkipped, "another file of that name is there");
    }
    state_ = State::kOpening;
    return {};
}

// ---- what came before

Disk<Partial> IncomingFile::open_partial() const {
    return reception_.partials.open(
        {.sender = reception_.sender, .directory = reception_.target.path(), .path = entry_.path});
}

FileStep IncomingFile::open() {
    tree_ = TreeHash{entry_.facts.size};
    if (goes_without_part()) return want();
    auto partial = open_partial();
    if (!partial) return over(partial.error());
    partial_ = std::move(*partial);
    auto part = open_part(*place_, partial_->suffix());
    if (part) {
        part_ = std::move(*part);
        state_ = State::kHashingPart;
        return {};
    }
    if (part.error() != std::errc::no_such_file_or_directory) {
        // Something else has taken the name.
        if (const auto fresh = partial_->restart(reception_.random); !fresh) {
            return over(fresh.error());
        }
    }
    return want();
}

FileStep IncomingFile::hash_part() {
    const std::uint32_t index = tree_.chunks();
    const auto known = partial_->hash_of(index);
    if (!known || index == chunk_count(entry_.facts.size)) return want();
    buffer_.resize(chunk_size(entry_.facts.size, index));
    const auto got = read_at(part_.get(), buffer_, chunk_offset(index));
    if (!got || *got != buffer_.size() || hash_of_chunk(buffer_) != *known) return want();
    tree_.add(*known);
    return {};
}

FileStep IncomingFile::want() {
    const std::uint64_t here =
        std::max(bytes_written(), part_ ? std::min(reserved(part_.get()), size()) : 0);
    if (!has_room(*place_, size() - here)) {
        return over(Outcome::kNoSpace, "not enough room on the disk");
    }
    if (partial_) {
        if (const auto kept = partial_->keep(tree_.chunks()); !kept) return over(kept.error());
    }
    buffer_ = {};
    state_ = State::kWanting;
    // What is new needs nothing open until it comes: many small files wait here.
    if (!part_) {
        if (partial_) partial_->remove();
        partial_.reset();
        place_.reset();
    }
    return Want{.number = entry_.number, .chunks = tree_.chunks(), .hash = tree_.value()};
}

// ---- what comes

Disk<void> IncomingFile::prepare() {
    if (part_) return {};
    auto place = reception_.target.place_of(entry_.path, true);
    if (!place) return failure(place.error());
    place_ = std::move(*place);
    if (goes_without_part()) {
        auto unnamed = make_unnamed(*place_);
        if (unnamed) part_ = std::move(*unnamed);
        if (unnamed) return {};
    }
    return prepare_part();
}

Disk<void> IncomingFile::prepare_part() {
    auto partial = open_partial();
    if (!partial) return failure(partial.error());
    partial_ = std::move(*partial);
    // One that is there is from an earlier try; whoever could go on from it did not come here.
    remove_part(*place_, partial_->suffix());
    auto part = make_part(*place_, partial_->suffix());
    if (!part && part.error() == std::errc::file_exists) {
        const auto fresh = partial_->restart(reception_.random);
        if (!fresh) return failure(fresh.error());
        part = make_part(*place_, partial_->suffix());
    }
    if (!part) return failure(part.error());
    part_ = std::move(*part);
    return partial_->keep(0);
}

bool IncomingFile::fits(const Chunk& chunk, std::uint32_t expected) const {
    if (chunk.index != expected) return false;
    if (!is_growing_) {
        return expected < chunk_count(entry_.facts.size) &&
               chunk.bytes.size() == chunk_size(entry_.facts.size, expected);
    }
    // After one that is not full nothing comes.
    return grown_ == chunk_offset(expected) && chunk.bytes.size() <= kChunkBytes &&
           grown_ + chunk.bytes.size() <= kFileBytesMax;
}

std::optional<FileStep> IncomingFile::on_chunk(const Chunk& chunk) {
    if (!takes_chunks()) return std::nullopt;
    // The sender's file does not begin with what we have.
    const bool begins_anew = state_ == State::kWanting && chunk.index == 0;
    if (!fits(chunk, begins_anew ? 0 : tree_.chunks())) return std::nullopt;
    if (const auto ready = prepare(); !ready) return over(ready.error());
    if (begins_anew) {
        tree_ = TreeHash{entry_.facts.size};
        if (partial_) {
            if (const auto kept = partial_->keep(0); !kept) return over(kept.error());
        }
    }
    if (state_ == State::kWanting && size() > kChunkBytes) {
        const auto kept = reserve(part_.get(), size());
        if (!kept) return over(kept.error());
    }
    // How much will come of the others was known, and looked at, before.
    if (is_growing_ && !has_room(*place_, chunk.bytes.size())) {
        return over(Outcome::kNoSpace, "not enough room on the disk");
    }
    state_ = State::kReceiving;
    return write(chunk);
}

FileStep IncomingFile::write(const Chunk& chunk) {
    if (hash_of_chunk(chunk.bytes) != chunk.hash) {
        return over(Outcome::kDamaged, "what came does not have its hash");
    }
    if (const auto done = write_at(part_.get(), chunk.bytes, chunk_offset(chunk.index)); !done) {
        return over(done.error());
    }
    if (partial_) {
        const auto noted = partial_->note(chunk.index, chunk.hash);
        if (!noted) return over(noted.error());
    }
    tree_.add(chunk.hash);
    if (is_growing_) grown_ += chunk.bytes.size();
    write_back(part_.get(), chunk.index);
    return {};
}

std::optional<FileStep> IncomingFile::on_end(const End& end) {
    if (state_ == State::kHashingStanding || state_ == State::kComparing) {
        if (theirs_) return std::nullopt;
        theirs_ = end.hash;
        return state_ == State::kComparing ? compare() : FileStep{};
    }
    if (!takes_chunks()) return std::nullopt;
    if (!is_growing_ && tree_.chunks() != chunk_count(entry_.facts.size)) return std::nullopt;
    if (const auto ready = prepare(); !ready) return over(ready.error());
    if (end.hash != tree_.value()) {
        // No try could go on from these chunks.
        forget_part();
        return over(Outcome::kDamaged, "the whole does not have its hash");
    }
    // An older part may have been longer.
    struct stat status{};
    const bool is_longer =
        ::fstat(part_.get(), &status) != 0 || static_cast<std::uint64_t>(status.st_size) != size();
    if (is_longer && ::ftruncate(part_.get(), static_cast<off_t>(size())) != 0) {
        return over(static_cast<std::errc>(errno));
    }
    begin_sync(part_.get());
    state_ = State::kStoring;
    return FileStep{};
}

// ---- what is whole

FileStep IncomingFile::sync() {
    if (::fsync(part_.get()) != 0) return over(static_cast<std::errc>(errno));
    return {};
}

Ending IncomingFile::name() {
    const auto name = name_file(*place_, {.part_fd = part_.get(),
                                          .suffix = partial_ ? partial_->suffix() : "",
                                          .facts = entry_.facts,
                                          .mode = reception_.target.mode_of(entry_.facts),
                                          .conflict = reception_.conflict});
    if (!name && name.error() != std::errc::file_exists) return over(name.error());
    if (!name) {
        forget_part();
    } else if (partial_) {
        partial_->remove();
    }
    if (!name) return over(Outcome::kSkipped, "another file of that name is there");
    state_ = State::kOver;
    const std::size_t directory = entry_.path.size() - place_->name.size();
    return {.outcome = Outcome::kStored, .stored_as = entry_.path.substr(0, directory) + *name};
}

bool IncomingFile::sync_directory() const {
    if (!place_) return false;
    // One that cannot be synced (EINVAL on some network file systems) is no reason to fail.
    static_cast<void>(::fsync(place_->directory.get()));
    return true;
}

// ---- the end

void IncomingFile::forget_part() {
    if (!partial_) return;
    remove_part(*place_, partial_->suffix());
    partial_->remove();
}

Ending IncomingFile::over(Outcome outcome, std::string why) {
    state_ = State::kOver;
    standing_.reset();
    place_.reset();
    partial_.reset();
    part_ = {};
    buffer_ = {};
    return {.outcome = outcome, .why = std::move(why)};
}

Ending IncomingFile::over(std::errc error) {
    return over(outcome_of(error), words_of(error));
}

}  // namespace pinhole::peer::files
