#include "peer/help.hpp"

#include <fmt/format.h>

namespace pinhole::peer {
namespace {

constexpr std::size_t kColumns = 80;

std::string flag_lines(const Verb& verb) {
    std::string usual;
    std::string rare;
    for (const Flag& flag : verb.flags) {
        (flag.is_rare ? rare : usual) += fmt::format("  {:<20} {}\n", usage_of(flag), flag.help);
    }
    return usual + rare;
}

/// The flags that are not rare, without their help, as lines of a screen's width.
std::string flag_summary(const Verb& verb) {
    std::string out;
    std::string line;
    for (const Flag& flag : verb.flags) {
        if (flag.is_rare) continue;
        const std::string usage = usage_of(flag);
        if (line.size() + 2 + usage.size() > kColumns) {
            out += line + "\n";
            line.clear();
        }
        line += "  " + usage;
    }
    return out + line + "\n";
}

}  // namespace

std::string help_text(std::span<const Verb> verbs) {
    const Verb& first = verbs.front();
    std::string out = fmt::format("example:  {}\nusage:    peer [VERB] [OPTIONS] {}\n\n",
                                  first.example, first.words);
    for (const Verb& verb : verbs) out += fmt::format("  {:<10} {}\n", verb.name, verb.summary);
    out += fmt::format("\noptions of {0} (explained by: peer help {0}):\n{1}", first.name,
                       flag_summary(first));
    return out;
}

std::string help_text(const Verb& verb) {
    const std::string flags = flag_lines(verb);
    std::string usage =
        fmt::format("usage:    peer {}{}{}{}", verb.name, flags.empty() ? "" : " [OPTIONS]",
                    verb.words.empty() ? "" : " ", verb.words);
    if (usage.size() > kColumns) usage.replace(usage.rfind(" | ", kColumns), 1, "\n            ");
    return fmt::format("example:  {}\n{}\n\n{}\n{}", verb.example, usage, verb.summary,
                       flags.empty() ? "" : "\n" + flags);
}

std::string usage_of(const Flag& flag) {
    return fmt::format("--{}{}{}", flag.name, flag.argument.empty() ? "" : " ", flag.argument);
}

}  // namespace pinhole::peer
