#include "peer/trust_store.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/net/state_dir.hpp"
#include "shared/net/unique_fd.hpp"

namespace pinhole::peer {
namespace {

namespace fs = std::filesystem;
using net::UniqueFd;

constexpr std::string_view kFirstLine = "pinhole known peers 1";

[[noreturn]] void throw_system(std::string_view what, const fs::path& path) {
    throw std::system_error(errno, std::generic_category(),
                            fmt::format("cannot {} {}", what, path.string()));
}

std::vector<std::string_view> words_of(std::string_view line) {
    std::vector<std::string_view> words;
    while (!line.empty()) {
        const std::size_t end = std::min(line.find(' '), line.size());
        if (end > 0) words.push_back(line.substr(0, end));
        line.remove_prefix(std::min(end + 1, line.size()));
    }
    return words;
}

bool is_day(std::string_view text) {
    if (text.size() != 10) return false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool is_dash = i == 4 || i == 7;
        if (is_dash ? text[i] != '-' : (text[i] < '0' || text[i] > '9')) return false;
    }
    return true;
}

/// False when the line is no entry.
bool read_line(std::string_view line, KnownKeys& out) {
    const auto words = words_of(line);
    if (words.size() != 4 || !is_day(words[3])) return false;
    const bool is_peer = words[0] == "peer";
    if (!is_peer && words[0] != "server") return false;
    const auto key = crypto::PublicKey::parse(
        words[2], is_peer ? crypto::kPeerKeyPrefix : crypto::kServerKeyPrefix);
    if (!key) return false;
    const KnownKey known{.key = *key, .first_seen = std::string{words[3]}};
    if (!is_peer) return out.servers.emplace(words[1], known).second;
    const auto name = PeerName::parse(words[1]);
    return name && out.peers.emplace(*name, known).second;
}

std::string read_file(const fs::path& path) {
    const UniqueFd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)};
    if (!fd && errno == ENOENT) return {};
    if (!fd) throw_system("open", path);
    struct stat status{};
    if (::fstat(fd.get(), &status) != 0) throw_system("inspect", path);
    if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        throw std::runtime_error(fmt::format(
            "others may write to {0}, so they could have planted a key; look through it and "
            "then run: chmod 600 {0}",
            path.string()));
    }
    std::string text;
    std::array<char, 4096> chunk{};
    while (true) {
        const ssize_t got = ::read(fd.get(), chunk.data(), chunk.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) throw_system("read", path);
        if (got == 0) return text;
        text.append(chunk.data(), static_cast<std::size_t>(got));
    }
}

void write_all(const UniqueFd& fd, std::string_view text, const fs::path& path) {
    while (!text.empty()) {
        const ssize_t done = ::write(fd.get(), text.data(), text.size());
        if (done < 0 && errno == EINTR) continue;
        if (done < 0) throw_system("write", path);
        text.remove_prefix(static_cast<std::size_t>(done));
    }
    if (::fsync(fd.get()) != 0) throw_system("sync", path);
}

