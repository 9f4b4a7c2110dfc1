#include "peer/files/partial.hpp"

#include <cerrno>
#include <charconv>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "peer/files/entry_name.hpp"
#include "peer/files/target_directory.hpp"
#include "shared/crypto/digest.hpp"
#include "shared/net/state_dir.hpp"

namespace pinhole::peer::files {
namespace {

constexpr std::string_view kHead = "pinhole partial 2 ";
constexpr std::size_t kSuffixSize = 8;
constexpr std::size_t kLengthSize = 5;
constexpr std::size_t kHeadSize = kHead.size() + kSuffixSize + 1 + kLengthSize + 1;
/// PATH_MAX, and the longest path of an offer.
constexpr std::size_t kPlaceMax = 4096 + kPathBytesMax;

std::string hexadecimal(Bytes bytes) {
    std::string out;
    for (const std::byte octet : bytes) out += fmt::format("{:02x}", octet);
    return out;
}

std::string random_suffix(Random& random) {
    return hexadecimal(random.bytes<kSuffixSize / 2>());
}

/// What the file says of the part file.
struct Where {
    std::string suffix;
    std::string place;
};

/// Nothing when the file is none of ours.
std::optional<Where> read_where(int fd) {
    FixedBytes<kHeadSize> bytes{};
    const auto got = read_at(fd, bytes, 0);
    const std::string_view head = as_text(bytes);
    if (!got || *got != kHeadSize || !head.starts_with(kHead) || !head.ends_with('\n')) {
        return std::nullopt;
    }
    const std::string_view suffix = head.substr(kHead.size(), kSuffixSize);
    if (suffix.find_first_not_of("0123456789abcdef") != suffix.npos) return std::nullopt;
    const std::string_view digits = head.substr(kHead.size() + kSuffixSize + 1, kLengthSize);
    std::size_t length = 0;
    const auto parsed = std::from_chars(digits.begin(), digits.end(), length);
    if (parsed.ptr != digits.end() || length > kPlaceMax) return std::nullopt;
    ByteVector place(length);
    const auto all = read_at(fd, place, kHeadSize);
    if (!all || *all != length) return std::nullopt;
    return Where{.suffix = std::string{suffix}, .place = std::string{as_text(place)}};
}

void remove_part_at(const Where& where) {
    const std::size_t end = where.place.find('\0');
    if (end == std::string::npos) return;
    const std::string_view path = std::string_view{where.place}.substr(end + 1);
    if (fault_of_path(path, true)) return;
    const UniqueFd top{
        ::open(where.place.substr(0, end).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (!top) return;
    auto components = components_of(path);
    const std::string name{components.back()};
    components.pop_back();
    auto directory = open_directory_beneath(top.get(), components, {});
    if (!directory) return;
    const Place place{.directory = std::move(*directory), .name = name};
    if (open_part(place, where.suffix)) remove_part(place, where.suffix);
}

bool is_locked(int fd) {
    return ::flock(fd, LOCK_EX | LOCK_NB) == 0;
}

/// The file may have been removed by who held it before us, between our opening and our lock.
bool is_still_there(int fd, const std::filesystem::path& path) {
    struct stat held{};
    struct stat named{};
    return ::fstat(fd, &held) == 0 && ::lstat(path.c_str(), &named) == 0 &&
           held.st_ino == named.st_ino && held.st_dev == named.st_dev;
}

}  // namespace

std::uint64_t Partial::offset_of(std::uint32_t index) const {
    return kHeadSize + place_.size() + std::uint64_t{index} * sizeof(Hash);
}

Disk<void> Partial::restart(Random& random) {
    suffix_ = random_suffix(random);
    if (::ftruncate(fd_.get(), 0) != 0) return disk_failure();
    const std::string head = fmt::format("{}{} {:05}\n{}", kHead, suffix_, place_.size(), place_);
    return write_at(fd_.get(), as_bytes(head), 0);
}

std::optional<Hash> Partial::hash_of(std::uint32_t index) const {
    Hash out{};
    const auto got = read_at(fd_.get(), out, offset_of(index));
    return got && *got == out.size() ? std::optional{out} : std::nullopt;
}

Disk<void> Partial::note(std::uint32_t index, const Hash& hash) {
    return write_at(fd_.get(), hash, offset_of(index));
}

Disk<void> Partial::keep(std::uint32_t chunks) {
    if (::ftruncate(fd_.get(), static_cast<off_t>(offset_of(chunks))) != 0) return disk_failure();
    return {};
}

void Partial::remove() {
    ::unlink(path_.c_str());
}

PartialStore::PartialStore(const std::filesystem::path& state, Random& random)
    : directory_(state / "partials"), random_(random) {
    net::make_private_directory(directory_);
}

Disk<Partial> PartialStore::open(const PartialName& name) {
    ByteVector words;
    for (const std::string_view word : {name.sender, name.directory, name.path}) {
        const Bytes bytes = as_bytes(word);
        words.insert(words.end(), bytes.begin(), bytes.end());
        words.push_back(std::byte{0});  // No word holds it.
    }
    const std::filesystem::path path =
        directory_ / hexadecimal(Bytes{crypto::blake2b("Pinhole partial", {}, words)}.first(16));

    UniqueFd fd{::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600)};
    if (!fd) return disk_failure();
    if (!is_locked(fd.get()) || !is_still_there(fd.get(), path)) {
        return failure(std::errc::device_or_resource_busy);
    }
    std::string place{name.directory};
    place.push_back('\0');
    place += name.path;
    const auto where = read_where(fd.get());
    Partial out{std::move(fd), path, std::move(place)};
    if (where && where->place == out.place_) {
        out.suffix_ = where->suffix;
    } else if (const auto begun = out.restart(random_); !begun) {
        return failure(begun.error());
    }
    return out;
}

std::size_t PartialStore::prune(std::filesystem::file_time_type since) {
    std::size_t count = 0;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator{directory_, error}) {
        if (entry.symlink_status(error).type() != std::filesystem::file_type::regular) continue;
        const auto written = entry.last_write_time(error);
        if (error || written >= since) continue;
        const std::string path = entry.path().string();
        const UniqueFd fd{::open(path.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC)};
        if (!fd || !is_locked(fd.get()) || !is_still_there(fd.get(), path)) continue;
        if (const auto where = read_where(fd.get())) remove_part_at(*where);
        if (::unlink(path.c_str()) == 0) ++count;
    }
    return count;
}

}  // namespace pinhole::peer::files
