#include "peer/files/entry_name.hpp"

#include <utf8proc.h>

#include "peer/text_sanitizer.hpp"

namespace pinhole::peer::files {
namespace {

constexpr utf8proc_int32_t kNonJoiner = 0x200C;
constexpr utf8proc_int32_t kJoiner = 0x200D;

struct Character {
    utf8proc_int32_t code_point = 0;
    std::string_view bytes;
};

/// Nothing when a byte is no UTF-8.
std::optional<std::vector<Character>> characters_of(std::string_view text) {
    std::vector<Character> out;
    while (!text.empty()) {
        utf8proc_int32_t code_point = 0;
        const auto size = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                           static_cast<utf8proc_ssize_t>(text.size()), &code_point);
        if (size <= 0) return std::nullopt;
        out.push_back({code_point, text.substr(0, static_cast<std::size_t>(size))});
        text.remove_prefix(static_cast<std::size_t>(size));
    }
    return out;
}

bool is_emoji(utf8proc_int32_t c) {
    // Below, the class holds (c), (r) and the like, which are seen as text.
    constexpr utf8proc_int32_t kFirst = 0x2190;
    return c >= kFirst &&
           utf8proc_get_property(c)->boundclass == UTF8PROC_BOUNDCLASS_EXTENDED_PICTOGRAPHIC;
}

/// What may follow an emoji and belong to it: its variation selector, and the tones of skin.
bool ends_emoji(utf8proc_int32_t c) {
    return is_emoji(c) || c == 0xFE0F || (c >= 0x1F3FB && c <= 0x1F3FF);
}

/// A letter or mark of a script in which joiners are written: Arabic, Syriac, and those from
/// Devanagari to Sinhala.
bool is_of_joining_script(utf8proc_int32_t c) {
    const bool is_in_script = (c >= 0x0620 && c <= 0x08FF) || (c >= 0x0900 && c <= 0x0DFF);
    if (!is_in_script) return false;
    switch (utf8proc_category(c)) {
        case UTF8PROC_CATEGORY_LO:
        case UTF8PROC_CATEGORY_LM:
        case UTF8PROC_CATEGORY_MN:
        case UTF8PROC_CATEGORY_MC: return true;
        default: return false;  // A foreign enumeration of thirty.
    }
}

bool belongs_between(utf8proc_int32_t joiner, utf8proc_int32_t before, utf8proc_int32_t after) {
    if (is_of_joining_script(before) && is_of_joining_script(after)) return true;
    return joiner == kJoiner && ends_emoji(before) && is_emoji(after);
}

}  // namespace

std::string without_joiners(std::string_view text) {
    const auto characters = characters_of(text);
    if (!characters) return std::string{text};
    std::string out;
    for (std::size_t i = 0; i < characters->size(); ++i) {
        const auto& [c, bytes] = (*characters)[i];
        const bool is_joiner = c == kJoiner || c == kNonJoiner;
        const bool is_inside = i > 0 && i + 1 < characters->size();
        if (is_joiner && is_inside &&
            belongs_between(c, (*characters)[i - 1].code_point, (*characters)[i + 1].code_point)) {
            continue;
        }
        out += bytes;
    }
    return out;
}

std::string_view sentence_of(NameFault fault) {
    switch (fault) {
        case NameFault::kEmpty: return "a part of its name is empty";
        case NameFault::kDots: return "its name leads out of the directory";
        case NameFault::kLong: return "its name is too long";
        case NameFault::kDeep: return "it lies in too many directories";
        case NameFault::kUnseen: return "its name holds characters that cannot be seen";
        case NameFault::kHidden: return "its name begins with a dot; receive --hidden takes it";
    }
    return {};
}

std::optional<NameFault> fault_of_component(std::string_view component) {
    if (component.empty()) return NameFault::kEmpty;
    if (component == "." || component == "..") return NameFault::kDots;
    if (component.size() > kComponentBytesMax) return NameFault::kLong;
    if (component.find('/') != std::string_view::npos) return NameFault::kEmpty;
    const std::string seen = without_joiners(component);
    if (sanitized(seen) != seen) return NameFault::kUnseen;
    return std::nullopt;
}

std::optional<NameFault> fault_of_path(std::string_view path, bool takes_hidden) {
    if (path.size() > kPathBytesMax) return NameFault::kLong;
    const auto components = components_of(path);
    if (components.size() > kDepthMax) return NameFault::kDeep;
    for (const std::string_view component : components) {
        if (const auto fault = fault_of_component(component)) return fault;
    }
    if (!takes_hidden && components.front().front() == '.') return NameFault::kHidden;
    return std::nullopt;
}

std::string shown_path(std::string_view path) {
    return fault_of_path(path, true) ? sanitized(path) : std::string{path};
}

std::vector<std::string_view> components_of(std::string_view path) {
    std::vector<std::string_view> out;
    for (std::size_t slash = path.find('/'); slash != std::string_view::npos;
         slash = path.find('/')) {
        out.push_back(path.substr(0, slash));
        path.remove_prefix(slash + 1);
    }
    out.push_back(path);
    return out;
}

}  // namespace pinhole::peer::files
