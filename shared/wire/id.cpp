#include "shared/wire/id.hpp"

#include "shared/base/ascii.hpp"

namespace pinhole::wire {
namespace {

// Not <cctype>: an id must not depend on a locale.
bool is_id_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

}  // namespace

std::optional<Id> Id::parse(std::string_view text) {
    if (text.empty() || text.size() > kSizeMax) return std::nullopt;
    Id id;
    std::ranges::transform(text, id.characters_.begin(), small_letter);
    id.size_ = static_cast<std::uint8_t>(text.size());
    if (!std::ranges::all_of(id.text(), is_id_character)) return std::nullopt;
    return id;
}

Parsed<Id> Id::read(Reader& reader) {
    const std::uint8_t size = reader.u8();
    if (size == 0 || size > kSizeMax) return dropped(Drop::kBadLength);
    const std::string_view text = as_text(reader.take(size));
    if (!reader.ok()) return dropped(Drop::kBadLength);
    if (!std::ranges::all_of(text, is_id_character)) return dropped(Drop::kBadField);
    Id id;
    std::ranges::copy(text, id.characters_.begin());
    id.size_ = size;
    return id;
}

void Id::write(Writer& writer) const {
    writer.u8(size_).bytes(as_bytes(text()));
}

}  // namespace pinhole::wire
