#include "peer/command_line.hpp"

#include <cxxopts.hpp>

#include "peer/text_sanitizer.hpp"
#include "peer/usage_error.hpp"

namespace pinhole::peer {
namespace {

CommandLine read(const cxxopts::ParseResult& parsed) {
    CommandLine out;
    // A value as it was typed: the library itself would cut a list at its commas.
    for (const auto& argument : parsed.arguments()) {
        if (argument.key() == "help") {
            out.asks_help = true;
        } else if (argument.key() == "version") {
            out.asks_version = true;
        } else {
            out.flags.push_back({.name = argument.key(), .value = argument.value()});
        }
    }
    out.words = parsed.unmatched();
    return out;
}

}  // namespace

CommandLine parse_command_line(std::span<const Flag> flags,
                               std::span<const char* const> arguments) {
    cxxopts::Options options{"peer"};
    options.add_options()("h,help", "")("version", "");
    for (const Flag& flag : flags) {
        auto value = cxxopts::value<std::string>();
        if (flag.kind == FlagKind::kSwitch) value->implicit_value("true");
        options.add_options()(std::string{flag.name}, "", value);
    }
    std::vector<const char*> words{"peer"};
    words.insert(words.end(), arguments.begin(), arguments.end());
    try {
        return read(options.parse(static_cast<int>(words.size()), words.data()));
    } catch (const cxxopts::exceptions::exception& error) {
        throw UsageError(sanitized(error.what()));
    }
}

}  // namespace pinhole::peer
