// The name under which a peer registers: 1-32 of [a-z0-9._-].
//
//     +--------+----------------------+
//     | length |  characters (1..32)  |
//     +--------+----------------------+
#pragma once

#include <compare>
#include <functional>
#include <optional>
#include <string_view>

#include <fmt/format.h>

#include "shared/base/cursor.hpp"
#include "shared/base/result.hpp"

namespace pinhole::wire {

/// A valid id, or the empty one that stands for a server in a handshake's prologue.
class Id {
  public:
    static constexpr std::size_t kSizeMax = 32;

    /// The empty id.
    constexpr Id() = default;

    /// What a person typed: upper case is folded to lower case. Nothing when it is no id.
    [[nodiscard]] static std::optional<Id> parse(std::string_view text);

    /// What the wire carries: must already be in its one valid form.
    /// Drops: kBadLength, kBadField.
    [[nodiscard]] static Parsed<Id> read(Reader& reader);
    /// Length and characters. The empty id is a single 0 byte, which `read` refuses: it stands in
    /// a prologue, and in a frame only where that says so.
    void write(Writer& writer) const;

    [[nodiscard]] std::string_view text() const { return {characters_.data(), size_}; }
    [[nodiscard]] bool empty() const { return size_ == 0; }

    friend auto operator<=>(const Id& a, const Id& b) { return a.text() <=> b.text(); }
    friend bool operator==(const Id& a, const Id& b) { return a.text() == b.text(); }

  private:
    std::array<char, kSizeMax> characters_{};
    std::uint8_t size_ = 0;
};

}  // namespace pinhole::wire

template <>
struct std::hash<pinhole::wire::Id> {
    std::size_t operator()(const pinhole::wire::Id& id) const noexcept {
        return std::hash<std::string_view>{}(id.text());
    }
};

template <>
struct fmt::formatter<pinhole::wire::Id> : fmt::formatter<std::string_view> {
    auto format(const pinhole::wire::Id& id, fmt::format_context& context) const {
        return fmt::formatter<std::string_view>::format(id.text(), context);
    }
};
