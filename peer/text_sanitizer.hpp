// Makes remote text harmless for a terminal and for the eye.
//
// Escaped as \u{hex}: control characters (C0, DEL, C1), whatever reorders text (bidirectional
// controls), what has no width or cannot be seen (zero-width characters, tags, variation selectors
// apart from emoji's), line and paragraph separators, private and unassigned characters. A byte
// that is no valid UTF-8 becomes \u{fffd}. All else passes unchanged.
#pragma once

#include <string>
#include <string_view>

namespace pinhole::peer {

/// One line of printable, valid UTF-8.
[[nodiscard]] std::string sanitized(std::string_view text);

/// The length of the longest start of `text` that has at most `bytes_max` bytes and does not cut
/// a UTF-8 sequence; never 0 for a text that is not empty when `bytes_max` is at least 4.
[[nodiscard]] std::size_t whole_characters(std::string_view text, std::size_t bytes_max);

/// How many rows below its beginning the cursor stands after a printable UTF-8 text that begins in
/// the first of `columns` columns. A wide character that does not fit into its row goes to the
/// next.
[[nodiscard]] std::size_t rows_below(std::string_view text, std::size_t columns);

/// Columns that a printable UTF-8 text takes on a terminal.
[[nodiscard]] std::size_t display_width(std::string_view text);

}  // namespace pinhole::peer
