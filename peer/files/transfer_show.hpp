// What the user sees of transfers while they are under way: one line that is repainted on a
// terminal, or above a prompt a few that stay, and an event a second with --json.
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
    /// A prompt stands where the line would be repainted.
    void on_prompt() { has_prompt_ = true; }
    void handle_timeout(Instant now);
    [[nodiscard]] Instant next_timeout() const;

  private:
    void say_quarters(const std::vector<TransferState>& states);

    Station& station_;
    States states_;
    Instant repaint_at_ = kNever;
    Instant tell_at_ = kNever;
    bool has_prompt_ = false;
};

}  // namespace pinhole::peer::files
