// A doctor's report for people: lines of at most 80 columns, the class of the NAT first.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "peer/doctor_report.hpp"
#include "peer/screen.hpp"

namespace pinhole::peer {

/// Puts colour on a text, or not.
using Painter = std::function<std::string(Paint paint, std::string_view text)>;

/// The whole report, each line with its end.
[[nodiscard]] std::string text_of(const DoctorReport& report, const Painter& painter);

}  // namespace pinhole::peer
