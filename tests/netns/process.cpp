#include "tests/netns/process.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <stdexcept>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace pinhole::netns {
namespace {

struct PipeEnds {
    int read = -1;
    int write = -1;
};

void require(bool good, const char* what) {
    if (!good) throw std::system_error(errno, std::generic_category(), what);
}

PipeEnds make_pipe() {
    std::array<int, 2> ends{};
    require(pipe2(ends.data(), O_CLOEXEC) == 0, "pipe2");
    return {ends[0], ends[1]};
}

void close_if_open(int& fd) {
    if (fd >= 0) close(fd);
    fd = -1;
}

std::vector<char*> pointers(std::vector<std::string>& words) {
    std::vector<char*> result;
    result.reserve(words.size() + 1);
    for (std::string& word : words) result.push_back(word.data());
    result.push_back(nullptr);
    return result;
}

std::vector<std::string> merged_environment(const std::vector<std::string>& additions) {
    std::vector<std::string> result = additions;
    for (char** entry = environ; *entry != nullptr; ++entry) {
        const std::string_view text = *entry;
        const std::string_view name = text.substr(0, text.find('=') + 1);
        bool replaced = name.starts_with("PINHOLE_");
        for (const std::string& addition : additions) replaced |= addition.starts_with(name);
        if (!replaced) result.emplace_back(text);
    }
    return result;
}

// The three descriptors become 0, 1 and 2 of the child; SIGPIPE, which our main ignores, ends it as
// usual.
pid_t spawn(const Launch& launch, const std::array<int, 3>& descriptors) {
    std::vector<std::string> arguments = launch.argv;
    std::vector<std::string> environment = merged_environment(launch.environment);
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    int target = 0;
    for (const int fd : descriptors) posix_spawn_file_actions_adddup2(&actions, fd, target++);
    sigset_t defaults;
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    pid_t pid = -1;
    const int error = posix_spawnp(&pid, arguments.at(0).c_str(), &actions, &attributes,
                                   pointers(arguments).data(), pointers(environment).data());
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    if (error != 0) throw std::system_error(error, std::generic_category(), arguments.at(0));
    return pid;
}

}  // namespace

Process::Process(const Launch& launch) : name_(launch.name) {
    PipeEnds in = make_pipe();
    PipeEnds out = make_pipe();
    PipeEnds err = make_pipe();
    pid_ = spawn(launch, {in.read, out.write, err.write});
    for (int* fd : {&in.read, &out.write, &err.write}) close_if_open(*fd);
    input_ = in.write;
    output_.fd = out.read;
    error_.fd = err.read;
    for (const int fd : {output_.fd, error_.fd}) {
        require(fcntl(fd, F_SETFL, O_NONBLOCK) == 0, "fcntl");
    }
    // The declaration in glibc 2.36 lacks C linkage, so its wrapper cannot be called from C++.
    exit_fd_ = static_cast<int>(syscall(SYS_pidfd_open, pid_, 0));
    require(exit_fd_ >= 0, "pidfd_open");
}

Process::~Process() {
    if (!status_) {
        send_signal(SIGKILL);
        waitpid(pid_, nullptr, 0);
    }
    for (int* fd : {&input_, &output_.fd, &error_.fd, &exit_fd_}) close_if_open(*fd);
}

void Process::write_line(std::string_view text) const {
    if (input_ < 0) return;
    std::string line{text};
    line += '\n';
    std::string_view rest = line;
    while (!rest.empty()) {
        const ssize_t written = write(input_, rest.data(), rest.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return;
        rest.remove_prefix(static_cast<std::size_t>(written));
    }
}

std::size_t Process::bytes_unread() const {
    int count = 0;
    return ioctl(output_.fd, FIONREAD, &count) == 0 ? static_cast<std::size_t>(count) : 0;
}

void Process::close_input() {
    close_if_open(input_);
}

void Process::close_output() {
    close_if_open(output_.fd);
}

void Process::send_signal(int signal) const {
    if (!status_) ::kill(pid_, signal);
}

std::optional<Line> Process::wait_for_line(const Predicate& wanted, Milliseconds timeout,
                                           std::size_t since) {
    const auto deadline = Clock::now() + timeout;
    std::size_t looked_at = since;
    while (true) {
        for (; looked_at < lines_.size(); ++looked_at) {
            if (wanted(lines_[looked_at])) return lines_[looked_at];
        }
        const auto left = std::chrono::ceil<Milliseconds>(deadline - Clock::now());
        if (left <= Milliseconds{0} || status_) return std::nullopt;
        pump(left);
    }
}

std::optional<int> Process::wait_for_exit(Milliseconds timeout) {
    const auto deadline = Clock::now() + timeout;
    while (!status_) {
        const auto left = std::chrono::ceil<Milliseconds>(deadline - Clock::now());
        if (left <= Milliseconds{0}) break;
        pump(left);
    }
    return status_;
}

std::string Process::log() const {
    std::string result = fmt::format("--- {} ({})\n", name_,
                                     status_ ? fmt::format("exit status {}", *status_) : "runs");
    for (const Line& line : lines_) {
        result += fmt::format("{:7} ms {} {}\n", line.at.count(),
                              line.stream == Stream::kOut ? "out" : "err", line.text);
    }
    return result;
}

// Waits until something can be read or the process ends, and takes in all there is.
void Process::pump(Milliseconds timeout) {
    std::array<pollfd, 3> watched{{{is_output_stalled_ ? -1 : output_.fd, POLLIN, 0},
                                   {error_.fd, POLLIN, 0},
                                   {exit_fd_, POLLIN, 0}}};
    if (poll(watched.data(), watched.size(), static_cast<int>(timeout.count())) <= 0) return;
    if (!is_output_stalled_) read_from(output_, Stream::kOut);
    read_from(error_, Stream::kErr);
    if (watched[2].revents != 0) reap();
}

void Process::read_from(Pipe& pipe, Stream stream) {
    std::array<char, 4096> chunk{};
    ssize_t count = 0;
    while (pipe.fd >= 0 && (count = read(pipe.fd, chunk.data(), chunk.size())) > 0) {
        pipe.partial.append(chunk.data(), static_cast<std::size_t>(count));
    }
    const auto at = std::chrono::floor<Milliseconds>(Clock::now() - started_);
    std::size_t end = 0;
    while ((end = pipe.partial.find('\n')) != std::string::npos) {
        lines_.push_back({stream, at, pipe.partial.substr(0, end)});
        pipe.partial.erase(0, end + 1);
    }
    if (pipe.fd < 0 || count != 0) return;
    if (!pipe.partial.empty()) lines_.push_back({stream, at, std::move(pipe.partial)});
    pipe.partial.clear();
    close_if_open(pipe.fd);
}

void Process::reap() {
    int raw = 0;
    if (waitpid(pid_, &raw, WNOHANG) != pid_) return;
    status_ = WIFEXITED(raw) ? WEXITSTATUS(raw) : 128 + WTERMSIG(raw);
    // What it wrote last may have arrived since the pipes were read.
    read_from(output_, Stream::kOut);
    read_from(error_, Stream::kErr);
}

}  // namespace pinhole::netns
