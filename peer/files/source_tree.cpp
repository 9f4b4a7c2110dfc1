#include "peer/files/source_tree.hpp"

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <chrono>
#include <memory>
#include <ratio>
#include <set>
#include <stdexcept>

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "peer/text_sanitizer.hpp"
#include "shared/base/cursor.hpp"
#include "shared/crypto/digest.hpp"

namespace pinhole::peer::files {
namespace {

constexpr int kReadFlags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;

struct DirectoryCloser {
    void operator()(DIR* directory) const { ::closedir(directory); }
};
using DirectoryHandle = std::unique_ptr<DIR, DirectoryCloser>;

std::int64_t mtime_of(const struct stat& status) {
    return std::int64_t{status.st_mtim.tv_sec} * std::nano::den + status.st_mtim.tv_nsec;
}

[[noreturn]] void throw_system(const std::filesystem::path& path) {
    throw std::system_error(errno, std::generic_category(),
                            fmt::format("cannot send {}", sanitized(path.string())));
}

/// The names in an open directory, in order; nothing when it cannot be read.
std::optional<std::vector<std::string>> names_in(int directory) {
    const int fd = ::fcntl(directory, F_DUPFD_CLOEXEC, 0);
    const DirectoryHandle handle{fd < 0 ? nullptr : ::fdopendir(fd)};
    if (!handle) {
        if (fd >= 0) ::close(fd);
        return std::nullopt;
    }
    std::vector<std::string> out;
    while (const dirent* found = ::readdir(handle.get())) {
        const std::string_view name{static_cast<const char*>(found->d_name)};
        if (name != "." && name != "..") out.emplace_back(name);
    }
    std::ranges::sort(out);
    return out;
}

/// The name that the file has where it stands, of "." and "a/.." too.
std::string name_of(const std::filesystem::path& path) {
    const std::filesystem::path normal = path.lexically_normal();
    const std::filesystem::path named = normal.has_filename() ? normal : normal.parent_path();
    return named.filename().string();
}

/// What an offer of the entry says, after what was listed before it.
Hash listed_after(const Hash& before, const SourceEntry& entry) {
    ByteVector bytes(sizeof before + 1 + 1 + 8 + 8 + entry.path.size());
    Writer{bytes}
        .bytes(before)
        .u8(static_cast<std::uint8_t>(entry.kind))
        .u8(entry.is_executable ? 1 : 0)
        .u64(entry.size)
        .u64(static_cast<std::uint64_t>(entry.mtime))
        .bytes(as_bytes(entry.path));
    return crypto::blake2b("Pinhole manifest", {}, bytes);
}

}  // namespace

bool SourceFile::read(std::uint64_t offset, MutableBytes out) const {
    const auto got = read_at(fd_.get(), out, offset);
    return got && *got == out.size();
}

bool SourceFile::is_unchanged() const {
    struct stat status{};
    return ::fstat(fd_.get(), &status) == 0 && S_ISREG(status.st_mode) &&
           static_cast<std::uint64_t>(status.st_size) == size_ && mtime_of(status) == mtime_;
}

/// Lists what lies below one of the user's words.
class SourceTree::Walk {
  public:
    Walk(SourceTree& source, std::uint32_t root) : source_(source), root_(root) {}

    void directory(const UniqueFd& fd, const std::string& path) {
        const auto names = names_in(fd.get());
        if (!names) return leave_out(path, std::generic_category().message(errno));
        if (names->empty()) return add({.path = path, .kind = EntryKind::kDirectory});
        for (const std::string& name : *names) entry(fd, name, path + "/" + name);
    }

    void file(const struct stat& status, const std::string& path) {
        if (static_cast<std::uint64_t>(status.st_size) > kFileBytesMax) {
            return leave_out(path, "it is too large");
        }
        add({.path = path,
             .size = static_cast<std::uint64_t>(status.st_size),
             .mtime = mtime_of(status),
             .is_executable = (status.st_mode & S_IXUSR) != 0});
    }

