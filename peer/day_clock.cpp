#include "peer/day_clock.hpp"

#include <ctime>
#include <utility>

#include <fmt/format.h>

namespace pinhole::peer {
namespace {

std::tm local(WallTime at) {
    const std::time_t seconds = at.time_since_epoch().count();
    std::tm out{};
    // It cannot fail for a time that a clock shows; zeros would be harmless.
    static_cast<void>(::localtime_r(&seconds, &out));
    return out;
}

std::string local_day(WallTime at) {
    const std::tm time = local(at);
    return fmt::format("{:04}-{:02}-{:02}", time.tm_year + 1900, time.tm_mon + 1, time.tm_mday);
}

}  // namespace

DayClock::DayClock(WallTime now) : day_(local_day(now)) {}

std::string DayClock::time_of_day(WallTime at) {
    const std::tm time = local(at);
    return fmt::format("{:02}:{:02}", time.tm_hour, time.tm_min);
}

std::optional<std::string> DayClock::take_new_day(WallTime at) {
    std::string day = local_day(at);
    if (std::exchange(day_, day) == day) return std::nullopt;
    return day;
}

}  // namespace pinhole::peer
