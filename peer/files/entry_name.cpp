#include "peer/files/entry_name.hpp"

#include "peer/text_sanitizer.hpp"

namespace pinhole::peer::files {

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
    if (sanitized(component) != component) return NameFault::kUnseen;
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
