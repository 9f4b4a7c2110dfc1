// Is a path that the other side sent one that we may make? Judged before the disk is touched.
//
// A path is 1 to 32 components with '/' between them; it is relative by construction. What a
// person cannot see, or sees otherwise than it is, is no name: a name is shown and typed. The two
// joiners stand where they belong to what is seen: inside an emoji, and between letters of the
// Arabic, Syriac and Indic scripts, whose shapes they choose.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pinhole::peer::files {

/// NAME_MAX of Linux.
inline constexpr std::size_t kComponentBytesMax = 255;
inline constexpr std::size_t kDepthMax = 32;
inline constexpr std::size_t kPathBytesMax = kDepthMax * (kComponentBytesMax + 1) - 1;

enum class NameFault : std::uint8_t {
    kEmpty,   ///< nothing, or nothing between two slashes
    kDots,    ///< "." or ".."
    kLong,    ///< a component, or all of it
    kDeep,    ///< too many components
    kUnseen,  ///< no UTF-8, or control, bidirectional or invisible characters
    kHidden,  ///< begins with a dot, where that is not allowed
};

/// "its name holds characters that cannot be seen"
[[nodiscard]] std::string_view sentence_of(NameFault fault);

/// What is wrong with one component. Looks at nothing but the bytes.
[[nodiscard]] std::optional<NameFault> fault_of_component(std::string_view component);

/// What is wrong with a whole path. `takes_hidden`: the first component may begin with a dot. In a
/// home directory such a file can be a program's settings, or a key that lets somebody in.
[[nodiscard]] std::optional<NameFault> fault_of_path(std::string_view path, bool takes_hidden);

/// `text` without the joiners that stand where they belong.
[[nodiscard]] std::string without_joiners(std::string_view text);

/// For people: as it is if it has no fault, made harmless otherwise.
[[nodiscard]] std::string shown_path(std::string_view path);

/// The components of a path without a fault. Borrowed from it.
[[nodiscard]] std::vector<std::string_view> components_of(std::string_view path);

}  // namespace pinhole::peer::files
