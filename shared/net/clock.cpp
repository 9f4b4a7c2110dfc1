#include "shared/net/clock.hpp"

#include <cassert>

#include <time.h>

namespace pinhole::net {

Instant now() {
    timespec spec{};
    const int failed = ::clock_gettime(CLOCK_BOOTTIME, &spec);
    assert(failed == 0);
    return Instant{std::chrono::floor<Duration>(std::chrono::seconds{spec.tv_sec} +
                                                std::chrono::nanoseconds{spec.tv_nsec})};
}

WallTime wall_now() {
    return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

}  // namespace pinhole::net
