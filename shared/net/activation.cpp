#include "shared/net/activation.hpp"

#include <charconv>
#include <stdexcept>
#include <string>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

namespace pinhole::net {
namespace {

/// SD_LISTEN_FDS_START.
constexpr int kFirstDescriptor = 3;
/// More than any unit file has sockets.
constexpr int kDescriptorsMax = 64;

std::optional<int> number_in(const std::optional<std::string>& text) {
    int value = 0;
    if (!text) return std::nullopt;
    const char* const end = text->data() + text->size();
    const auto read = std::from_chars(text->data(), end, value);
    if (read.ec != std::errc{} || read.ptr != end) return std::nullopt;
    return value;
}

bool is_listening_stream(int fd) {
    const auto option = [fd](int name) {
        int value = -1;
        socklen_t size = sizeof value;
        return ::getsockopt(fd, SOL_SOCKET, name, &value, &size) == 0 ? value : -1;
    };
    const int domain = option(SO_DOMAIN);
    return (domain == AF_INET || domain == AF_INET6) && option(SO_TYPE) == SOCK_STREAM &&
           option(SO_ACCEPTCONN) == 1;
}

}  // namespace

std::vector<UniqueFd> take_activated_sockets(const Environment& environment) {
    std::vector<UniqueFd> out;
    const auto pid = number_in(environment("LISTEN_PID"));
    const auto count = number_in(environment("LISTEN_FDS"));
    if (pid != ::getpid() || !count || *count < 0 || *count > kDescriptorsMax) return out;
    for (int fd = kFirstDescriptor; fd < kFirstDescriptor + *count; ++fd) {
        if (!is_listening_stream(fd)) {
            throw std::runtime_error(fmt::format(
                "the inherited descriptor {} is no listening TCP socket; in the socket unit use: "
                "ListenStream=443",
                fd));
        }
        ::fcntl(fd, F_SETFD, FD_CLOEXEC);
        out.emplace_back(fd);
    }
    return out;
}

}  // namespace pinhole::net
