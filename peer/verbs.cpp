#include "peer/verbs.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <vector>

#include <cxxopts.hpp>
#include <fmt/format.h>

#include "peer/chat.hpp"
#include "peer/doctor.hpp"
#include "peer/identity_verb.hpp"
#include "peer/ping.hpp"
#include "peer/text_sanitizer.hpp"
#include "peer/trust_verb.hpp"

namespace pinhole::peer {
namespace {

ExitCode chat(const cxxopts::ParseResult& words, const net::Environment& environment) {
    return run_chat(chat_options(words, environment), environment);
}

ExitCode ping(const cxxopts::ParseResult& words, const net::Environment& environment) {
    return run_ping(ping_options(words, environment), environment);
}

ExitCode doctor(const cxxopts::ParseResult& words, const net::Environment& environment) {
    return run_doctor(doctor_options(words, environment), environment);
}

ExitCode version(const cxxopts::ParseResult& /*words*/, const net::Environment& /*environment*/) {
    fmt::print("peer {} (pinhole)\n", PINHOLE_VERSION);
    return ExitCode::kOk;
}

ExitCode help(const cxxopts::ParseResult& words, const net::Environment& /*environment*/) {
    const auto names = plain_words(words);
    if (names.empty()) {
        fmt::print("{}", help_text());
        return ExitCode::kOk;
    }
    const Verb* const verb = find_verb(names.front());
    if (verb == nullptr) {
        throw UsageError(fmt::format("there is no verb '{}'", sanitized(names.front())));
    }
    fmt::print("{}", help_text(*verb));
    return ExitCode::kOk;
}

constexpr std::array kVerbs{
    Verb{"chat", "talk with peers (also without this word)", "[PEER...]",
         "peer --id bob --via 203.0.113.7 alice", &add_chat_options, &chat},
    Verb{"ping", "the path to a peer, and its round-trip time", "PEER",
         "peer ping --id bob --via 203.0.113.7 --until-direct alice", &add_ping_options, &ping},
    Verb{"doctor", "what this network does, how a peer is reached, and advice", "[PEER]",
         "peer doctor --id bob --via 203.0.113.7 alice", &add_doctor_options, &doctor},
    Verb{"id", "show my name and key; --new-psk makes a group's key", "", "peer id --id bob",
         &add_id_options, &run_id},
    Verb{"trust", "the keys that are known: list, remove PEER, replace PEER KEY",
         "list | remove PEER | replace PEER KEY", "peer trust list", &add_no_options, &run_trust},
    Verb{"version", "show the version", "", "peer version", &add_no_options, &version},
    Verb{"help", "show this, or the help of a verb", "[VERB]", "peer help ping", &add_no_options,
         &help},
};

std::string option_lines(const Verb& verb, const std::string& group) {
    cxxopts::Options options{"peer"};
    verb.add_options(options);
    std::string out;
    // Some verbs have no options, and cxxopts throws when asked for a group that is empty.
    if (std::ranges::count(options.groups(), group) == 0) return out;
    for (const auto& option : options.group_help(group).options) {
        const std::string argument = option.is_boolean ? "" : " " + option.arg_help;
        out += fmt::format("  {:<20} {}\n", fmt::format("--{}{}", option.l.front(), argument),
                           option.desc);
    }
    return out;
}

cxxopts::ParseResult parse(const Verb& verb, std::vector<const char*> arguments) {
    cxxopts::Options options{"peer"};
    verb.add_options(options);
    options.add_options("common")("h,help", "")("version", "");
    try {
        return options.parse(static_cast<int>(arguments.size()), arguments.data());
    } catch (const cxxopts::exceptions::exception& error) {
        throw UsageError(sanitized(error.what()));
    }
}

}  // namespace

std::span<const Verb> verbs() {
    return kVerbs;
}

const Verb* find_verb(std::string_view name) {
    const auto* const found = std::ranges::find(kVerbs, name, &Verb::name);
    return found == kVerbs.end() ? nullptr : found;
}

std::string help_text() {
    const Verb& first = kVerbs.front();
    std::string out = fmt::format("example:  {}\nusage:    peer [VERB] [OPTIONS] {}\n\n",
                                  first.example, first.words);
    for (const Verb& verb : kVerbs) out += fmt::format("  {:<8} {}\n", verb.name, verb.summary);
    out += fmt::format("\noptions of {} (of others: peer help VERB):\n{}", first.name,
                       option_lines(first, ""));
    return out;
}

std::string help_text(const Verb& verb) {
    const std::string options = option_lines(verb, "") + option_lines(verb, kRareOptions);
    return fmt::format("example:  {}\nusage:    peer {}{}{}{}\n\n{}\n{}", verb.example, verb.name,
                       options.empty() ? "" : " [OPTIONS]", verb.words.empty() ? "" : " ",
                       verb.words, verb.summary, options.empty() ? "" : "\n" + options);
}

ExitCode run_command_line(std::span<char* const> arguments, const net::Environment& environment) {
    std::vector<const char*> words(arguments.begin(), arguments.end());
    const Verb* verb = words.size() > 1 ? find_verb(words[1]) : nullptr;
    const bool is_named = verb != nullptr;
    if (is_named) words.erase(words.begin() + 1);
    if (verb == nullptr) verb = &kVerbs.front();
    const auto parsed = parse(*verb, words);
    if (parsed.count("help") > 0) {
        fmt::print("{}", is_named ? help_text(*verb) : help_text());
        return ExitCode::kOk;
    }
    if (parsed.count("version") > 0) return version(parsed, environment);
    return verb->run(parsed, environment);
}

}  // namespace pinhole::peer
