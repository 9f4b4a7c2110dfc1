#include "peer/input_source.hpp"

#include <cerrno>
#include <string>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

namespace pinhole::peer {

InputSource::InputSource(asio::io_context& io, int fd, std::function<void()> on_ready) : fd_(fd) {
    struct stat status{};
    const bool is_known = ::fstat(fd, &status) == 0;
    const bool is_terminal = ::isatty(fd) == 1;
    const bool is_device = is_known && S_ISCHR(status.st_mode) && !is_terminal;
    if (is_known && !S_ISREG(status.st_mode) && !is_device) {
        constexpr int kFlags = O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY;
        const std::string path = fmt::format("/proc/self/fd/{}", fd);
        own_ = net::UniqueFd{is_terminal ? ::open("/dev/tty", kFlags) : -1};
        if (!own_) own_ = net::UniqueFd{::open(path.c_str(), kFlags)};
        // A socket, or another user's pipe, cannot be opened anew.
        way_ = own_ ? Way::kOwn : Way::kShared;
    }
    if (own_) fd_ = own_.get();
    watch_.emplace(io, fd_, FdWatch::For::kRead, std::move(on_ready));
}

long InputSource::read(MutableBytes into) {
    if (way_ == Way::kShared) {
        pollfd watched{.fd = fd_, .events = POLLIN, .revents = 0};
        if (::poll(&watched, 1, 0) == 0) {
            errno = EAGAIN;
            return -1;
        }
    }
    long got = -1;
    do {
        got = ::read(fd_, into.data(), into.size());
    } while (got < 0 && errno == EINTR);
    return got;
}

}  // namespace pinhole::peer
