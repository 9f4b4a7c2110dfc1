// The only place that reads a clock. Everything else is handed `Instant` and `WallTime` as values.
#pragma once

#include "shared/base/time.hpp"

namespace pinhole::net {

/// Microseconds since boot on CLOCK_BOOTTIME, which keeps counting while the machine is suspended:
/// after a resume every deadline that passed in the meantime is due, and NAT mappings did age.
[[nodiscard]] Instant now();

/// Wall time. May jump; never a deadline.
[[nodiscard]] WallTime wall_now();

}  // namespace pinhole::net