  private:
    void entry(const UniqueFd& above, const std::string& name, const std::string& path) {
        struct stat status{};
        if (::fstatat(above.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
            return leave_out(path, std::generic_category().message(errno));
        }
        if (const auto fault = fault_of_path(path, true)) {
            return leave_out(path, std::string{sentence_of(*fault)});
        }
        if (S_ISLNK(status.st_mode)) return leave_out(path, "it is a symbolic link");
        if (S_ISREG(status.st_mode)) return file(status, path);
        if (!S_ISDIR(status.st_mode)) return leave_out(path, "it is neither file nor directory");
        const auto below =
            open_beneath(above.get(), name, {.flags = O_RDONLY | O_DIRECTORY, .crosses = true});
        if (!below) return leave_out(path, std::make_error_code(below.error()).message());
        directory(*below, path);  // No deeper than `kDepthMax`: a longer path has a fault.
    }

    void add(SourceEntry entry) {
        if (source_.entries_.size() == kEntriesMax) {
            throw std::runtime_error(fmt::format(
                "more than {} files; send them in parts, or as an archive", kEntriesMax));
        }
        entry.root = root_;
        source_.entries_.push_back(std::move(entry));
    }

    void leave_out(const std::string& path, std::string why) {
        source_.left_out_.push_back({.path = path, .why = std::move(why)});
    }

    SourceTree& source_;
    std::uint32_t root_;
};

SourceTree::SourceTree(const std::vector<std::string>& words) {
    std::set<std::string> names;
    for (const std::string& word : words) {
        const std::filesystem::path path = std::filesystem::absolute(word);
        const std::string name = name_of(path);
        if (name.empty()) throw std::runtime_error("the root directory has no name to send");
        if (const auto fault = fault_of_component(name)) {
            throw std::runtime_error(
                fmt::format("cannot send {}: {}", sanitized(word), sentence_of(*fault)));
        }
        if (!names.insert(name).second) {
            throw std::runtime_error(
                fmt::format("two of the files are called {}; send them one by one", name));
        }
        const UniqueFd fd{::open(path.c_str(), kReadFlags)};
        struct stat status{};
        if (!fd || ::fstat(fd.get(), &status) != 0) throw_system(word);
        const auto root = static_cast<std::uint32_t>(roots_.size());
        roots_.push_back({.path = path, .name = name, .is_directory = S_ISDIR(status.st_mode)});
        if (S_ISDIR(status.st_mode)) {
            Walk{*this, root}.directory(fd, name);
        } else if (S_ISREG(status.st_mode)) {
            Walk{*this, root}.file(status, name);
        } else {
            throw std::runtime_error(
                fmt::format("cannot send {}: it is neither file nor directory", sanitized(word)));
        }
    }
    manifest_.emplace();
    for (const SourceEntry& entry : entries_) manifest_ = listed_after(*manifest_, entry);
}

SourceTree SourceTree::of_input(const std::string& name) {
    assert(!fault_of_component(name));
    SourceTree out;
    out.roots_.push_back({.path = {}, .name = name, .is_directory = false});
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    out.entries_.push_back(
        {.path = name,
         .size = kSizeUnknown,
         .mtime = std::chrono::duration_cast<std::chrono::nanoseconds>(now).count(),
         .is_input = true});
    return out;
}

std::optional<SourceFile> SourceTree::open(const SourceEntry& entry) const {
    const Root& root = roots_[entry.root];
    UniqueFd fd{::open(root.path.c_str(), kReadFlags)};
    if (!fd) return std::nullopt;
    if (root.is_directory) {
        auto components = components_of(std::string_view{entry.path}.substr(root.name.size() + 1));
        const std::string name{components.back()};
        components.pop_back();
        const auto directory = open_directory_beneath(fd.get(), components, {.crosses = true});
        if (!directory) return std::nullopt;
        auto below = open_beneath(directory->get(), name, {.flags = kReadFlags, .crosses = true});
        if (!below) return std::nullopt;
        fd = std::move(*below);
    }
    SourceFile file{std::move(fd), entry.size, entry.mtime};
    if (!file.is_unchanged()) return std::nullopt;
    return file;
}

}  // namespace pinhole::peer::files
