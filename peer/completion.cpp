#include "peer/completion.hpp"

#include <cstdio>
#include <set>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "peer/completion_scripts.hpp"
#include "peer/trust_store.hpp"
#include "peer/verb_words.hpp"
#include "peer/verbs.hpp"

namespace pinhole::peer {
namespace {

using Lines = std::vector<std::string>;

/// A function of one argument: for each group of patterns the lines to print, or, where there are
/// none, just success.
struct Case {
    Lines patterns;
    Lines printed;
};
struct Function {
    std::string name;
    /// Compared with the patterns.
    std::string subject;
    std::vector<Case> cases;
};

std::string meaning(std::string_view candidate, std::string_view text) {
    return fmt::format("{}\t{}", candidate, text);
}

Lines verb_lines(std::span<const Verb> verbs) {
    Lines out;
    for (const Verb& verb : verbs) out.push_back(meaning(verb.name, verb.summary));
    return out;
}

std::string dashed(const Flag& flag) {
    return fmt::format("--{}", flag.name);
}

Lines flag_lines(const Verb& verb) {
    Lines out;
    for (const Flag& flag : verb.flags) {
        out.push_back(meaning(dashed(flag), flag.help));
    }
    out.push_back(meaning("--help", "show the help of this verb"));
    return out;
}

Lines value_lines(const Flag& flag) {
    switch (flag.kind) {
        case FlagKind::kSwitch: return {"true", "false"};
        case FlagKind::kChoice: return {flag.choices.begin(), flag.choices.end()};
        case FlagKind::kFile: return {"@files"};
        case FlagKind::kText:
        case FlagKind::kNumber: return {};
    }
    return {};
}

std::string line_of(const Word& word) {
    switch (word.kind) {
        case WordKind::kLiteral: return word.text;
        case WordKind::kPeer: return "@peers";
        case WordKind::kFile: return "@files";
        case WordKind::kVerb: return "@verbs";
    }
    return {};
}

std::vector<Case> word_cases(std::span<const Verb> verbs) {
    std::vector<Case> out;
    for (const Verb& verb : verbs) {
        for (const WordPlace& place : word_places(verb.words)) {
            const std::string position =
                place.position ? fmt::format("{}", *place.position) : std::string{"*"};
            const std::string pattern = fmt::format("{}/{}/{}", verb.name, position,
                                                    place.after.empty() ? "*" : place.after);
            Case& added = out.emplace_back(Case{.patterns = {pattern}, .printed = {}});
            for (const Word& word : place.fitting) added.printed.push_back(line_of(word));
        }
    }
    return out;
}

std::vector<Case> flag_cases(std::span<const Verb> verbs) {
    std::vector<Case> out;
    for (const Verb& verb : verbs) {
        out.push_back({.patterns = {std::string{verb.name}}, .printed = flag_lines(verb)});
    }
    return out;
}

std::vector<Case> value_cases(std::span<const Flag> flags) {
    std::vector<Case> out;
    for (const Flag& flag : flags) {
        Lines lines = value_lines(flag);
        if (lines.empty()) continue;
        out.push_back({.patterns = {dashed(flag)}, .printed = std::move(lines)});
    }
    return out;
}

Case any_verb(std::span<const Verb> verbs) {
    Case out{};
    for (const Verb& verb : verbs) out.patterns.emplace_back(verb.name);
    return out;
}

Case any_flag_with_value(std::span<const Flag> flags) {
    Case out{};
    for (const Flag& flag : flags) {
        if (flag.kind != FlagKind::kSwitch) out.patterns.push_back(dashed(flag));
    }
    return out;
}

/// The table as functions, in the words of `shell`.
template <class Shell>
std::string functions(std::span<const Verb> verbs, const Shell& shell) {
    const auto flags = all_flags(verbs);
    const std::string one = shell.argument(1);
    const std::string three = fmt::format("{}/{}/{}", one, shell.argument(2), shell.argument(3));
    return shell.text({"verbs", one, {{{"*"}, verb_lines(verbs)}}}) +
           shell.text({"is_verb", one, {any_verb(verbs)}}) +
           shell.text({"flags", one, flag_cases(verbs)}) +
           shell.text({"takes_value", one, {any_flag_with_value(flags)}}) +
           shell.text({"values", one, value_cases(flags)}) +
           shell.text({"words", three, word_cases(verbs)});
}

/// bash and zsh.
struct PosixShell {
    static std::string argument(int number) { return fmt::format("${}", number); }

