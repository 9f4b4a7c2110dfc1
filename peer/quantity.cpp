#include "peer/quantity.hpp"

#include <array>

#include <fmt/format.h>

namespace pinhole::peer {

std::string size_words(std::uint64_t bytes) {
    if (bytes == 1) return "1 byte";
    if (bytes < 1024) return fmt::format("{} bytes", bytes);
    constexpr std::array kUnits{"KiB", "MiB", "GiB", "TiB"};
    double value = static_cast<double>(bytes) / 1024;
    std::size_t unit = 0;
    // What would be rounded up to 1024 is one of the next unit.
    while (value >= 1023.5 && unit + 1 < kUnits.size()) {
        value /= 1024;
        ++unit;
    }
    return fmt::format(fmt::runtime(value < 99.95 ? "{:.1f} {}" : "{:.0f} {}"), value,
                       kUnits.at(unit));
}

std::string time_words(Duration duration) {
    const auto seconds = std::chrono::round<std::chrono::seconds>(duration).count();
    if (seconds < 60) return fmt::format("{} s", seconds);
    if (seconds < 3600) return fmt::format("{} min {} s", seconds / 60, seconds % 60);
    return fmt::format("{} h {} min", seconds / 3600, seconds % 3600 / 60);
}

std::string count_words(std::uint64_t count) {
    return count == 1 ? "1 file" : fmt::format("{} files", count);
}

}  // namespace pinhole::peer
