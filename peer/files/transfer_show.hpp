// What the user sees of transfers while they are under way: one line that is repainted on a
// terminal, and an event a second with --json.
#pragma once

#include <functional>
#include <vector>

#include "peer/files/transfer_meter.hpp"
#include "peer/station.hpp"

namespace pinhole::peer::files {

class TransferShow {
  public:
    /// How the transfers under way stand; none when nothing is.
    using States = std::function<std::vector<TransferState>(Instant now)>;

    /// `station` must outlive it.
    TransferShow(Station& station, States states) : station_(station), states_(std::move(states)) {}

    /// A transfer begins: soon there is something to show.
    void begin(Instant now);
    void handle_timeout(Instant now);
    [[nodiscard]] Instant next_timeout() const;

  private:
    Station& station_;
    States states_;
    Instant repaint_at_ = kNever;
    Instant tell_at_ = kNever;
};

}  // namespace pinhole::peer::files
