#include "peer/forward/forward_options.hpp"

#include <fmt/format.h>

#include "peer/text_sanitizer.hpp"

namespace pinhole::peer {
namespace {

std::vector<ForwardSpec> specs_of(const Settings& settings, std::string_view flag) {
    std::vector<ForwardSpec> out;
    for (const std::string& text : settings.texts(flag)) {
        auto spec = parse_forward_spec(text);
        if (!spec) throw UsageError(fmt::format("--{} {}", flag, sanitized(spec.error())));
        out.push_back(std::move(*spec));
    }
    return out;
}

AllowList rules_of(const Settings& settings, std::string_view flag) {
    std::vector<AllowRule> out;
    for (const std::string& text : settings.texts(flag)) {
        auto rule = AllowRule::parse(text);
        if (!rule) throw UsageError(fmt::format("--{} {}", flag, sanitized(rule.error())));
        out.push_back(std::move(*rule));
    }
    return AllowList{std::move(out)};
}

}  // namespace

ForwardOptions forward_options(const Settings& settings) {
    ForwardOptions out;
    out.station = station_options(settings);
    out.station.accept = accept_of(settings);
    if (settings.words().size() > 1) throw UsageError("forward takes one PEER at most");
    if (!settings.words().empty()) {
        out.peer = other_peer(settings.words().front(), out.station.id);
    }
    out.local = specs_of(settings, "local");
    out.reverse = specs_of(settings, "reverse");
    out.allow = rules_of(settings, "allow");
    out.allow_bind = rules_of(settings, "allow-bind");
    const bool asks = !out.local.empty() || !out.reverse.empty();
    if (asks && !out.peer) throw UsageError("--local and --reverse need a PEER");
    if (out.peer && !asks) throw UsageError("what to forward? Give --local or --reverse");
    if (!asks && out.allow.empty() && out.allow_bind.empty()) {
        throw UsageError("nothing to do: give --allow HOST:PORT, or --local SPEC and a PEER");
    }
    return out;
}

}  // namespace pinhole::peer
