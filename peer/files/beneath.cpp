#include "peer/files/beneath.hpp"

#include <cerrno>

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace pinhole::peer::files {
namespace {

constexpr mode_t kDirectoryMode = 0777;  // less the umask

/// openat2(2) of Linux 5.6; glibc 2.36 has no function for it.
int open_resolved(int directory, const std::string& name, const OpenWay& way) {
    open_how how{};
    how.flags = static_cast<std::uint64_t>(way.flags);
    how.mode = way.mode;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
    if (!way.crosses) how.resolve |= RESOLVE_NO_XDEV;
    long fd = 0;
    do {
        fd = ::syscall(SYS_openat2, directory, name.c_str(), &how, sizeof how);
        // EAGAIN: a rename elsewhere made the walk uncertain; the next one is a new try.
    } while (fd < 0 && (errno == EINTR || errno == EAGAIN));
    return static_cast<int>(fd);
}

/// The same without openat2: one component cannot lead away once it is no link.
int open_plain(int directory, const std::string& name, const OpenWay& way) {
    const int fd = ::openat(directory, name.c_str(), way.flags | O_NOFOLLOW, way.mode);
    if (fd < 0 || way.crosses) return fd;
    struct stat above{};
    struct stat opened{};
    if (::fstat(directory, &above) == 0 && ::fstat(fd, &opened) == 0 &&
        above.st_dev == opened.st_dev) {
        return fd;
    }
    ::close(fd);
    errno = EXDEV;
    return -1;
}

}  // namespace

auto disk_failure() -> decltype(failure(std::errc{})) {
    return failure(static_cast<std::errc>(errno));
}

Disk<UniqueFd> open_beneath(int directory, const std::string& name, const OpenWay& way) {
    OpenWay closed = way;
    closed.flags |= O_CLOEXEC;
    int fd = open_resolved(directory, name, closed);
    // ENOSYS: an older kernel. EPERM: some containers forbid what they do not know.
    if (fd < 0 && (errno == ENOSYS || errno == EPERM)) fd = open_plain(directory, name, closed);
    if (fd < 0) return disk_failure();
    return UniqueFd{fd};
}

Disk<UniqueFd> open_directory_beneath(int directory,
                                      const std::vector<std::string_view>& components,
                                      const DirectoryWay& way) {
    UniqueFd at{::fcntl(directory, F_DUPFD_CLOEXEC, 0)};
    if (!at) return disk_failure();
    for (const std::string_view component : components) {
        const std::string name{component};
        const OpenWay open{.flags = O_RDONLY | O_DIRECTORY, .crosses = way.crosses};
        auto next = open_beneath(at.get(), name, open);
        if (!next && next.error() == std::errc::no_such_file_or_directory && way.makes) {
            const bool is_new = ::mkdirat(at.get(), name.c_str(), kDirectoryMode) == 0;
            if (!is_new && errno != EEXIST) return disk_failure();
            // What is stored below it must not vanish with its name.
            if (is_new) static_cast<void>(::fsync(at.get()));
            next = open_beneath(at.get(), name, open);
        }
        if (!next) return failure(next.error());
        at = std::move(*next);
    }
    return at;
}

Disk<Standing> standing_at(int directory, const std::string& name) {
    struct stat status{};
    if (::fstatat(directory, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
        return disk_failure();
    }
    return Standing{.is_file = S_ISREG(status.st_mode),
                    .is_directory = S_ISDIR(status.st_mode),
                    .size = static_cast<std::uint64_t>(status.st_size)};
}

Disk<void> rename_beneath(int directory, const Renaming& renaming) {
    const char* const from = renaming.from.c_str();
    const char* const to = renaming.to.c_str();
    if (renaming.replaces) {
        if (::renameat(directory, from, directory, to) != 0) return disk_failure();
        return {};
    }
    if (::renameat2(directory, from, directory, to, RENAME_NOREPLACE) == 0) return {};
    if (errno != EINVAL && errno != ENOSYS) return disk_failure();
    // A file system that does not know the flag: a link does not replace either.
    if (::linkat(directory, from, directory, to, 0) != 0) return disk_failure();
    if (::unlinkat(directory, from, 0) != 0) return disk_failure();
    return {};
}

Disk<void> write_at(int fd, Bytes bytes, std::uint64_t offset) {
    while (!bytes.empty()) {
        const ssize_t done = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
        if (done < 0 && errno == EINTR) continue;
        if (done < 0) return disk_failure();
        bytes = bytes.subspan(static_cast<std::size_t>(done));
        offset += static_cast<std::uint64_t>(done);
    }
    return {};
}

Disk<std::size_t> read_at(int fd, MutableBytes out, std::uint64_t offset) {
    std::size_t done = 0;
    while (done < out.size()) {
        const ssize_t got =
            ::pread(fd, out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return disk_failure();
        if (got == 0) break;
        done += static_cast<std::size_t>(got);
    }
    return done;
}

}  // namespace pinhole::peer::files
