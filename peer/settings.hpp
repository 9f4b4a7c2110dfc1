// What the flags of a verb are set to, and by whom.
//
// Each flag has the value of the strongest source that gives one: the command line, the
// environment, the configuration files (strongest first), the flag's own initial value. Refuses
// values that a flag's kind does not take, and names where they come from.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "peer/command_line.hpp"
#include "peer/flag.hpp"
#include "peer/usage_error.hpp"
#include "shared/net/state_dir.hpp"

namespace pinhole::peer {

enum class Source : std::uint8_t { kDefault, kFile, kEnvironment, kCommandLine };

struct Origin {
    Source source = Source::kDefault;
    /// `FILE:LINE` or the name of the variable; empty for the other two.
    std::string place{};

    /// The place, or "command line", or "default".
    [[nodiscard]] std::string to_string() const;
};

/// A flag with its values: none, one, or several for a repeatable flag. Those of a switch are
/// "true" or "false".
struct Setting {
    Flag flag;
    std::vector<std::string> values{};
    Origin origin{};
};

/// What one place in a configuration file sets.
struct FileEntry {
    /// For this verb alone; empty for all that have the flag.
    std::string verb{};
    std::string name;
    std::vector<std::string> values;
    /// `FILE:LINE`.
    std::string place;
};

/// Answers for the flags of one verb. Asking for a flag that the verb does not have is our own
/// mistake, and asserted.
class Settings {
  public:
    /// Where the values come from, beside the flags themselves. Borrowed for the call.
    struct Sources {
        const CommandLine& given;
        const net::Environment& environment;
        /// Strongest first; those for other verbs and flags are left alone.
        std::span<const FileEntry> entries{};
    };

    /// Of the verb with this name and these flags. Throws UsageError.
    Settings(std::string_view verb, std::span<const Flag> flags, const Sources& sources);

    /// The value; nothing when there is none.
    [[nodiscard]] std::optional<std::string> text(std::string_view name) const;
    /// All values of a repeatable flag.
    [[nodiscard]] const std::vector<std::string>& texts(std::string_view name) const;
    [[nodiscard]] std::optional<std::uint32_t> number(std::string_view name) const;
    /// Of a switch.
    [[nodiscard]] bool is_set(std::string_view name) const;
    /// Given by the words of this very call: only then is it worth a complaint when a flag has
    /// nothing to do beside the others.
    [[nodiscard]] bool is_on_command_line(std::string_view name) const;

    [[nodiscard]] const Origin& origin(std::string_view name) const;
    [[nodiscard]] std::span<const Setting> all() const { return settings_; }
    /// What is no flag on the command line.
    [[nodiscard]] const std::vector<std::string>& words() const { return words_; }

  private:
    [[nodiscard]] const Setting& setting(std::string_view name) const;

    std::vector<Setting> settings_;
    std::vector<std::string> words_;
};

/// Refuses, by a UsageError, what the flag's kind does not take; 1 and 0 become true and false.
/// `place` as in Origin, empty on the command line.
void check_values(const Flag& flag, std::vector<std::string>& values, std::string_view place);

/// "auto, always or never".
[[nodiscard]] std::string listed(std::span<const std::string_view> choices);

}  // namespace pinhole::peer
