// A flag as data: one value from which the command line, the environment, the configuration files,
// the help, the manual and the completion are made.
//
// `--tcp-port` is also `PINHOLE_TCP_PORT` and the key `tcp-port`. A flag that several verbs have is
// declared once and may say something else in another verb, but means the same everywhere.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace pinhole::peer {

enum class FlagKind : std::uint8_t {
    kSwitch,  ///< true or false
    kText,
    kNumber,  ///< whole, from 1
    kChoice,  ///< one of a closed set of words
    kFile,    ///< a path
};

struct Flag {
    /// Without the dashes; small letters and dashes.
    std::string_view name{};
    /// The word for its value in help, such as FILE; a switch has none.
    std::string_view argument{};
    /// One line, which with the name fits into 80 columns.
    std::string_view help{};
    FlagKind kind = FlagKind::kSwitch;
    /// Of a choice.
    std::span<const std::string_view> choices{};
    /// The greatest number.
    std::uint32_t max = 0;
    /// Its value where nobody gives one; empty for none. A switch has false.
    std::string_view initial{};
    /// May be given several times; all values count, in their order.
    bool is_repeatable = false;
    /// Only the help of the verb shows it, after the others.
    bool is_rare = false;

    /// The same flag with another help.
    [[nodiscard]] constexpr Flag saying(std::string_view other) const {
        Flag out = *this;
        out.help = other;
        return out;
    }
};

/// Flags of several sets, one set after the other.
template <std::size_t... Sizes>
[[nodiscard]] constexpr auto joined(const std::array<Flag, Sizes>&... sets) {
    std::array<Flag, (Sizes + ...)> out{};
    auto* at = out.data();
    ((at = std::copy(sets.begin(), sets.end(), at)), ...);
    return out;
}

/// Null when there is none of this name.
[[nodiscard]] constexpr const Flag* find_flag(std::span<const Flag> flags, std::string_view name) {
    const auto found = std::ranges::find(flags, name, &Flag::name);
    return found == flags.end() ? nullptr : &*found;
}

/// `PINHOLE_TCP_PORT` for `tcp-port`.
[[nodiscard]] inline std::string variable_of(const Flag& flag) {
    std::string out = "PINHOLE_";
    for (const char c : flag.name) {
        out += c == '-' ? '_' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    }
    return out;
}

}  // namespace pinhole::peer
