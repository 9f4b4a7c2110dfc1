// The rendezvous of the benchmarks: the real server on its real driver and socket.
#pragma once

#include <filesystem>

#include "shared/base/endpoint.hpp"
#include "shared/crypto/keys.hpp"

namespace pinhole::bench {

/// The port that the benchmarks' rendezvous has.
inline constexpr std::uint16_t kServerPort = 34780;

/// Serves at `at` until the process ends, and answers STUN, for yardsticks. Ids are confirmed at
/// once and stored nowhere.
[[noreturn]] void serve(const Endpoint& at, const crypto::KeyPair& keys);

/// Serves as the program does, with its log going nowhere: key and ids lie in `state`, on a disk.
[[noreturn]] void serve_durably(const Endpoint& at, const std::filesystem::path& state);

}  // namespace pinhole::bench
