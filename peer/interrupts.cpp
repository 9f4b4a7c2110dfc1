#include "peer/interrupts.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

namespace pinhole::peer {
namespace {

// A signal's function has no argument of ours, so what it needs must be global. All of it is set
// before it is used and of types that such a function may touch.
// NOLINTBEGIN(cppcoreguidelines-avoid-non-const-global-variables)
volatile std::sig_atomic_t g_count = 0;
volatile std::sig_atomic_t g_wake_fd = -1;
volatile std::sig_atomic_t g_terminal_fd = -1;
termios g_terminal{};
// NOLINTEND(cppcoreguidelines-avoid-non-const-global-variables)

constexpr std::array kSignals{SIGINT, SIGTERM};

extern "C" void on_signal(int number) {
    const int saved_errno = errno;
    g_count = g_count + 1;
    if (g_count > 1) {
        if (g_terminal_fd >= 0) ::tcsetattr(g_terminal_fd, TCSANOW, &g_terminal);
        ::_exit(128 + number);
    }
    const auto byte = static_cast<unsigned char>(number);
    // The pipe is empty, so this cannot fail.
    if (::write(g_wake_fd, &byte, 1) < 0) ::_exit(128 + number);
    errno = saved_errno;
}

/// Without SA_RESTART, so that a write that waits for its reader ends.
void install(int number, void (*function)(int)) {
    struct sigaction action{};
    action.sa_handler = function;
    ::sigemptyset(&action.sa_mask);
    if (::sigaction(number, &action, nullptr) != 0) {
        throw std::system_error(errno, std::generic_category(), "sigaction");
    }
}

int open_wake_pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0) {
        throw std::system_error(errno, std::generic_category(), "pipe2");
    }
    g_wake_fd = ends[1];
    return ends[0];
}

}  // namespace

Interrupts::Interrupts(asio::io_context& io, std::function<void(int signal)> on_first)
    : pipe_(io, open_wake_pipe()), on_first_(std::move(on_first)) {
    for (const int number : kSignals) install(number, &on_signal);
    install(SIGPIPE, SIG_IGN);
    wait();
}

Interrupts::~Interrupts() {
    for (const int number : kSignals) ::signal(number, SIG_DFL);
    ::close(g_wake_fd);
    g_wake_fd = -1;
}

void Interrupts::remember_terminal(int fd) {
    g_terminal_fd = -1;
    if (fd >= 0 && ::tcgetattr(fd, &g_terminal) == 0) g_terminal_fd = fd;
}

void Interrupts::wait() {
    pipe_.async_wait(asio::posix::stream_descriptor::wait_read, [this](std::error_code error) {
        if (error) return;
        unsigned char number = 0;
        if (::read(pipe_.native_handle(), &number, 1) != 1) return wait();
        on_first_(number);
    });
}

}  // namespace pinhole::peer
