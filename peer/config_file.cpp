#include "peer/config_file.hpp"

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <sstream>
#include <system_error>

#include <fmt/format.h>
#include <toml++/toml.h>

#include "peer/text_sanitizer.hpp"

namespace pinhole::peer {
namespace {

namespace fs = std::filesystem;

/// One file on its way to entries.
class Reader {
  public:
    Reader(const fs::path& file, std::span<const Verb> verbs)
        : file_(file), verbs_(verbs), all_flags_(all_flags(verbs)) {}

    std::vector<FileEntry> read(std::string_view text) {
        try {
            const toml::table all = toml::parse(text);
            for (const auto& [key, node] : all) read_top(key, node);
        } catch (const toml::parse_error& error) {
            throw UsageError(fmt::format("{}: {}", place(error.source()),
                                         sanitized(std::string{error.description()})));
        }
        // What a verb has for itself is stronger than what all have.
        std::ranges::move(for_all_, std::back_inserter(for_one_));
        return std::move(for_one_);
    }

  private:
    void read_top(const toml::key& key, const toml::node& node) {
        const toml::table* const table = node.as_table();
        if (table == nullptr) {
            add("", all_flags_, key, node);
            return;
        }
        const Verb* const verb = find_verb(verbs_, key.str());
        if (verb == nullptr) complain(key, fmt::format("there is no verb '{}'", name_of(key)));
        for (const auto& [inner, value] : *table) add(verb->name, verb->flags, inner, value);
    }

    void add(std::string_view verb, std::span<const Flag> flags, const toml::key& key,
             const toml::node& node) {
        const Flag* const flag = find_flag(flags, key.str());
        if (flag == nullptr) {
            complain(key, verb.empty() ? fmt::format("no verb has an option '{}'", name_of(key))
                                       : fmt::format("{} has no option '{}'", verb, name_of(key)));
        }
        FileEntry entry{.verb = std::string{verb},
                        .name = std::string{flag->name},
                        .values = {},
                        .place = place(key.source())};
        if (const toml::array* const array = node.as_array()) {
            if (!flag->is_repeatable) {
                complain(key, fmt::format("{} takes one value", flag->name));
            }
            for (const toml::node& each : *array) {
                entry.values.push_back(value_of(*flag, key, each));
            }
        } else {
            entry.values.push_back(value_of(*flag, key, node));
        }
        check_values(*flag, entry.values, entry.place);
        (verb.empty() ? for_all_ : for_one_).push_back(std::move(entry));
    }

    [[nodiscard]] std::string value_of(const Flag& flag, const toml::key& key,
                                       const toml::node& node) const {
        if (const auto* const flag_value = node.as_boolean()) return *flag_value ? "true" : "false";
        if (const auto* const number = node.as_integer()) return fmt::format("{}", number->get());
        const auto* const text = node.as_string();
        if (text == nullptr) {
            complain(key, fmt::format("{} takes a text, a number, true or false", flag.name));
        }
        if (flag.kind != FlagKind::kFile || **text == "-") return text->get();
        return (file_.parent_path() / text->get()).string();
    }

    [[nodiscard]] std::string place(const toml::source_region& region) const {
        return fmt::format("{}:{}", sanitized(file_.string()), region.begin.line);
    }

    static std::string name_of(const toml::key& key) { return sanitized(std::string{key.str()}); }

    [[noreturn]] void complain(const toml::key& key, const std::string& what) const {
        throw UsageError(fmt::format("{}: {}", place(key.source()), what));
    }

    const fs::path& file_;
    std::span<const Verb> verbs_;
    const std::vector<Flag> all_flags_;
    std::vector<FileEntry> for_one_;
    std::vector<FileEntry> for_all_;
};

std::string content_of(const fs::path& file) {
    std::ifstream in{file, std::ios::binary};
    std::string out(kConfigBytesMax + 1, '\0');
    errno = 0;
    in.read(out.data(), static_cast<std::streamsize>(out.size()));
    if (!in.eof() && in.fail()) {
        throw std::system_error(errno, std::generic_category(),
                                fmt::format("cannot read {}", file.string()));
    }
    out.resize(static_cast<std::size_t>(in.gcount()));
    if (out.size() > kConfigBytesMax) {
        throw UsageError(
            fmt::format("{} is longer than {} bytes", sanitized(file.string()), kConfigBytesMax));
    }
    return out;
}

template <class Value>
void write(std::ostream& out, const Value& value) {
    // One line, whatever the value holds.
    out << toml::toml_formatter{toml::value{value}, toml::format_flags::none};
}

void write_value(std::ostream& out, const Flag& flag, const std::string& value) {
    switch (flag.kind) {
        case FlagKind::kSwitch:
        case FlagKind::kNumber: out << value; return;
        case FlagKind::kText:
        case FlagKind::kChoice:
        case FlagKind::kFile: write(out, value); return;
    }
}

}  // namespace

ConfigPlaces ConfigPlaces::from(const net::Environment& environment) {
    ConfigPlaces out{.user = std::nullopt, .system_folder = "/etc/pinhole"};
    try {
        out.user = net::config_directory(environment) / "config.toml";
    } catch (const std::runtime_error&) {
        return out;  // A service without a home has the system's files alone.
    }
    return out;
}

std::vector<fs::path> config_files(const ConfigPlaces& places) {
    std::vector<fs::path> out;
    std::error_code ignored;  // What cannot be looked at is not there.
    for (const auto& entry : fs::directory_iterator{places.system_folder, ignored}) {
        if (entry.path().extension() == ".toml" && entry.is_regular_file(ignored)) {
            out.push_back(entry.path());
        }
    }
    std::ranges::sort(out, std::ranges::greater{});
    if (places.user && fs::is_regular_file(*places.user, ignored)) {
        out.insert(out.begin(), *places.user);
    }
    return out;
}

std::vector<FileEntry> parse_config(std::string_view text, const fs::path& file,
                                    std::span<const Verb> verbs) {
    return Reader{file, verbs}.read(text);
}

std::vector<FileEntry> read_config(const ConfigPlaces& places, std::span<const Verb> verbs) {
    std::vector<FileEntry> out;
    for (const fs::path& file : config_files(places)) {
        std::ranges::move(parse_config(content_of(file), file, verbs), std::back_inserter(out));
    }
    return out;
}

std::string config_line(const Setting& setting) {
    std::ostringstream out;
    const auto& values = setting.values;
    if (values.empty()) out << "# ";
    out << setting.flag.name << " =";
    if (values.empty()) return out.str();
    out << ' ';
    if (setting.flag.is_repeatable) out << "[";
    for (std::size_t i = 0; i < values.size(); ++i) {
        if (i > 0) out << ", ";
        write_value(out, setting.flag, values[i]);
    }
    if (setting.flag.is_repeatable) out << "]";
    return out.str();
}

}  // namespace pinhole::peer
