#include "tests/vnet/control_socket.hpp"

#include <cerrno>
#include <system_error>

#include <sys/socket.h>
#include <sys/un.h>

#include "tests/vnet/control.hpp"

namespace pinhole::vnet {

ControlSocket::ControlSocket(std::filesystem::path path)
    : path_(std::move(path)), fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path_.native().size() >= sizeof address.sun_path) {
        throw std::system_error(ENAMETOOLONG, std::generic_category(), path_);
    }
    path_.native().copy(static_cast<char*>(address.sun_path), sizeof address.sun_path - 1);
    if (::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        throw std::system_error(errno, std::generic_category(), path_);
    }
}

ControlSocket::~ControlSocket() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
}

void ControlSocket::serve(Network& network) const {
    std::array<char, 4096> command{};
    sockaddr_un from{};
    while (true) {
        socklen_t from_size = sizeof from;
        const ssize_t size = ::recvfrom(fd_.get(), command.data(), command.size(), 0,
                                        reinterpret_cast<sockaddr*>(&from), &from_size);
        if (size < 0) return;
        const std::string answer =
            execute(network, {command.data(), static_cast<std::size_t>(size)});
        // Whoever has not bound its socket, or is gone, does not want one.
        ::sendto(fd_.get(), answer.data(), answer.size(), MSG_DONTWAIT,
                 reinterpret_cast<const sockaddr*>(&from), from_size);
    }
}

}  // namespace pinhole::vnet
