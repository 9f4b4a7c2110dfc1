// Which port does the next mapping get (RFC 4787 4.2)? A pure function from what was observed.
#pragma once

#include <span>

#include "shared/wire/nat_behavior.hpp"

namespace pinhole::traversal {

/// Steps of a sequence differ by no more than this: other machines behind the same NAT take ports
/// in between (traversal.md).
inline constexpr int kStepSpreadMax = 15;
/// NATs count by ones or a few; wider steps that happen to be alike are chance.
inline constexpr int kStepMax = 64;
/// Random ports that all lie within so many are taken for a block of ports that the NAT set aside
/// for us. Carriers hand out blocks of 64 to 2048; four ports drawn from all 64512 lie so close
/// together once in some ten thousand times.
inline constexpr int kBlockMax = 2048;

/// One socket's local port and the external port of its first mapping.
struct PortSample {
    std::uint16_t local = 0;
    std::uint16_t external = 0;
};

struct AllocationFinding {
    wire::Allocation allocation = wire::Allocation::kUnknown;
    /// The median step of a sequence; zero otherwise.
    std::int16_t step = 0;
    /// The block that the ports of a random allocation were seen in, both included; 0 = any.
    std::uint16_t first_port = 0;
    std::uint16_t last_port = 0;

    friend bool operator==(const AllocationFinding&, const AllocationFinding&) = default;
};

/// `samples` in the order in which the mappings were made. Fewer than three tell nothing, except
/// that two preserved ports are no accident.
[[nodiscard]] AllocationFinding allocation_of(std::span<const PortSample> samples);

}  // namespace pinhole::traversal
