// The time of day where the user is, for lines on a terminal.
#pragma once

#include <optional>
#include <string>

#include "shared/base/time.hpp"

namespace pinhole::peer {

class DayClock {
  public:
    /// `now` is on the first day, which needs no mention.
    explicit DayClock(WallTime now);

    /// "HH:MM", local.
    [[nodiscard]] static std::string time_of_day(WallTime at);
    /// "YYYY-MM-DD", local, when that is another day than at the last call or at the beginning.
    [[nodiscard]] std::optional<std::string> take_new_day(WallTime at);

  private:
    std::string day_;
};

}  // namespace pinhole::peer
