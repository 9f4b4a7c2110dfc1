// Key files on disk: an identity that belongs to one process at a time, and a group's shared key.
//
// Directories are 0700 and files 0600; a file that others could read or write is refused, because
// its secret may be known already. A new key appears under its name complete and synced, or not at
// all. The text inside is `shared/crypto/key_text.hpp`'s.
#pragma once

#include <filesystem>
#include <stdexcept>

#include "shared/base/random.hpp"
#include "shared/crypto/key_text.hpp"
#include "shared/crypto/keys.hpp"
#include "shared/net/unique_fd.hpp"

namespace pinhole::net {

/// A key file cannot be used; the text says why and what to do about it.
class KeyFileError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

/// Another process uses this identity right now.
class IdentityInUse : public KeyFileError {
  public:
    using KeyFileError::KeyFileError;
};

/// An identity, locked (flock) for as long as this object lives. The lock dies with the process.
class IdentityFile {
  public:
    /// Reads the key at `path`; a missing one is made, with its directory. Throws IdentityInUse,
    /// KeyFileError for wrong permissions or a damaged file, std::system_error for the rest.
    [[nodiscard]] static IdentityFile load_or_create(const std::filesystem::path& path,
                                                     Random& random);

    [[nodiscard]] const crypto::KeyPair& keys() const { return keys_; }
    /// True when `load_or_create` had to make the key: the user is told about a new identity.
    [[nodiscard]] bool is_new() const { return is_new_; }

  private:
    IdentityFile(UniqueFd locked, crypto::KeyPair keys, bool is_new)
        : locked_(std::move(locked)), keys_(std::move(keys)), is_new_(is_new) {}

    UniqueFd locked_;
    crypto::KeyPair keys_;
    bool is_new_;
};

/// The public half of an identity, for show: nobody is kept from using it meanwhile.
struct ShownIdentity {
    crypto::PublicKey public_key;
    /// It had to be made.
    bool is_new = false;
};

/// As `IdentityFile::load_or_create`, but without the lock: also for one that another process uses.
[[nodiscard]] ShownIdentity show_identity(const std::filesystem::path& path, Random& random);

/// Reads a group's pre-shared key; the same rules, but no lock and nothing is made.
[[nodiscard]] crypto::Psk load_group_key(const std::filesystem::path& path);

/// Writes a fresh group key to `path`, which must not exist. Throws as above.
void create_group_key(const std::filesystem::path& path, Random& random);

}  // namespace pinhole::net
