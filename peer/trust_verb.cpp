#include "peer/trust_verb.hpp"

#include <cstdio>

#include <fmt/format.h>

#include "peer/text_sanitizer.hpp"
#include "peer/trust_store.hpp"
#include "peer/verification_words.hpp"
#include "shared/crypto/sodium.hpp"
#include "shared/net/clock.hpp"
#include "shared/net/key_file.hpp"
#include "shared/net/state_dir.hpp"

namespace pinhole::peer {
namespace {

void list(const TrustStore& store) {
    for (const auto& [name, known] : store.known().peers) {
        fmt::print("{} {} {} at {}\n", name.id, known.key, known.first_seen,
                   name.server.to_string(crypto::kServerKeyPrefix));
    }
    for (const auto& [via, known] : store.known().servers) {
        fmt::print("{} {} {}\n", via, known.key.to_string(crypto::kServerKeyPrefix),
                   known.first_seen);
    }
}

/// The one entry that `word` means, or a line on stderr that says why there is none.
std::optional<PeerName> find_one(const KnownKeys& known, const std::string& word) {
    const auto found = known.peers_called(word);
    if (found.size() == 1) return found.front();
    if (found.empty()) {
        fmt::print(stderr, "peer: no key of '{}' is known\nlook: peer trust list\n",
                   sanitized(word));
        return std::nullopt;
    }
    fmt::print(stderr, "peer: '{}' is known at several servers; give the whole name:\n",
               sanitized(word));
    for (const PeerName& name : found) fmt::print(stderr, "  {}\n", name.to_string());
    return std::nullopt;
}

/// The name under which a rendezvous is kept; nothing when none is meant.
std::optional<std::string> known_server(const KnownKeys& known, const std::string& word) {
    if (known.servers.contains(word)) return word;
    if (word.find_first_of(" @") != std::string::npos) return std::nullopt;
    try {
        const std::string via = canonical_via(word);
        if (known.servers.contains(via)) return via;
    } catch (const UsageError&) {
        return std::nullopt;  // No host at all: then it is no rendezvous either.
    }
    return std::nullopt;
}

ExitCode verify(const TrustStore& store, const std::string& word, const Id& self,
                const net::Environment& environment) {
    const auto name = find_one(store.known(), word);
    if (!name) return ExitCode::kOther;
    crypto::SystemRandom random;
    const auto identity = net::show_identity(
        net::identity_path(net::state_directory(environment), self.text()), random);
    const auto words = verification_words(identity.public_key, store.find_peer(*name)->key);
    fmt::print(stderr,
               "{0} runs: peer trust verify --id {0} {1}\n"
               "read these words to each other; if all are equal, nobody stands between you\n",
               name->id, self);
    for (std::size_t i = 0; i < words.size(); ++i) {
        fmt::print("{}{}", words[i], i % 4 == 3 ? "\n" : " ");
    }
    return ExitCode::kOk;
}

ExitCode remove(TrustStore& store, const std::string& word) {
    if (!store.known().peers_called(word).empty()) {
        const auto name = find_one(store.known(), word);
        if (!name) return ExitCode::kOther;
        store.update([&](KnownKeys& all) { all.peers.erase(*name); });
    } else if (const auto via = known_server(store.known(), word)) {
        store.update([&](KnownKeys& all) { all.servers.erase(*via); });
    } else {
        static_cast<void>(find_one(store.known(), word));
        return ExitCode::kOther;
    }
    fmt::print(stderr, "{} is forgotten; the next contact counts as the first\n", sanitized(word));
    return ExitCode::kOk;
}

ExitCode replace(TrustStore& store, const std::string& word, const std::string& key_text) {
    const std::string today = day_of(net::wall_now());
    if (const auto key = crypto::PublicKey::parse(key_text, crypto::kServerKeyPrefix)) {
        const std::string via = canonical_via(word);
        store.update([&](KnownKeys& all) {
            all.servers.insert_or_assign(via, KnownKey{.key = *key, .first_seen = today});
        });
    } else if (const auto peer_key = crypto::PublicKey::parse(key_text)) {
        const auto name = find_one(store.known(), word);
        if (!name) return ExitCode::kOther;
        store.update([&](KnownKeys& all) {
            all.peers.insert_or_assign(*name, KnownKey{.key = *peer_key, .first_seen = today});
        });
    } else {
        throw UsageError("KEY is pk: or rv: and 52 letters and digits");
    }
    fmt::print(stderr, "{} has the new key from now on\n", sanitized(word));
    return ExitCode::kOk;
}

}  // namespace

ExitCode run_trust(const Settings& settings, const net::Environment& environment) {
    const auto& given = settings.words();
    TrustStore store{net::state_directory(environment) / "known_peers"};
    if (given.empty() || (given.size() == 1 && given[0] == "list")) {
        list(store);
        return ExitCode::kOk;
    }
    if (given.size() == 2 && given[0] == "verify") {
        return verify(store, given[1], own_id(settings), environment);
    }
    if (given.size() == 2 && given[0] == "remove") return remove(store, given[1]);
    if (given.size() == 3 && given[0] == "replace") return replace(store, given[1], given[2]);
    throw UsageError("trust takes: list | verify PEER | remove PEER | replace PEER KEY");
}

}  // namespace pinhole::peer
