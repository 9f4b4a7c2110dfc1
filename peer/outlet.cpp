#include "peer/outlet.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <limits.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace pinhole::peer {
namespace {

/// Written bytes are cut off the front when they are so many, and half of all: rarely, and before
/// they weigh much.
constexpr std::size_t kCutAt = std::size_t{64} << 10U;

int open_anew(int fd) {
    const std::string path = fmt::format("/proc/self/fd/{}", fd);
    return ::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
}

}  // namespace

Outlet::Outlet(asio::io_context& io, int fd, std::function<void()> on_ready)
    : fd_(fd), is_terminal_(::isatty(fd) == 1) {
    struct stat status{};
    const bool is_known = ::fstat(fd, &status) == 0;
    const bool is_device = is_known && S_ISCHR(status.st_mode) && !is_terminal_;
    if (!is_known || S_ISREG(status.st_mode) || is_device) return;
    if (S_ISSOCK(status.st_mode)) {
        way_ = Way::kSocket;
    } else {
        own_ = net::UniqueFd{open_anew(fd)};
        // Else it is another user's pipe or terminal, or a pipe that nobody reads any more.
        way_ = own_ ? Way::kOwn : Way::kShared;
    }
    if (own_) fd_ = own_.get();
    watch_.emplace(io, fd_, FdWatch::For::kWrite, std::move(on_ready));
}

void Outlet::take(std::string_view text) {
    if (error_ == 0) kept_ += text;
}

void Outlet::flush() {
    while (waiting() > 0 && error_ == 0) {
        const long done = write_some(std::string_view{kept_}.substr(done_));
        if (done < 0 && errno == EINTR) continue;
        if (done < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
        if (done < 0) return on_error(errno);
        done_ += static_cast<std::size_t>(done);
        written_ += static_cast<std::uint64_t>(done);
        if (waiting() > 0 && (done_ < kCutAt || done_ < kept_.size() / 2)) continue;
        kept_.erase(0, done_);
        done_ = 0;
    }
}

void Outlet::on_error(int error) {
    error_ = error;
    kept_.clear();
    done_ = 0;
}

long Outlet::write_some(std::string_view text) const {
    switch (way_) {
        case Way::kFile:
        case Way::kOwn: return ::write(fd_, text.data(), text.size());
        case Way::kSocket:
            return ::send(fd_, text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        case Way::kShared: {
            if (is_ready()) {
                // A pipe that is ready takes so much at once (pipe(7)).
                return ::write(fd_, text.data(), std::min<std::size_t>(text.size(), PIPE_BUF));
            }
            errno = EAGAIN;
            return -1;
        }
    }
    return -1;
}

bool Outlet::is_ready() const {
    pollfd watched{.fd = fd_, .events = POLLOUT, .revents = 0};
    // An error counts as well: the write shows it.
    return !watch_ || (::poll(&watched, 1, 0) > 0 && watched.revents != 0);
}

void Outlet::wait() {
    if (watch_) watch_->wait();
}

}  // namespace pinhole::peer
