// An endpoint as a field of fixed size, so that message lengths say nothing about addresses.
//
//     +--------+--------------------------------+--------+--------+
//     | family |  address (16, IPv4 mapped)     |      port       |
//     +--------+--------------------------------+--------+--------+
//       1                 16                            2
//
// Family 4 or 6; 0 with zeros behind it means "none".
#pragma once

#include <optional>

#include "shared/base/cursor.hpp"
#include "shared/base/endpoint.hpp"
#include "shared/base/result.hpp"

namespace pinhole::wire {

inline constexpr std::size_t kEndpointSize = 19;

void write_endpoint(Writer& writer, const std::optional<Endpoint>& endpoint);

/// Drops kBadField when the family byte is unknown or contradicts the address, kBadLength when the
/// input ends early.
[[nodiscard]] Parsed<std::optional<Endpoint>> read_endpoint(Reader& reader);

/// An endpoint that somebody can be reached at. Drops kBadField for "none" and port 0 too.
[[nodiscard]] Parsed<Endpoint> read_required_endpoint(Reader& reader);

}  // namespace pinhole::wire
