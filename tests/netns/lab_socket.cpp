#include "tests/netns/lab_socket.hpp"

#include <array>
#include <cerrno>
#include <memory>
#include <stdexcept>
#include <system_error>

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

namespace pinhole::netns {
namespace {

void require(bool good, const std::string& what) {
    if (!good) throw std::system_error(errno, std::generic_category(), what);
}

struct AddressListDeleter {
    void operator()(addrinfo* list) const { freeaddrinfo(list); }
};
using AddressList = std::unique_ptr<addrinfo, AddressListDeleter>;

AddressList parse(const Place& place) {
    addrinfo hints{};
    hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
    hints.ai_socktype = SOCK_DGRAM;
    addrinfo* list = nullptr;
    const std::string port = std::to_string(place.port);
    if (getaddrinfo(place.address.c_str(), port.c_str(), &hints, &list) != 0) {
        throw std::invalid_argument(place.address + " is no address");
    }
    return AddressList{list};
}

// For as long as it lives, what this thread opens belongs to another network namespace.
class Visit {
  public:
    explicit Visit(const std::string& namespace_name)
        : home_(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)) {
        const int there = open(("/run/netns/" + namespace_name).c_str(), O_RDONLY | O_CLOEXEC);
        require(home_ >= 0 && there >= 0, "namespace " + namespace_name);
        const int entered = setns(there, CLONE_NEWNET);
        close(there);
        require(entered == 0, "setns " + namespace_name);
    }
    ~Visit() {
        // Staying away would let every later socket of the test lie about where it is.
        if (setns(home_, CLONE_NEWNET) != 0) std::terminate();
        close(home_);
    }
    Visit(const Visit&) = delete;
    Visit& operator=(const Visit&) = delete;
    Visit(Visit&&) = delete;
    Visit& operator=(Visit&&) = delete;

  private:
    int home_;
};

}  // namespace

LabSocket::LabSocket(const std::string& namespace_name, const Place& local) {
    const AddressList address = parse(local);
    family_ = address->ai_family;
    const Visit visit{namespace_name};
    fd_ = socket(family_, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    require(fd_ >= 0, "socket");
    if (bind(fd_, address->ai_addr, address->ai_addrlen) != 0) {
        const int error = errno;
        close(fd_);
        throw std::system_error(error, std::generic_category(), "bind " + local.address);
    }
}

LabSocket::~LabSocket() {
    close(fd_);
}

void LabSocket::send(std::string_view text, const Place& to, int ttl) const {
    const AddressList address = parse(to);
    const int set = family_ == AF_INET
                        ? setsockopt(fd_, IPPROTO_IP, IP_TTL, &ttl, sizeof ttl)
                        : setsockopt(fd_, IPPROTO_IPV6, IPV6_UNICAST_HOPS, &ttl, sizeof ttl);
    require(set == 0, "time to live");
    const ssize_t sent =
        sendto(fd_, text.data(), text.size(), 0, address->ai_addr, address->ai_addrlen);
    require(sent == static_cast<ssize_t>(text.size()), "sendto " + to.address);
}

std::optional<Heard> LabSocket::receive(std::chrono::milliseconds timeout) {
    pollfd watched{fd_, POLLIN, 0};
    if (poll(&watched, 1, static_cast<int>(timeout.count())) <= 0) return std::nullopt;
    std::array<char, 2048> bytes{};
    sockaddr_storage from{};
    socklen_t from_size = sizeof from;
    auto* from_address = reinterpret_cast<sockaddr*>(&from);
    const ssize_t count = recvfrom(fd_, bytes.data(), bytes.size(), 0, from_address, &from_size);
    if (count < 0) return std::nullopt;
    std::array<char, NI_MAXHOST> host{};
    std::array<char, NI_MAXSERV> port{};
    if (getnameinfo(from_address, from_size, host.data(), host.size(), port.data(), port.size(),
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
        return std::nullopt;
    }
    return Heard{{host.data(), static_cast<std::uint16_t>(std::stoul(port.data()))},
                 std::string{bytes.data(), static_cast<std::size_t>(count)}};
}

}  // namespace pinhole::netns