/// Replaces `path` at once: a reader sees the old file or the new one. The caller holds the lock,
/// so the name of the new file is its own.
void replace_file(const fs::path& path, std::string_view text) {
    const fs::path fresh = path.string() + ".new";
    {
        const UniqueFd fd{::open(fresh.c_str(),
                                 O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
                                 S_IRUSR | S_IWUSR)};
        if (!fd) throw_system("create", fresh);
        write_all(fd, text, fresh);
    }
    if (::rename(fresh.c_str(), path.c_str()) != 0) throw_system("replace", path);
    const UniqueFd directory{
        ::open(path.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (!directory || ::fsync(directory.get()) != 0) throw_system("sync", path.parent_path());
}

/// Held by whoever changes the file; a lock on the file itself would go with the old file.
UniqueFd lock_beside(const fs::path& path) {
    const fs::path name = path.string() + ".lock";
    UniqueFd fd{::open(name.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR)};
    if (!fd) throw_system("open", name);
    while (::flock(fd.get(), LOCK_EX) != 0) {
        if (errno != EINTR) throw_system("lock", name);
    }
    return fd;
}

}  // namespace

std::string PeerName::to_string() const {
    return fmt::format("{}@{}", id, server.to_string(crypto::kServerKeyPrefix));
}

std::optional<PeerName> PeerName::parse(std::string_view text) {
    const std::size_t at = text.find('@');
    if (at == std::string_view::npos) return std::nullopt;
    const auto id = Id::parse(text.substr(0, at));
    const auto server = crypto::PublicKey::parse(text.substr(at + 1), crypto::kServerKeyPrefix);
    if (!id || !server) return std::nullopt;
    return PeerName{.id = *id, .server = *server};
}

std::string KnownKeys::to_text() const {
    std::string out{kFirstLine};
    out += '\n';
    for (const auto& [name, known] : peers) {
        out += fmt::format("peer {} {} {}\n", name.to_string(), known.key, known.first_seen);
    }
    for (const auto& [via, known] : servers) {
        out += fmt::format("server {} {} {}\n", via, known.key.to_string(crypto::kServerKeyPrefix),
                           known.first_seen);
    }
    return out;
}

KnownKeys KnownKeys::parse(std::string_view text, const std::string& where) {
    KnownKeys out;
    int number = 0;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        const std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        ++number;
        if (number == 1 && line != kFirstLine) {
            throw TrustStoreError(
                fmt::format("{}:1: this is no list of known peers of ours", where));
        }
        if (number == 1 || line.empty() || line.starts_with('#')) continue;
        if (!read_line(line, out)) {
            throw TrustStoreError(fmt::format(
                "{}:{}: not understood, or a name that is there twice; correct or remove that line",
                where, number));
        }
    }
    return out;
}

std::vector<PeerName> KnownKeys::peers_called(std::string_view word) const {
    std::vector<PeerName> out;
    const auto whole = PeerName::parse(word);
    const auto id = Id::parse(word);
    for (const auto& [name, known] : peers) {
        if ((whole && name == *whole) || (id && name.id == *id)) out.push_back(name);
    }
    return out;
}

TrustStore::TrustStore(fs::path file)
    : file_(std::move(file)), known_(KnownKeys::parse(read_file(file_), file_.string())) {}

const KnownKey* TrustStore::find_peer(const PeerName& name) const {
    const auto found = known_.peers.find(name);
    return found == known_.peers.end() ? nullptr : &found->second;
}

const KnownKey* TrustStore::find_server(const std::string& via) const {
    const auto found = known_.servers.find(via);
    return found == known_.servers.end() ? nullptr : &found->second;
}

const KnownKey& TrustStore::remember_peer(const PeerName& name, const crypto::PublicKey& key,
                                          WallTime today) {
    update([&](KnownKeys& all) {
        all.peers.try_emplace(name, KnownKey{.key = key, .first_seen = day_of(today)});
    });
    return known_.peers.at(name);
}

const KnownKey& TrustStore::remember_server(const std::string& via, const crypto::PublicKey& key,
                                            WallTime today) {
    update([&](KnownKeys& all) {
        all.servers.try_emplace(via, KnownKey{.key = key, .first_seen = day_of(today)});
    });
    return known_.servers.at(via);
}

void TrustStore::update(const std::function<void(KnownKeys&)>& change) {
    net::make_private_directory(file_.parent_path());
    const UniqueFd lock = lock_beside(file_);
    KnownKeys fresh = KnownKeys::parse(read_file(file_), file_.string());
    change(fresh);
    replace_file(file_, fresh.to_text());
    known_ = std::move(fresh);
}

std::string day_of(WallTime at) {
    const std::chrono::year_month_day day{std::chrono::floor<std::chrono::days>(at)};
    return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(day.year()),
                       static_cast<unsigned>(day.month()), static_cast<unsigned>(day.day()));
}

}  // namespace pinhole::peer
