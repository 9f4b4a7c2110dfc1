#include "peer/fd_watch.hpp"

#include <cerrno>
#include <system_error>
#include <utility>

#include <asio/post.hpp>
#include <sys/epoll.h>

#include "shared/net/unique_fd.hpp"

namespace pinhole::peer {

namespace {

std::uint32_t events_of(FdWatch::For what) {
    switch (what) {
        case FdWatch::For::kRead: return EPOLLIN;
        case FdWatch::For::kWrite: return EPOLLOUT;
        // EPOLLERR and EPOLLHUP come unasked.
        case FdWatch::For::kHangUp: return 0;
    }
    return 0;
}

}  // namespace

struct FdWatch::State {
    asio::posix::stream_descriptor epoll;
    std::function<void()> on_ready;
    bool is_waiting = false;
    bool is_gone = false;

    void on_end_of_wait() {
        is_waiting = false;
        if (!is_gone) on_ready();
    }
};

FdWatch::FdWatch(asio::io_context& io, int fd, For what, std::function<void()> on_ready)
    : state_(std::make_shared<State>(
          State{.epoll = asio::posix::stream_descriptor{io}, .on_ready = std::move(on_ready)})) {
    net::UniqueFd epoll{::epoll_create1(EPOLL_CLOEXEC)};
    if (!epoll) throw std::system_error(errno, std::generic_category(), "epoll_create1");
    epoll_event event{};
    event.events = events_of(what);
    // EPERM: it never makes anybody wait.
    if (::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, fd, &event) != 0) return;
    state_->epoll.assign(epoll.release());
}

FdWatch::~FdWatch() {
    state_->is_gone = true;
    std::error_code ignored;
    state_->epoll.cancel(ignored);
}

void FdWatch::wait() {
    if (std::exchange(state_->is_waiting, true)) return;
    if (!state_->epoll.is_open()) {
        asio::post(state_->epoll.get_executor(), [state = state_] { state->on_end_of_wait(); });
        return;
    }
    state_->epoll.async_wait(asio::posix::stream_descriptor::wait_read,
                             [state = state_](std::error_code error) {
                                 state->is_waiting = false;
                                 if (!error) state->on_end_of_wait();
                             });
}

bool FdWatch::is_always_ready() const {
    return !state_->epoll.is_open();
}

}  // namespace pinhole::peer
