// Which direct path carries the data.
//
// `Quality` is what the answers of one path showed; `Selection` picks among paths that may be
// picked and holds on to its choice: another one must be clearly better, over several samples, and
// the choice must have stood for a while. Whether a path is alive is `Consent`'s business.
#pragma once

#include <optional>
#include <span>

#include "shared/base/endpoint.hpp"
#include "shared/base/time.hpp"

namespace pinhole::traversal {

/// Answers that make a path selectable; one of them must be to a data-sized challenge.
inline constexpr unsigned kAnswersToSelect = 3;
/// Answers before a path may displace another one.
inline constexpr unsigned kSamplesToSwitch = 5;
/// A challenger must be better by both: a fifth, and 5 ms.
inline constexpr int kSwitchFraction = 5;
inline constexpr Duration kSwitchMargin = 5ms;
/// IPv6 paths have no NAT whose mapping could vanish.
inline constexpr Duration kIpv6Bonus = 10ms;
/// A choice stands at least so long, unless its path is lost.
inline constexpr Duration kDwell = 10s;
/// A path that fails once may be tried again at once: a router that came back, another address. One
/// that fails again within ten minutes is left alone for 30, then 60, then 120 s.
inline constexpr Duration kFirstBar = 30s;
inline constexpr Duration kLongestBar = 120s;
inline constexpr Duration kFailureForgotten = 10min;

/// What is known about one path from the answers to its challenges.
class Quality {
  public:
    void on_answer(Duration rtt, bool data_sized);
    /// The path was in use and stopped answering: it has to qualify again, and is barred if this
    /// happened before.
    void on_failed(Instant now);
    /// The network is another one now: no bar holds.
    void lift_bar() { barred_until_.reset(); }

    [[nodiscard]] unsigned answers() const { return answers_; }
    [[nodiscard]] bool carried_data_size() const { return data_sized_; }
    /// Three verified round trips, one of them data-sized.
    [[nodiscard]] bool is_selectable() const { return answers_ >= kAnswersToSelect && data_sized_; }
    [[nodiscard]] bool is_barred(Instant now) const {
        return barred_until_ && now < *barred_until_;
    }
    /// RFC 6298 2.3. Zero before the first answer.
    [[nodiscard]] Duration rtt() const { return rtt_; }

  private:
    Duration rtt_{};
    unsigned answers_ = 0;
    bool data_sized_ = false;
    Duration bar_{};
    std::optional<Instant> failed_at_;
    std::optional<Instant> barred_until_;
};

/// True for a peer on our own network.
[[nodiscard]] bool is_lan(const Path& path);

class Selection {
  public:
    /// A path that may be selected now: selectable, alive, not barred.
    struct Option {
        Path path;
        Quality quality;
    };

    /// Selects, switches or leaves all as it is. True when the selected path changed.
    bool consider(Instant now, std::span<const Option> options);
    /// The selected path is lost: the next choice does not wait.
    void drop() { selected_.reset(); }

    [[nodiscard]] const std::optional<Path>& selected() const { return selected_; }
    [[nodiscard]] bool is_selected(const Path& path) const { return selected_ == path; }

  private:
    std::optional<Path> selected_;
    Instant since_{};
};

}  // namespace pinhole::traversal
