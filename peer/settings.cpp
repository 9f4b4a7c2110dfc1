#include "peer/settings.hpp"

#include <algorithm>
#include <cassert>
#include <charconv>

#include <fmt/format.h>

#include "peer/text_sanitizer.hpp"

namespace pinhole::peer {
namespace {

std::optional<std::uint32_t> number_of(std::string_view text) {
    std::uint32_t value = 0;
    const char* const begin = text.data();
    const char* const end = begin + text.size();
    const auto read = std::from_chars(begin, end, value);
    if (read.ec != std::errc{} || read.ptr != end) return std::nullopt;
    return value;
}

/// Nothing for a value that the flag takes, else what it takes.
std::optional<std::string> objection(const Flag& flag, std::string_view value) {
    switch (flag.kind) {
        case FlagKind::kSwitch:
            if (value == "true" || value == "false") return std::nullopt;
            return "true or false";
        case FlagKind::kNumber: {
            const auto number = number_of(value);
            if (number && *number >= 1 && *number <= flag.max) return std::nullopt;
            return fmt::format("a whole number from 1 to {}", flag.max);
        }
        case FlagKind::kChoice:
            if (std::ranges::find(flag.choices, value) != flag.choices.end()) return std::nullopt;
            return listed(flag.choices);
        case FlagKind::kText:
        case FlagKind::kFile: return std::nullopt;
    }
    return std::nullopt;
}

void set(Setting& setting, std::vector<std::string> values, Origin origin) {
    check_values(setting.flag, values, origin.place);
    // A switch may be said twice, and the last word counts.
    if (setting.flag.kind == FlagKind::kSwitch) values = {values.back()};
    if (!setting.flag.is_repeatable && values.size() > 1) {
        throw UsageError(fmt::format("--{} is given twice", setting.flag.name));
    }
    setting.values = std::move(values);
    setting.origin = std::move(origin);
}

bool take_command_line(Setting& setting, const CommandLine& given) {
    std::vector<std::string> values;
    for (const auto& [name, value] : given.flags) {
        if (name == setting.flag.name) values.push_back(value);
    }
    if (values.empty()) return false;
    set(setting, std::move(values), {.source = Source::kCommandLine});
    return true;
}

bool take_environment(Setting& setting, const net::Environment& environment) {
    const std::string variable = variable_of(setting.flag);
    const auto value = environment(variable);
    if (!value || value->empty()) return false;
    set(setting, {*value}, {.source = Source::kEnvironment, .place = variable});
    return true;
}

bool take_files(Setting& setting, std::string_view verb, std::span<const FileEntry> entries) {
    const auto found = std::ranges::find_if(entries, [&](const FileEntry& entry) {
        return entry.name == setting.flag.name && (entry.verb.empty() || entry.verb == verb);
    });
    if (found == entries.end()) return false;
    set(setting, found->values, {.source = Source::kFile, .place = found->place});
    return true;
}

}  // namespace

std::string Origin::to_string() const {
    switch (source) {
        case Source::kDefault: return "default";
        case Source::kCommandLine: return "command line";
        case Source::kFile:
        case Source::kEnvironment: return place;
    }
    return {};
}

Settings::Settings(std::string_view verb, std::span<const Flag> flags, const Sources& sources)
    : words_(sources.given.words) {
    for (const Flag& flag : flags) {
        Setting setting{.flag = flag};
        const bool is_given = take_command_line(setting, sources.given) ||
                              take_environment(setting, sources.environment) ||
                              take_files(setting, verb, sources.entries);
        const std::string_view initial = flag.kind == FlagKind::kSwitch ? "false" : flag.initial;
        if (!is_given && !initial.empty()) setting.values = {std::string{initial}};
        settings_.push_back(std::move(setting));
    }
}

std::optional<std::string> Settings::text(std::string_view name) const {
    const auto& values = setting(name).values;
    return values.empty() ? std::nullopt : std::optional{values.front()};
}

const std::vector<std::string>& Settings::texts(std::string_view name) const {
    return setting(name).values;
}

std::optional<std::uint32_t> Settings::number(std::string_view name) const {
    assert(setting(name).flag.kind == FlagKind::kNumber);
    const auto value = text(name);
    return value ? number_of(*value) : std::nullopt;
}

bool Settings::is_set(std::string_view name) const {
    assert(setting(name).flag.kind == FlagKind::kSwitch);
    return text(name) == "true";
}

bool Settings::is_on_command_line(std::string_view name) const {
    return origin(name).source == Source::kCommandLine;
}

const Origin& Settings::origin(std::string_view name) const {
    return setting(name).origin;
}

const Setting& Settings::setting(std::string_view name) const {
    const auto found =
        std::ranges::find(settings_, name, [](const Setting& each) { return each.flag.name; });
    assert(found != settings_.end());
    return *found;
}

void check_values(const Flag& flag, std::vector<std::string>& values, std::string_view place) {
    for (std::string& value : values) {
        if (flag.kind == FlagKind::kSwitch && value == "1") value = "true";
        if (flag.kind == FlagKind::kSwitch && value == "0") value = "false";
        if (const auto takes = objection(flag, value)) {
            // The command line needs no name: the user has just typed it.
            throw UsageError(place.empty() ? fmt::format("--{} is {}, not '{}'", flag.name, *takes,
                                                         sanitized(value))
                                           : fmt::format("{}: --{} is {}, not '{}'", place,
                                                         flag.name, *takes, sanitized(value)));
        }
    }
}

std::string listed(std::span<const std::string_view> choices) {
    std::string out;
    for (std::size_t i = 0; i < choices.size(); ++i) {
        if (i > 0) out += i + 1 == choices.size() ? " or " : ", ";
        out += choices[i];
    }
    return out;
}

}  // namespace pinhole::peer
