#include "peer/config_verb.hpp"

#include <cstdio>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "peer/text_sanitizer.hpp"
#include "peer/verbs.hpp"

namespace pinhole::peer {
namespace {

using Json = nlohmann::ordered_json;

Json json_of(const Flag& flag, const std::string& value) {
    switch (flag.kind) {
        case FlagKind::kSwitch: return value == "true";
        case FlagKind::kNumber: return std::stoul(value);
        case FlagKind::kText:
        case FlagKind::kChoice:
        case FlagKind::kFile: return value;
    }
    return nullptr;
}

Json json_of(const Setting& setting) {
    if (!setting.flag.is_repeatable) {
        return setting.values.empty() ? Json(nullptr)
                                      : json_of(setting.flag, setting.values.front());
    }
    Json out = Json::array();
    for (const std::string& value : setting.values) out.push_back(json_of(setting.flag, value));
    return out;
}

void print_places(const net::Environment& environment) {
    const auto places = ConfigPlaces::from(environment);
    if (places.user) fmt::print("{}\n", places.user->string());
    fmt::print("{}\n", (places.system_folder / "*.toml").string());
}

}  // namespace

std::string config_text(std::string_view verb, const Settings& settings) {
    std::string out = fmt::format("# peer {}\n", verb);
    for (const Setting& setting : settings.all()) {
        out += fmt::format("{:<40} # {}\n", config_line(setting), setting.origin.to_string());
    }
    return out;
}

std::string config_json(std::string_view verb, const Settings& settings) {
    Json object;
    object["v"] = 1;
    object["event"] = "config";
    object["verb"] = verb;
    object["settings"] = Json::object();
    for (const Setting& setting : settings.all()) {
        Json& entry = object["settings"][std::string{setting.flag.name}];
        entry["value"] = json_of(setting);
        entry["origin"] = setting.origin.to_string();
    }
    // Escaped to ASCII; what is no UTF-8 cannot be said in JSON.
    return object.dump(-1, ' ', true, Json::error_handler_t::replace) + "\n";
}

ExitCode run_config(const Settings& settings, const net::Environment& environment) {
    const auto& words = settings.words();
    if (words.size() == 1 && words[0] == "path") {
        print_places(environment);
        return ExitCode::kOk;
    }
    const bool is_show = words.empty() || (words[0] == "show" && words.size() <= 2);
    if (!is_show) throw UsageError("config takes: show [VERB] | path");
    const Verb* const verb = words.size() == 2 ? find_verb(words[1]) : &verbs().front();
    if (verb == nullptr) {
        throw UsageError(fmt::format("there is no verb '{}'", sanitized(words[1])));
    }
    const Settings shown = settings_of(*verb, {}, environment);
    fmt::print("{}", settings.is_set("json") ? config_json(verb->name, shown)
                                             : config_text(verb->name, shown));
    return ExitCode::kOk;
}

}  // namespace pinhole::peer
