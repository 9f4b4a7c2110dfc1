// The user's tool. See `peer help`; the work is in run_command_line.
#include <cerrno>
#include <clocale>
#include <cstdio>
#include <exception>
#include <span>
#include <string_view>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <langinfo.h>
#include <unistd.h>

#include "peer/text_sanitizer.hpp"
#include "peer/verbs.hpp"
#include "shared/net/state_dir.hpp"

namespace pinhole::peer {
namespace {

/// libedit drops what is not ASCII unless the locale knows UTF-8.
void choose_locale() {
    const bool is_set = std::setlocale(LC_CTYPE, "") != nullptr;
    if (!is_set || std::string_view{::nl_langinfo(CODESET)} != "UTF-8") {
        static_cast<void>(std::setlocale(LC_CTYPE, "C.UTF-8"));
    }
}

/// A socket must never get the number of a standard stream that somebody closed.
void fill_standard_streams() {
    int fd = 0;
    do {
        fd = ::open("/dev/null", O_RDWR);
    } while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd > STDERR_FILENO) ::close(fd);
}

int run(std::span<char* const> arguments) {
    try {
        const ExitCode code = run_command_line(arguments, net::process_environment());
        if (std::fflush(stdout) != 0) {
            throw std::system_error(errno, std::generic_category(), "standard output");
        }
        return static_cast<int>(code);
    } catch (const UsageError& error) {
        fmt::print(stderr, "peer: {}\ntry: peer help\n", sanitized(error.what()));
        return static_cast<int>(ExitCode::kUsage);
    } catch (const std::exception& error) {
        // It may quote a path, and so whatever somebody named a file.
        fmt::print(stderr, "peer: {}\n", sanitized(error.what()));
        return static_cast<int>(ExitCode::kOther);
    }
}

}  // namespace
}  // namespace pinhole::peer

int main(int argc, char** argv) {
    pinhole::peer::fill_standard_streams();
    pinhole::peer::choose_locale();
    return pinhole::peer::run({argv, static_cast<std::size_t>(argc)});
}
