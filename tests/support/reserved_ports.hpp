// Ports of 127.0.0.1 that a test gives to its programs.
//
// A port that a closed socket had is free only until the system gives it to the next socket that
// asks for any port, and with several tests side by side somebody always asks. So these come from
// below the range that the system gives away, and two tests never get the same one: each holds a
// name in the abstract namespace of Unix sockets for each port (tests/support/reserved_ports.py
// knows the same names), which ends with its process however that ends.
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace pinhole::test {

class ReservedPorts {
  public:
    /// So many neighbours, free for TCP and for UDP; throws when there are none.
    explicit ReservedPorts(unsigned count = 1) {
        const unsigned span = first_of_the_system() - kLowest;
        // Tests that run side by side have ids that are close together, and begin apart.
        unsigned at = static_cast<unsigned>(::getpid()) * 16;
        for (unsigned tried = 0; tried < span; ++tried, ++at) {
            first_ = static_cast<std::uint16_t>(kLowest + at % span);
            if (take(count)) return;
        }
        throw std::runtime_error("no port is free");
    }
    ReservedPorts(const ReservedPorts&) = delete;
    ReservedPorts& operator=(const ReservedPorts&) = delete;
    ~ReservedPorts() { release(); }

    [[nodiscard]] std::uint16_t first() const { return first_; }

  private:
    static constexpr unsigned kLowest = 10'000;

    static unsigned first_of_the_system() {
        unsigned first = 0;
        std::ifstream{"/proc/sys/net/ipv4/ip_local_port_range"} >> first;
        return first > kLowest + 1'000 ? first : 32'768;
    }

    bool take(unsigned count) {
        for (unsigned port = first_; port < first_ + count; ++port) {
            if (hold_name(port) && is_free(port)) continue;
            release();
            return false;
        }
        return true;
    }

    void release() {
        for (const int fd : names_) ::close(fd);
        names_.clear();
    }

    bool hold_name(unsigned port) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        // The first byte stays zero: such a name is in no directory.
        std::snprintf(address.sun_path + 1, sizeof address.sun_path - 1, "pinhole-port-%u", port);
        const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 +
                                                 std::strlen(address.sun_path + 1));
        names_.push_back(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
        return ::bind(names_.back(), reinterpret_cast<const sockaddr*>(&address), size) == 0;
    }

    /// On both loopback addresses, as far as there are both.
    static bool is_free(unsigned port) {
        sockaddr_in v4{};
        v4.sin_family = AF_INET;
        v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        v4.sin_port = htons(static_cast<std::uint16_t>(port));
        sockaddr_in6 v6{};
        v6.sin6_family = AF_INET6;
        v6.sin6_addr = in6addr_loopback;
        v6.sin6_port = v4.sin_port;
        return !is_taken(v4) && !is_taken(v6);
    }

    template <class Address>
    static bool is_taken(const Address& address) {
        const auto* const family = reinterpret_cast<const sockaddr*>(&address);
        bool taken = false;
        for (const int type : {SOCK_STREAM, SOCK_DGRAM}) {
            const int fd = ::socket(family->sa_family, type | SOCK_CLOEXEC, 0);
            taken |= ::bind(fd, family, sizeof address) != 0 && errno == EADDRINUSE;
            ::close(fd);
        }
        return taken;
    }

    std::uint16_t first_ = 0;
    std::vector<int> names_;
};

}  // namespace pinhole::test
