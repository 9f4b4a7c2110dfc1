// A doctor's report for machines: one JSON object in one line.
#pragma once

#include <string>

#include "peer/doctor_report.hpp"

namespace pinhole::peer::json {

/// {"v":1,"event":"doctor",...}: what is not known is left out.
[[nodiscard]] std::string doctor(const DoctorReport& report);

}  // namespace pinhole::peer::json
