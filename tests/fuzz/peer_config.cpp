#include "peer/config_file.hpp"
#include "peer/usage_error.hpp"
#include "peer/verbs.hpp"
#include "tests/fuzz/fuzz_input.hpp"

using namespace pinhole;
using namespace pinhole::peer;

// A configuration file: whatever is in it, it sets what some verb knows, or is refused in words.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = as_text(fuzz::input_bytes(data, size));
    try {
        for (const FileEntry& entry : parse_config(text, "/etc/pinhole/fuzz.toml", verbs())) {
            assert(!entry.name.empty());
            assert(entry.place.starts_with("/etc/pinhole/fuzz.toml:"));
        }
    } catch (const UsageError& error) {
        const std::string_view words = error.what();
        assert(words.starts_with("/etc/pinhole/fuzz.toml:"));
        // It goes to a terminal.
        assert(words.find('\x1b') == std::string_view::npos);
    }
    return 0;
}
