#include "shared/net/key_file.hpp"

#include <cerrno>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/net/state_dir.hpp"

namespace pinhole::net {
namespace {

namespace fs = std::filesystem;

/// More than any key file holds; a longer file is none.
constexpr std::size_t kKeyFileBytesMax = 512;

[[noreturn]] void throw_system(std::string_view what, const fs::path& path) {
    throw std::system_error(errno, std::generic_category(),
                            fmt::format("cannot {} {}", what, path.string()));
}

/// The content of a key file, wiped when it dies.
struct Content {
    crypto::SecretBytes<kKeyFileBytesMax> storage;
    std::size_t size = 0;

    [[nodiscard]] std::string_view text() const { return as_text(storage.bytes().first(size)); }
};

/// Opens an existing file without following a link; nothing when there is none.
UniqueFd open_existing(const fs::path& path) {
    // Writable where possible: over NFS a lock needs it. Nothing is written.
    UniqueFd fd{::open(path.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)};
    if (!fd && (errno == EACCES || errno == EROFS)) {
        fd = UniqueFd{::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)};
    }
    if (fd || errno == ENOENT) return fd;
    if (errno == ELOOP) {
        throw KeyFileError(
            fmt::format("{} is a symbolic link; a key must be a file of its own", path.string()));
    }
    throw_system("open", path);
}

void refuse_shared(const UniqueFd& fd, const fs::path& path) {
    struct stat status{};
    if (::fstat(fd.get(), &status) != 0) throw_system("inspect", path);
    if (!S_ISREG(status.st_mode)) {
        throw KeyFileError(
            fmt::format("{0} is not a regular file, as a key must be. See what it is: ls -l {0}",
                        path.string()));
    }
    if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        throw KeyFileError(fmt::format(
            "others may open {0} (mode {1:04o}), so its secret may be known already; if you trust "
            "everybody who could read it, run: chmod 600 {0}",
            path.string(), status.st_mode & 07777U));
    }
}

Content read_all(const UniqueFd& fd, const fs::path& path) {
    Content out;
    const MutableBytes storage = out.storage.mutable_bytes();
    while (out.size < storage.size()) {
        const ssize_t got = ::read(fd.get(), storage.data() + out.size, storage.size() - out.size);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) throw_system("read", path);
        if (got == 0) break;
        out.size += static_cast<std::size_t>(got);
    }
    return out;
}

[[noreturn]] void throw_unreadable(const fs::path& path, crypto::KeyTextError error,
                                   std::string_view advice) {
    throw KeyFileError(fmt::format("{} {}; {}", path.string(), crypto::describe(error), advice));
}

void write_all(const UniqueFd& fd, Bytes bytes, const fs::path& path) {
    while (!bytes.empty()) {
        const ssize_t done = ::write(fd.get(), bytes.data(), bytes.size());
        if (done < 0 && errno == EINTR) continue;
        if (done < 0) throw_system("write", path);
        bytes = bytes.subspan(static_cast<std::size_t>(done));
    }
    if (::fsync(fd.get()) != 0) throw_system("sync", path);
}

void sync_directory(const fs::path& directory) {
    const UniqueFd fd{::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (!fd || ::fsync(fd.get()) != 0) throw_system("sync", directory);
}

/// A file that is removed when its name is no longer needed, whatever happens.
class TemporaryName {
  public:
    explicit TemporaryName(fs::path path) : path_(std::move(path)) {}
    TemporaryName(const TemporaryName&) = delete;
    TemporaryName& operator=(const TemporaryName&) = delete;
    ~TemporaryName() { ::unlink(path_.c_str()); }

    [[nodiscard]] const fs::path& path() const { return path_; }

  private:
    fs::path path_;
};

fs::path directory_of(const fs::path& path) {
    return path.has_parent_path() ? path.parent_path() : fs::path{"."};
}

/// Makes `path` with `text` inside, at once and for good. False when it exists already.
bool create_file(const fs::path& path, const crypto::KeyText& text, Random& random) {
    make_private_directory(directory_of(path));
    const fs::path name{fmt::format("{}.{:016x}.new", path.string(), random.u64())};
    const UniqueFd fd{::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                             S_IRUSR | S_IWUSR)};
    if (!fd) throw_system("create", name);
    const TemporaryName temporary{name};
    write_all(fd, text.bytes(), name);
    // A link and not a rename: a rename would silently replace the key that another process has
    // made since we looked.
    if (::link(name.c_str(), path.c_str()) != 0) {
        if (errno == EEXIST) return false;
        throw_system("create", path);
    }
    sync_directory(directory_of(path));
    return true;
}

void lock(const UniqueFd& fd, const fs::path& path) {
    if (::flock(fd.get(), LOCK_EX | LOCK_NB) == 0) return;
    if (errno == EWOULDBLOCK) {
        throw IdentityInUse(fmt::format(
            "another process uses the identity {}; end it, or choose another id", path.string()));
    }
    throw_system("lock", path);
}

struct OpenIdentity {
    UniqueFd fd;
    bool is_new = false;
};

OpenIdentity open_or_create(const fs::path& path, Random& random) {
    OpenIdentity out{.fd = open_existing(path)};
    if (!out.fd) {
        const auto fresh = crypto::KeyPair::generate(random);
        out.is_new = create_file(path, crypto::encode_identity(fresh.secret), random);
        out.fd = open_existing(path);
        if (!out.fd) throw_system("open", path);
    }
    refuse_shared(out.fd, path);
    return out;
}

crypto::KeyPair read_identity(const UniqueFd& fd, const fs::path& path) {
    auto secret = crypto::decode_identity(read_all(fd, path).text());
    if (!secret) {
        throw_unreadable(path, secret.error(),
                         fmt::format("restore it from a copy, or move it away (mv {0} {0}.bad) to "
                                     "get a new identity, which others must learn to trust",
                                     path.string()));
    }
    return crypto::KeyPair::from_secret(std::move(*secret));
}

}  // namespace

IdentityFile IdentityFile::load_or_create(const fs::path& path, Random& random) {
    OpenIdentity file = open_or_create(path, random);
    lock(file.fd, path);
    auto keys = read_identity(file.fd, path);
    return {std::move(file.fd), std::move(keys), file.is_new};
}

ShownIdentity show_identity(const fs::path& path, Random& random) {
    const OpenIdentity file = open_or_create(path, random);
    return {.public_key = read_identity(file.fd, path).public_key, .is_new = file.is_new};
}

crypto::Psk load_group_key(const fs::path& path) {
    const UniqueFd fd = open_existing(path);
    if (!fd) throw_system("open", path);
    refuse_shared(fd, path);
    auto psk = crypto::decode_psk(read_all(fd, path).text());
    if (!psk) throw_unreadable(path, psk.error(), "get it anew from a member of the group");
    return std::move(*psk);
}

void create_group_key(const fs::path& path, Random& random) {
    const auto psk = crypto::Psk::random(random);
    if (create_file(path, crypto::encode_psk(psk), random)) return;
    throw KeyFileError(
        fmt::format("{} exists already and is not replaced; name another file, or move it away",
                    path.string()));
}

}  // namespace pinhole::net
