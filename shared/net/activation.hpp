// Sockets that whoever started us had open already: socket activation as systemd does it.
//
// So a program without privileges can listen on port 443. Follows the protocol of sd_listen_fds(3):
// LISTEN_PID names us, LISTEN_FDS says how many descriptors there are from 3 on.
#pragma once

#include <vector>

#include "shared/net/state_dir.hpp"
#include "shared/net/unique_fd.hpp"

namespace pinhole::net {

/// The listening TCP sockets that we were started with; empty when nobody passed any. To be called
/// once: the descriptors have one owner. Throws std::runtime_error when one of them is anything
/// else, because the operator meant something by it.
[[nodiscard]] std::vector<UniqueFd> take_activated_sockets(const Environment& environment);

}  // namespace pinhole::net
