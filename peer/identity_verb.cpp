#include "peer/identity_verb.hpp"

#include <cstdio>

#include <fmt/format.h>
#include <unistd.h>

#include "peer/qr_code.hpp"
#include "peer/text_sanitizer.hpp"
#include "shared/crypto/sodium.hpp"
#include "shared/net/key_file.hpp"
#include "shared/net/state_dir.hpp"

namespace pinhole::peer {

ExitCode run_id(const Settings& settings, const net::Environment& environment) {
    if (!settings.words().empty()) throw UsageError("id takes no further words");
    crypto::SystemRandom random;
    if (const auto file = settings.text("new-psk")) {
        net::create_group_key(*file, random);
        fmt::print(
            stderr,
            "group key written to {0}; bring it to every member, then: peer --psk-file {0}\n",
            sanitized(*file));
        return ExitCode::kOk;
    }
    const Id id = own_id(settings);
    const auto path = net::identity_path(net::state_directory(environment), id.text());
    const auto identity = net::show_identity(path, random);
    if (identity.is_new) fmt::print(stderr, "new identity, saved in {}\n", path.string());
    const std::string line = fmt::format("{} {}", id, identity.public_key);
    fmt::print("{}\n", line);
    // On paper dark is ink; most terminals write light on dark.
    if (settings.is_set("qr")) fmt::print("{}", qr_code(line, ::isatty(STDOUT_FILENO) == 1));
    return ExitCode::kOk;
}

}  // namespace pinhole::peer
