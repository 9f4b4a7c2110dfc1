// Spare sockets, beside the two main ones: asked for as values, opened by whoever owns sockets.
#pragma once

#include "shared/base/endpoint.hpp"

namespace pinhole::traversal {

/// Linux keeps source ports 512-1023 apart from the others and maps them into 600-1023
/// (traversal.md, Low ports): 424 ports instead of 64,512.
inline constexpr std::uint16_t kLowPortFirst = 600;
inline constexpr std::uint16_t kLowPortLast = 1023;

/// Please open a spare socket of that family; `port` 0 lets the system choose.
struct OpenSpare {
    Family family = Family::kV4;
    std::uint16_t port = 0;
};

/// It is not needed any more.
struct CloseSpare {
    SocketId socket;
};

}  // namespace pinhole::traversal