    static std::string quoted(std::string_view text) {
        std::string out = "'";
        for (const char c : text) {
            out += c == '\'' ? std::string{"'\\''"} : std::string(1, c);
        }
        return out + "'";
    }

    static std::string text(const Function& function) {
        std::string out =
            fmt::format("_peer_{}() {{\n    case {} in\n", function.name, function.subject);
        for (const Case& each : function.cases) {
            out += fmt::format("        {})", fmt::join(each.patterns, " | "));
            if (each.printed.empty()) out += " return 0";
            if (!each.printed.empty()) out += "\n            printf '%s\\n'";
            for (const std::string& line : each.printed) {
                out += fmt::format(" \\\n                {}", quoted(line));
            }
            out += " ;;\n";
        }
        // What prints has nothing to say about other subjects; what answers says no.
        const bool answers = !function.cases.empty() && function.cases.front().printed.empty();
        return out + fmt::format("    esac\n{}}}\n", answers ? "    return 1\n" : "");
    }
};

struct FishShell {
    static std::string argument(int number) { return fmt::format("$argv[{}]", number); }

    static std::string quoted(std::string_view text) {
        std::string out = "'";
        for (const char c : text) {
            if (c == '\'' || c == '\\') out += '\\';
            out += c;
        }
        return out + "'";
    }

    static std::string text(const Function& function) {
        std::string out =
            fmt::format("function __peer_{}\n    switch \"{}\"\n", function.name, function.subject);
        for (const Case& each : function.cases) {
            out += "        case";
            for (const std::string& pattern : each.patterns) out += " " + quoted(pattern);
            out += each.printed.empty() ? "\n            return 0" : "\n            printf '%s\\n'";
            for (const std::string& line : each.printed) {
                out += fmt::format(" \\\n                {}", quoted(line));
            }
            out += "\n";
        }
        const bool answers = !function.cases.empty() && function.cases.front().printed.empty();
        return out + fmt::format("    end\n{}end\n", answers ? "    return 1\n" : "");
    }
};

void print_peers(const net::Environment& environment) {
    const TrustStore store{net::state_directory(environment) / "known_peers"};
    std::set<std::string> ids;
    for (const auto& [name, known] : store.known().peers) ids.emplace(name.id.text());
    for (const std::string& id : ids) fmt::print("{}\n", id);
}

}  // namespace

std::string bash_completion(std::span<const Verb> verbs) {
    return fmt::format("# Completes peer in bash: source <(peer completion bash)\n\n{}{}{}",
                       functions(verbs, PosixShell{}), kPosixCandidates, kBashAsks);
}

std::string zsh_completion(std::span<const Verb> verbs) {
    return fmt::format(
        "#compdef peer\n# Completes peer in zsh: source <(peer completion zsh)\n\n"
        "{}{}{}",
        functions(verbs, PosixShell{}), kPosixCandidates, kZshAsks);
}

std::string fish_completion(std::span<const Verb> verbs) {
    return fmt::format("# Completes peer in fish: peer completion fish | source\n\n{}{}",
                       functions(verbs, FishShell{}), kFishCandidates);
}

ExitCode run_completion(const Settings& settings, const net::Environment& environment) {
    const auto& words = settings.words();
    const std::string word = words.size() == 1 ? words.front() : std::string{};
    if (word == "bash") {
        fmt::print("{}", bash_completion(verbs()));
    } else if (word == "zsh") {
        fmt::print("{}", zsh_completion(verbs()));
    } else if (word == "fish") {
        fmt::print("{}", fish_completion(verbs()));
    } else if (word == "peers") {
        print_peers(environment);
    } else {
        throw UsageError("completion takes: bash | zsh | fish");
    }
    return ExitCode::kOk;
}

}  // namespace pinhole::peer
