#include "peer/input_source.hpp"

#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

namespace pinhole::peer {

InputSource::InputSource(asio::io_context& io, std::function<void()> on_ready) {
    struct stat status{};
    const bool is_known = ::fstat(STDIN_FILENO, &status) == 0;
    const bool is_terminal = ::isatty(STDIN_FILENO) == 1;
    const bool is_device = is_known && S_ISCHR(status.st_mode) && !is_terminal;
    if (is_known && !S_ISREG(status.st_mode) && !is_device) {
        constexpr int kFlags = O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY;
        int fd = is_terminal ? ::open("/dev/tty", kFlags) : -1;
        if (fd < 0) fd = ::open("/proc/self/fd/0", kFlags);
        own_ = net::UniqueFd{fd};
        // A socket, or another user's pipe, cannot be opened anew.
        way_ = own_ ? Way::kOwn : Way::kShared;
    }
    watch_.emplace(io, own_ ? own_.get() : STDIN_FILENO, FdWatch::For::kRead, std::move(on_ready));
}

long InputSource::read(MutableBytes into) {
    const int fd = own_ ? own_.get() : STDIN_FILENO;
    if (way_ == Way::kShared) {
        pollfd watched{.fd = fd, .events = POLLIN, .revents = 0};
        if (::poll(&watched, 1, 0) == 0) {
            errno = EAGAIN;
            return -1;
        }
    }
    long got = -1;
    do {
        got = ::read(fd, into.data(), into.size());
    } while (got < 0 && errno == EINTR);
    return got;
}

}  // namespace pinhole::peer
