// How a message reaches the peer: over one direct path, or through the rendezvous server's relay.
//
// A plain value. It says nothing about whether the way works; that is the agent's business.
#pragma once

#include <cassert>
#include <compare>
#include <optional>

#include "shared/base/endpoint.hpp"

namespace pinhole::traversal {

class Route {
  public:
    [[nodiscard]] static Route relay() { return Route{}; }
    [[nodiscard]] static Route direct(const Path& path) { return Route{path}; }

    [[nodiscard]] bool is_relay() const { return !path_.has_value(); }
    [[nodiscard]] bool is_direct() const { return path_.has_value(); }
    /// The path of a direct route. Must be one.
    [[nodiscard]] const Path& path() const {
        assert(is_direct());
        return *path_;
    }

    friend auto operator<=>(const Route&, const Route&) = default;

  private:
    Route() = default;
    explicit Route(const Path& path) : path_(path) {}

    std::optional<Path> path_;
};

/// Where the peer's data goes at one moment.
struct Routes {
    /// Nothing: no route may carry data now.
    std::optional<Route> primary{};
    /// When set, the same sealed bytes go here as well; the replay window drops one of the two.
    std::optional<Route> duplicate{};

    friend bool operator==(const Routes&, const Routes&) = default;
};

}  // namespace pinhole::traversal
