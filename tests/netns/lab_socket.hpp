// A UDP socket of the test process that lives in a namespace of the lab. One process so holds both
// ends and every server of an exchange, and a test says exactly what is sent in which order.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>

namespace pinhole::netns {

/// Address and port as the outside sees them.
struct Place {
    std::string address;
    std::uint16_t port = 0;

    friend bool operator==(const Place&, const Place&) = default;
    friend std::ostream& operator<<(std::ostream& out, const Place& place) {
        return out << place.address << " port " << place.port;
    }
};

struct Heard {
    Place from;
    std::string text;
};

class LabSocket {
  public:
    /// Binds `local` in the namespace of that full name; throws `std::system_error` if it cannot.
    LabSocket(const std::string& namespace_name, const Place& local);
    ~LabSocket();
    LabSocket(const LabSocket&) = delete;
    LabSocket& operator=(const LabSocket&) = delete;
    LabSocket(LabSocket&&) = delete;
    LabSocket& operator=(LabSocket&&) = delete;

    /// Sends with that TTL (IPv4) or hop limit (IPv6). ICMP errors are not the caller's concern.
    void send(std::string_view text, const Place& to, int ttl = 64) const;

    /// The next datagram, or nothing if none comes in time.
    [[nodiscard]] std::optional<Heard> receive(
        std::chrono::milliseconds timeout = std::chrono::milliseconds{1000});

    /// True if nothing arrives. The lab has no delay: what passes is there within microseconds.
    [[nodiscard]] bool hears_nothing() { return !receive(std::chrono::milliseconds{150}); }

  private:
    int fd_ = -1;
    int family_ = 0;
};

}  // namespace pinhole::netns
