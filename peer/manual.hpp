// The parts of the manual that the table of verbs knows: synopsis, a head for each verb and option,
// which verb takes which option, variables, exit status.
//
// The page itself is written by hand around them. Each part stands between two comments there, and
// scripts/make_manual puts the present ones in their places.
#pragma once

#include <span>
#include <string>

#include "peer/verb.hpp"

namespace pinhole::peer {

/// All parts for man(7), one after the other, each as
///
///     .\" begin NAME
///     ...
///     .\" end
[[nodiscard]] std::string manual_parts(std::span<const Verb> verbs);

}  // namespace pinhole::peer
