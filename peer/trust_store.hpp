// The keys that we know: of peers, each at one rendezvous server, and of the servers themselves.
//
// Lives in one file that a person can read, 0600, replaced as a whole:
//
//     pinhole known peers 1
//     peer alice@rv:<52 characters> pk:<52 characters> 2026-05-17
//     server vps.example:3478 rv:<52 characters> 2026-05-17
//
// Every change is made under a lock and on the newest file, so that several processes of one user
// can learn at the same time. It never replaces a key by itself: that is the user's word.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "shared/base/time.hpp"
#include "shared/crypto/keys.hpp"
#include "shared/wire/id.hpp"

namespace pinhole::peer {

using wire::Id;

/// A key and the day on which it was met first, as YYYY-MM-DD.
struct KnownKey {
    crypto::PublicKey key;
    std::string first_seen;

    friend bool operator==(const KnownKey&, const KnownKey&) = default;
};

/// A peer's name: the same id at another server is somebody else.
struct PeerName {
    Id id;
    crypto::PublicKey server;

    friend auto operator<=>(const PeerName&, const PeerName&) = default;
    /// "alice@rv:..."
    [[nodiscard]] std::string to_string() const;
    [[nodiscard]] static std::optional<PeerName> parse(std::string_view text);
};

/// The file says something that we do not understand. The text names the line.
class TrustStoreError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

/// The content of the file as values.
struct KnownKeys {
    std::map<PeerName, KnownKey> peers;
    /// By `host:port` as the user wrote it.
    std::map<std::string, KnownKey> servers;

    [[nodiscard]] std::string to_text() const;
    /// Throws TrustStoreError; `where` names the file.
    [[nodiscard]] static KnownKeys parse(std::string_view text, const std::string& where);

    /// What a user means by `word`: a whole name, or an id that is known at one server or more.
    [[nodiscard]] std::vector<PeerName> peers_called(std::string_view word) const;
};

class TrustStore {
  public:
    /// Reads the file; a missing one is empty. Throws TrustStoreError, std::system_error, and
    /// std::runtime_error when others could write to it.
    explicit TrustStore(std::filesystem::path file);

    /// As last read or written.
    [[nodiscard]] const KnownKeys& known() const { return known_; }
    [[nodiscard]] const KnownKey* find_peer(const PeerName& name) const;
    [[nodiscard]] const KnownKey* find_server(const std::string& via) const;

    /// Keeps a key that was met today, unless one is known already (another process was faster, or
    /// we were wrong): then that one stays and is returned.
    const KnownKey& remember_peer(const PeerName& name, const crypto::PublicKey& key,
                                  WallTime today);
    const KnownKey& remember_server(const std::string& via, const crypto::PublicKey& key,
                                    WallTime today);

    /// Reads the file anew, applies `change` and writes it, as one step among processes.
    void update(const std::function<void(KnownKeys&)>& change);

    [[nodiscard]] const std::filesystem::path& file() const { return file_; }

  private:
    std::filesystem::path file_;
    KnownKeys known_;
};

/// YYYY-MM-DD, in UTC.
[[nodiscard]] std::string day_of(WallTime at);

}  // namespace pinhole::peer
