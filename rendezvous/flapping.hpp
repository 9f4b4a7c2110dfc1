// Two processes with one key that displace each other for ever: notices it and makes both wait.
#pragma once

#include <map>

#include "rendezvous/limits.hpp"
#include "shared/wire/id.hpp"

namespace pinhole::rendezvous {

class Flapping {
  public:
    /// A registration of `id` moved to another process. False when that was once too often: the
    /// move must not happen, and `is_refused` holds for `kFlappingBackoff`.
    [[nodiscard]] bool on_flip(Instant now, const wire::Id& id);

    [[nodiscard]] bool is_refused(Instant now, const wire::Id& id) const;

    [[nodiscard]] std::size_t watched() const { return flips_.size(); }

  private:
    struct Flips {
        Instant window_start;
        int count = 0;
        Instant refused_until = Instant::min();
    };

    void forget_old(Instant now);

    std::map<wire::Id, Flips> flips_;
    Instant swept_at_ = Instant::min();
};

}  // namespace pinhole::rendezvous
