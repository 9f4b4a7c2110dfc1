#include "peer/files/partial.hpp"

#include <cerrno>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/crypto/digest.hpp"
#include "shared/net/state_dir.hpp"

namespace pinhole::peer::files {
namespace {

constexpr std::string_view kHead = "pinhole partial 1 ";
constexpr std::size_t kSuffixSize = 8;
constexpr std::size_t kHeadSize = kHead.size() + kSuffixSize + 1;

std::string hexadecimal(Bytes bytes) {
    std::string out;
    for (const std::byte octet : bytes) out += fmt::format("{:02x}", octet);
    return out;
}

std::string random_suffix(Random& random) {
    return hexadecimal(random.bytes<kSuffixSize / 2>());
}

std::optional<std::string> suffix_of(std::string_view head) {
    if (!head.starts_with(kHead) || !head.ends_with('\n')) return std::nullopt;
    const std::string_view suffix = head.substr(kHead.size(), kSuffixSize);
    const bool is_hexadecimal = suffix.find_first_not_of("0123456789abcdef") == suffix.npos;
    return is_hexadecimal ? std::optional{std::string{suffix}} : std::nullopt;
}

std::uint64_t place_of(std::uint32_t index) {
    return kHeadSize + std::uint64_t{index} * sizeof(Hash);
}

/// The file may have been removed by who held it before us, between our opening and our lock.
bool is_still_there(int fd, const std::filesystem::path& path) {
    struct stat held{};
    struct stat named{};
    return ::fstat(fd, &held) == 0 && ::lstat(path.c_str(), &named) == 0 &&
           held.st_ino == named.st_ino && held.st_dev == named.st_dev;
}

}  // namespace

Disk<void> Partial::restart(Random& random) {
    suffix_ = random_suffix(random);
    if (::ftruncate(fd_.get(), 0) != 0) return disk_failure();
    return write_at(fd_.get(), as_bytes(fmt::format("{}{}\n", kHead, suffix_)), 0);
}

std::optional<Hash> Partial::hash_of(std::uint32_t index) const {
    Hash out{};
    const auto got = read_at(fd_.get(), out, place_of(index));
    return got && *got == out.size() ? std::optional{out} : std::nullopt;
}

Disk<void> Partial::note(std::uint32_t index, const Hash& hash) {
    return write_at(fd_.get(), hash, place_of(index));
}

Disk<void> Partial::keep(std::uint32_t chunks) {
    if (::ftruncate(fd_.get(), static_cast<off_t>(place_of(chunks))) != 0) return disk_failure();
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
    if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0 || !is_still_there(fd.get(), path)) {
        return failure(std::errc::device_or_resource_busy);
    }
    FixedBytes<kHeadSize> head{};
    const auto got = read_at(fd.get(), head, 0);
    if (!got) return failure(got.error());
    const auto suffix = *got == kHeadSize ? suffix_of(as_text(head)) : std::nullopt;
    Partial out{std::move(fd), path, suffix.value_or("")};
    if (!suffix) {
        if (const auto begun = out.restart(random_); !begun) return failure(begun.error());
    }
    return out;
}

}  // namespace pinhole::peer::files
