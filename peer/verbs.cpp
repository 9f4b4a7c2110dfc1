#include "peer/verbs.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <vector>

#include <fmt/format.h>

#include "peer/chat.hpp"
#include "peer/command_line.hpp"
#include "peer/completion.hpp"
#include "peer/config_verb.hpp"
#include "peer/doctor.hpp"
#include "peer/forward/forward.hpp"
#include "peer/help.hpp"
#include "peer/identity_verb.hpp"
#include "peer/manual.hpp"
#include "peer/ping.hpp"
#include "peer/pipe.hpp"
#include "peer/receive.hpp"
#include "peer/send.hpp"
#include "peer/status_verb.hpp"
#include "peer/text_sanitizer.hpp"
#include "peer/trust_verb.hpp"

namespace pinhole::peer {
namespace {

/// A verb whose settings become a struct first.
template <auto options_of, auto run>
ExitCode with_options(const Settings& settings, const net::Environment& environment) {
    return run(options_of(settings), environment);
}

ExitCode print_version() {
    fmt::print("peer {} (pinhole)\n", PINHOLE_VERSION);
    return ExitCode::kOk;
}

ExitCode version(const Settings& /*settings*/, const net::Environment& /*environment*/) {
    return print_version();
}

ExitCode help(const Settings& settings, const net::Environment& /*environment*/) {
    const auto& names = settings.words();
    if (names.empty()) {
        fmt::print("{}", help_text(verbs()));
        return ExitCode::kOk;
    }
    const Verb* const verb = find_verb(names.front());
    if (verb == nullptr && names.front() == "man") {  // For scripts/make_manual.
        fmt::print("{}", manual_parts(verbs()));
        return ExitCode::kOk;
    }
    if (verb == nullptr) {
        throw UsageError(fmt::format("there is no verb '{}'", sanitized(names.front())));
    }
    fmt::print("{}", help_text(*verb));
    return ExitCode::kOk;
}

constexpr std::array kVerbs{
    Verb{"chat", "talk with peers (also without this word)", "[PEER...]",
         "peer --id bob --via 203.0.113.7 alice", kChatFlags,
         &with_options<&chat_options, &run_chat>},
    Verb{"send", "files and directories to a peer", "FILE... PEER",
         "peer send --id bob --via 203.0.113.7 photos/ alice", kSendFlags,
         &with_options<&send_options, &run_send>},
    Verb{"receive", "files that others send", "[DIR]",
         "peer receive --id alice --via 203.0.113.7 Downloads", kReceiveFlags,
         &with_options<&receive_options, &run_receive>},
    Verb{"pipe", "join stdin and stdout with those of a peer", "[PEER]",
         "peer pipe --id bob --via 203.0.113.7 alice <file", kPipeFlags,
         &with_options<&pipe_options, &run_pipe>},
    Verb{"forward", "TCP and UDP ports through a peer, both directions", "[PEER]",
         "peer forward --via 203.0.113.7 --local 2222:127.0.0.1:22 alice", kForwardFlags,
         &with_options<&forward_options, &run_forward>},
    Verb{"ping", "the path to a peer, and its round-trip time", "PEER",
         "peer ping --id bob --via 203.0.113.7 --until-direct alice", kPingFlags,
         &with_options<&ping_options, &run_ping>},
    Verb{"doctor", "what this network does, how a peer is reached, and advice", "[PEER]",
         "peer doctor --id bob --via 203.0.113.7 alice", kDoctorFlags,
         &with_options<&doctor_options, &run_doctor>},
    Verb{"status", "how the peers that run here stand", "", "peer status", kStatusFlags,
         &run_status},
    Verb{"wait", "wait until a peer that runs here is connected to PEER", "PEER",
         "peer wait --timeout 60 --direct alice", kWaitVerbFlags, &run_wait},
    Verb{"id", "show my name and key; --new-psk makes a group's key", "", "peer id --id bob",
         kIdentityFlags, &run_id},
    Verb{"trust", "the keys that are known, and words to compare them by",
         "list | verify PEER | remove PEER | replace PEER KEY", "peer trust verify --id bob alice",
         kTrustFlags, &run_trust},
    Verb{"config", "show what is set and by whom, and where the files are", "[show [VERB]] | path",
         "peer config show ping", kConfigFlags, &run_config},
    Verb{"completion",
         "what makes a shell complete these words",
         "bash | zsh | fish",
         "peer completion bash > ~/.local/share/bash-completion/completions/peer",
         {},
         &run_completion},
    Verb{"version", "show the version", "", "peer version", {}, &version},
    Verb{"help", "show this, or the help of a verb", "[VERB]", "peer help ping", {}, &help},
};

}  // namespace

std::span<const Verb> verbs() {
    return kVerbs;
}

const Verb* find_verb(std::string_view name) {
    return find_verb(kVerbs, name);
}

Settings settings_of(const Verb& verb, const CommandLine& given,
                     const net::Environment& environment) {
    // A verb without flags works however wrong the files are.
    const auto entries = verb.flags.empty() ? std::vector<FileEntry>{}
                                            : read_config(ConfigPlaces::from(environment), kVerbs);
    return Settings{
        verb.name, verb.flags, {.given = given, .environment = environment, .entries = entries}};
}

ExitCode run_command_line(std::span<char* const> arguments, const net::Environment& environment) {
    // Some systems start a program without even its name.
    const auto after_name = arguments.subspan(std::min<std::size_t>(arguments.size(), 1));
    std::vector<const char*> words(after_name.begin(), after_name.end());
    const Verb* verb = words.empty() ? nullptr : find_verb(words.front());
    const bool is_named = verb != nullptr;
    if (is_named) words.erase(words.begin());
    if (verb == nullptr) verb = &kVerbs.front();
    const CommandLine given = parse_command_line(verb->flags, words);
    if (given.asks_help) {
        fmt::print("{}", is_named ? help_text(*verb) : help_text(kVerbs));
        return ExitCode::kOk;
    }
    if (given.asks_version) return print_version();
    return verb->run(settings_of(*verb, given, environment), environment);
}

}  // namespace pinhole::peer
