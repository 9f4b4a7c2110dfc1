// The verb `id`: who am I?
#pragma once

#include "peer/exit_code.hpp"
#include "peer/options.hpp"

namespace pinhole::peer {

/// Shows the name and its key, which is made when there is none; with --new-psk writes a group's
/// key instead. Throws UsageError and what key files throw.
[[nodiscard]] ExitCode run_id(const cxxopts::ParseResult& words,
                              const net::Environment& environment);

}  // namespace pinhole::peer
