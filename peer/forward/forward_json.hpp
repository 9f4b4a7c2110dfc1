// What forwarding tells machines. Pure functions; see json_lines.hpp.
#pragma once

#include <string>
#include <string_view>

#include "peer/forward/desk.hpp"

namespace pinhole::peer::json {

[[nodiscard]] std::string forward_listening(const Id& peer, const ForwardSpec& spec, bool is_here);
[[nodiscard]] std::string forward_opened(const Carried& what);
[[nodiscard]] std::string forward_closed(const Carried& what, const Desk::Totals& totals);
[[nodiscard]] std::string forward_refused(const Carried& what, std::string_view text);

}  // namespace pinhole::peer::json
