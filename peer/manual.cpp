#include "peer/manual.hpp"

#include <algorithm>
#include <map>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace pinhole::peer {
namespace {

using Names = std::vector<std::string_view>;

struct NamedFlag {
    Flag flag;
    /// What it says, and in which verbs: mostly the same in all.
    std::vector<std::pair<std::string_view, Names>> helps;
    Names verbs;
};

void add_help(NamedFlag& named, std::string_view help, std::string_view verb) {
    auto found = std::ranges::find(named.helps, help, [](const auto& each) { return each.first; });
    if (found == named.helps.end()) found = named.helps.insert(found, {help, {}});
    found->second.push_back(verb);
}

NamedFlag named(const Flag& flag, std::span<const Verb> verbs) {
    NamedFlag out{.flag = flag, .helps = {}, .verbs = {}};
    for (const Verb& verb : verbs) {
        const Flag* const found = find_flag(verb.flags, flag.name);
        if (found == nullptr) continue;
        out.verbs.push_back(verb.name);
        add_help(out, found->help, verb.name);
    }
    return out;
}

/// A dash is a dash, not a hyphen, so that it can be copied.
std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '-') {
            out += "\\-";
        } else if (c == '\\') {
            out += "\\e";
        } else if (c == '~') {
            out += "\\(ti";
        } else {
            out += c;
        }
    }
    return out;
}

/// Bold where it is typed as it is, italic where it stands for something else.
std::string marked_up(std::string_view words) {
    const auto kind_of = [](char c) {
        if (c >= 'A' && c <= 'Z') return 'I';
        return (c >= 'a' && c <= 'z') || c == '-' ? 'B' : 'R';
    };
    std::string out;
    char font = 'R';
    for (const char c : words) {
        if (kind_of(c) != font) {
            font = kind_of(c);
            out += fmt::format("\\f{}", font);
        }
        out += escaped(std::string_view{&c, 1});
    }
    return out + (font == 'R' ? "" : "\\fR");
}

/// Begins with a capital and ends with a full stop.
std::string sentence(std::string_view text) {
    std::string out = escaped(text);
    if (!out.empty() && out.front() >= 'a' && out.front() <= 'z') {
        out.front() = static_cast<char>(out.front() - 'a' + 'A');
    }
    return out + ".";
}

std::string part(std::string_view name, std::string_view text) {
    return fmt::format(".\\\" begin {}\n{}.\\\" end\n", name, text);
}

std::string synopsis(std::span<const Verb> verbs) {
    std::string out;
    for (const Verb& verb : verbs) {
        if (!out.empty()) out += ".br\n";
        // The first may be left out.
        out += &verb == verbs.data() ? fmt::format(".B peer\n[\\fB{}\\fR]\n", verb.name)
                                     : fmt::format(".B peer {}\n", verb.name);
        if (!verb.flags.empty()) out += "[\\fIOPTIONS\\fR]\n";
        if (!verb.words.empty()) out += marked_up(verb.words) + "\n";
    }
    return out;
}

std::string verb_head(const Verb& verb) {
    const std::string words =
        verb.words.empty() ? "" : fmt::format(" \" {}\"", marked_up(verb.words));
    return fmt::format(".TP\n.BR {}{}\n{}\n", verb.name, words, sentence(verb.summary));
}

std::string bounds(const Flag& flag) {
    std::string out;
    if (flag.kind == FlagKind::kNumber) {
        out += fmt::format("A whole number from 1 to {}.\n", flag.max);
    }
    if (!flag.initial.empty()) out += fmt::format("The default is {}.\n", escaped(flag.initial));
    if (flag.is_repeatable) out += "May be given several times.\n";
    return out;
}

std::string option_head(const NamedFlag& option) {
    const Flag& flag = option.flag;
    std::string out = fmt::format(".TP\n\\fB\\-\\-{}\\fR", escaped(flag.name));
    if (!flag.argument.empty()) out += " " + marked_up(flag.argument);
    out += "\n";
    for (const auto& [help, verbs] : option.helps) {
        if (option.helps.size() > 1) out += fmt::format("In {}:\n", fmt::join(verbs, ", "));
        // A word of a closed set is typed as it is.
        const bool begins_with_choice =
            std::ranges::any_of(flag.choices, [&](auto word) { return help.starts_with(word); });
        out += (begins_with_choice ? escaped(help) + "." : sentence(help)) + "\n";
    }
    return out + bounds(flag);
}

std::string dashed(std::string_view name) {
    return fmt::format("\\fB\\-\\-{}\\fR", escaped(name));
}

/// Which verbs take which options: those that the same verbs take stand together.
std::string takes(const std::vector<NamedFlag>& flags) {
    std::vector<std::pair<Names, std::vector<std::string>>> groups;
    for (const NamedFlag& each : flags) {
        auto group =
            std::ranges::find(groups, each.verbs, [](const auto& known) { return known.first; });
        if (group == groups.end()) group = groups.insert(group, {each.verbs, {}});
        group->second.push_back(dashed(each.flag.name));
    }
    std::string out;
    for (const auto& [verbs, names] : groups) {
        out += fmt::format(".TP\n.B {}\n{}\n", fmt::join(verbs, ", "), fmt::join(names, ",\n"));
    }
    return out;
}

std::string variables(const std::vector<NamedFlag>& flags) {
    std::vector<std::string> names;
    names.reserve(flags.size());
    for (const NamedFlag& each : flags) {
        names.push_back(fmt::format("\\fB{}\\fR", variable_of(each.flag)));
    }
    std::ranges::sort(names);
    return fmt::format("{}.\n", fmt::join(names, ",\n"));
}

std::string exit_status() {
    std::string out;
    for (const ExitMeaning& each : kExitMeanings) {
        out += fmt::format(".TP\n.B {}\n{}\n", static_cast<int>(each.code), sentence(each.meaning));
    }
    return out;
}

}  // namespace

std::string manual_parts(std::span<const Verb> verbs) {
    std::vector<NamedFlag> flags;
    for (const Flag& flag : all_flags(verbs)) flags.push_back(named(flag, verbs));
    std::string out = part("synopsis", synopsis(verbs));
    for (const Verb& verb : verbs) out += part(fmt::format("verb {}", verb.name), verb_head(verb));
    out += part("takes", takes(flags));
    for (const NamedFlag& each : flags) {
        out += part(fmt::format("option {}", each.flag.name), option_head(each));
    }
    return out + part("variables", variables(flags)) + part("exit status", exit_status());
}

}  // namespace pinhole::peer
