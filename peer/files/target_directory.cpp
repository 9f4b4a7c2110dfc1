#include "peer/files/target_directory.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "peer/files/entry_name.hpp"
#include "peer/files/tree_hash.hpp"
#include "peer/text_sanitizer.hpp"

namespace pinhole::peer::files {
namespace {

constexpr mode_t kPartMode = 0600;
/// Left free for whoever else writes there.
constexpr std::uint64_t kSpareBytes = std::uint64_t{64} << 20U;
/// Chunks that may be on their way to the disk.
constexpr std::uint32_t kUnwrittenChunks = 64;
/// Then somebody makes these names on purpose.
constexpr unsigned kRenamesMax = 1000;
constexpr std::int64_t kNanoseconds = 1'000'000'000;

[[noreturn]] void throw_system(std::string_view what, const std::filesystem::path& path) {
    throw std::system_error(errno, std::generic_category(),
                            fmt::format("cannot {} {}", what, path.string()));
}

mode_t umask_of_process() {
    const mode_t mask = ::umask(0077);
    ::umask(mask);
    return mask;
}

/// The start of `name` that leaves room for `bytes` more in a component.
std::string_view cut(std::string_view name, std::size_t bytes) {
    return name.substr(0, whole_characters(name, kComponentBytesMax - bytes));
}

timespec time_of(std::int64_t nanoseconds) {
    std::int64_t rest = nanoseconds % kNanoseconds;
    std::int64_t seconds = nanoseconds / kNanoseconds;
    if (rest < 0) {
        rest += kNanoseconds;
        --seconds;
    }
    timespec out{};
    out.tv_sec = static_cast<time_t>(seconds);
    out.tv_nsec = static_cast<long>(rest);
    return out;
}

/// Where the system shows an open file. Only so can one without a name be given one without a
/// right that nobody has: linkat(2), AT_EMPTY_PATH.
std::string path_of(int fd) {
    return fmt::format("/proc/self/fd/{}", fd);
}

/// Gives a file a name in a directory; EEXIST when it is taken, unless it is replaced.
Disk<void> put(const Place& place, const Finish& finish, const std::string& name) {
    const int directory = place.directory.get();
    const bool replaces = finish.conflict == ConflictPolicy::kOverwrite;
    if (!finish.suffix.empty()) {
        return rename_beneath(
            directory,
            {.from = part_name(place.name, finish.suffix), .to = name, .replaces = replaces});
    }
    const auto link = [&](const std::string& to) {
        return ::linkat(AT_FDCWD, path_of(finish.part_fd).c_str(), directory, to.c_str(),
                        AT_SYMLINK_FOLLOW) == 0;
    };
    if (link(name)) return {};
    if (errno != EEXIST || !replaces) return disk_failure();
    // Only a rename replaces. The number of the file is a name that nobody else has.
    struct stat status{};
    if (::fstat(finish.part_fd, &status) != 0) return disk_failure();
    const std::string aside =
        part_name(place.name, fmt::format("{:08x}", status.st_ino & 0xffff'ffffU));
    if (!link(aside)) return disk_failure();
    auto done = rename_beneath(directory, {.from = aside, .to = name, .replaces = true});
    if (!done) ::unlinkat(directory, aside.c_str(), 0);
    return done;
}

Disk<UniqueFd> open_file(const Place& place, const std::string& name, int flags) {
    // O_NONBLOCK: a pipe of that name must not hold us up.
    auto fd = open_beneath(place.directory.get(), name, {.flags = flags | O_NONBLOCK | O_NOCTTY});
    if (!fd) return failure(fd.error());
    struct stat status{};
    if (::fstat(fd->get(), &status) != 0) return disk_failure();
    if (!S_ISREG(status.st_mode)) return failure(std::errc::invalid_argument);
    return fd;
}

}  // namespace

TargetDirectory::TargetDirectory(const std::filesystem::path& path) : umask_(umask_of_process()) {
    if (::mkdir(path.c_str(), 0777) != 0 && errno != EEXIST) throw_system("make", path);
    fd_ = UniqueFd{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (!fd_) throw_system("open the directory", path);
    if (::faccessat(fd_.get(), ".", W_OK | X_OK, AT_EACCESS) != 0) throw_system("write to", path);
    path_ = std::filesystem::canonical(path).string();
}

Disk<Place> TargetDirectory::place_of(std::string_view path, bool makes) const {
    auto components = components_of(path);
    const std::string name{components.back()};
    components.pop_back();
    auto directory = open_directory_beneath(fd_.get(), components, {.makes = makes});
    if (!directory) return failure(directory.error());
    return Place{.directory = std::move(*directory), .name = name};
}

Disk<void> TargetDirectory::make_directory(std::string_view path) const {
    const auto made = open_directory_beneath(fd_.get(), components_of(path), {.makes = true});
    if (!made) return failure(made.error());
    return {};
}

mode_t TargetDirectory::mode_of(const FileFacts& facts) const {
    return (facts.is_executable ? 0777U : 0666U) & ~umask_;
}

std::string part_name(std::string_view name, std::string_view suffix) {
    constexpr std::string_view kAround = "..part-";
    return fmt::format(".{}.part-{}", cut(name, kAround.size() + suffix.size()), suffix);
}

std::string renamed(std::string_view name, unsigned number) {
    const std::string mark = fmt::format(" ({})", number);
    const std::size_t dot = name.rfind('.');
    // A dot in front makes no extension, and a long one is none.
    constexpr std::size_t kExtensionMax = 16;
    const bool has_extension =
        dot != std::string_view::npos && dot > 0 && name.size() - dot <= kExtensionMax;
    const std::string_view extension = has_extension ? name.substr(dot) : std::string_view{};
    const std::string_view stem = name.substr(0, name.size() - extension.size());
    return fmt::format("{}{}{}", cut(stem, mark.size() + extension.size()), mark, extension);
}

Disk<UniqueFd> open_standing(const Place& place) {
    return open_file(place, place.name, O_RDONLY);
}

Disk<UniqueFd> make_part(const Place& place, std::string_view suffix) {
    return open_beneath(place.directory.get(), part_name(place.name, suffix),
                        {.flags = O_RDWR | O_CREAT | O_EXCL, .mode = kPartMode});
}

Disk<UniqueFd> open_part(const Place& place, std::string_view suffix) {
    auto fd = open_file(place, part_name(place.name, suffix), O_RDWR);
    if (!fd) return fd;
    struct stat status{};
    if (::fstat(fd->get(), &status) != 0) return disk_failure();
    const bool is_ours = status.st_uid == ::geteuid() && status.st_nlink == 1 &&
                         (status.st_mode & (S_IWGRP | S_IWOTH)) == 0;
    if (!is_ours) return failure(std::errc::invalid_argument);
    return fd;
}

void remove_part(const Place& place, std::string_view suffix) {
    ::unlinkat(place.directory.get(), part_name(place.name, suffix).c_str(), 0);
}

Disk<UniqueFd> make_unnamed(const Place& place) {
    auto fd =
        open_beneath(place.directory.get(), ".", {.flags = O_RDWR | O_TMPFILE, .mode = kPartMode});
    if (fd && ::access(path_of(fd->get()).c_str(), F_OK) != 0) return disk_failure();
    return fd;
}

bool has_room(const Place& place, std::uint64_t bytes) {
    struct statvfs status{};
    if (::fstatvfs(place.directory.get(), &status) != 0) return true;  // The write will tell.
    const std::uint64_t free = std::uint64_t{status.f_bavail} * status.f_frsize;
    return free >= bytes + std::max(kSpareBytes, bytes / 100);
}

Disk<void> reserve(int fd, std::uint64_t bytes) {
    // Not posix_fallocate: where the file system cannot, that writes all of it.
    int done = 0;
    do {
        done = ::fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(bytes));
    } while (done != 0 && errno == EINTR);
    if (done == 0) return {};
    const int error = errno;
    const bool is_final = error == ENOSPC || error == EDQUOT || error == EFBIG;
    if (!is_final) return {};
    // Gives back what it got before it failed.
    struct stat status{};
    if (::fstat(fd, &status) == 0 && ::ftruncate(fd, status.st_size) != 0) return disk_failure();
    return failure(static_cast<std::errc>(error));
}

std::uint64_t reserved(int fd) {
    constexpr std::uint64_t kBlock = 512;  // stat(2): st_blocks, whatever st_blksize says
    struct stat status{};
    return ::fstat(fd, &status) == 0 ? static_cast<std::uint64_t>(status.st_blocks) * kBlock : 0;
}

void write_back(int fd, std::uint32_t index) {
    const auto at = [](std::uint32_t chunk) { return static_cast<off_t>(chunk_offset(chunk)); };
    ::sync_file_range(fd, at(index), kChunkBytes, SYNC_FILE_RANGE_WRITE);
    if (index < kUnwrittenChunks) return;
    ::sync_file_range(
        fd, at(index - kUnwrittenChunks), kChunkBytes,
        SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER);
}

void begin_sync(int fd) {
    ::sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
}

Disk<std::string> name_file(const Place& place, const Finish& finish) {
    const int fd = finish.part_fd;
    if (::fchmod(fd, finish.mode) != 0) return disk_failure();
    timespec keep{};
    keep.tv_nsec = UTIME_OMIT;
    const std::array<timespec, 2> times{keep, time_of(finish.facts.mtime)};
    // A file system may not keep such a time; the file is whole all the same.
    static_cast<void>(::futimens(fd, times.data()));
    std::string name = place.name;
    auto done = put(place, finish, name);
    for (unsigned number = 1; !done && done.error() == std::errc::file_exists &&
                              finish.conflict == ConflictPolicy::kRename && number < kRenamesMax;
         ++number) {
        name = renamed(place.name, number);
        done = put(place, finish, name);
    }
    if (!done) return failure(done.error());
    return name;
}

}  // namespace pinhole::peer::files
