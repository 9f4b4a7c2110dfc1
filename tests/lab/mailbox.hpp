// A program that does only what a test tells it, and remembers what it was told.
#pragma once

#include <deque>
#include <string>

#include "shared/base/datagram.hpp"
#include "shared/base/io.hpp"
#include "shared/base/time.hpp"

namespace pinhole::lab {

class Mailbox {
  public:
    struct Letter {
        Instant at;
        Path path;
        std::string text;
    };

    void send(const Endpoint& remote, std::string_view text, std::optional<std::uint8_t> ttl = {}) {
        const SocketId socket = remote.ip.is_v4() ? kSocketV4 : kSocketV6;
        (void)out.push({.path = {socket, remote}, .bytes = as_bytes(text), .ttl = ttl});
    }

    void handle_datagram(Instant now, const Datagram& in) {
        letters.push_back({now, in.path, std::string{as_text(in.bytes)}});
        if (answers) send(in.path.remote, "answer");
    }
    void handle_timeout(Instant now) {
        timeouts.push_back(now);
        wake_at = kNever;
    }
    void handle_io_event(Instant, const IoEvent& event) { io_events.push_back(event); }
    [[nodiscard]] std::optional<Transmit> poll_transmit() { return out.pop(); }
    [[nodiscard]] std::optional<IoRequest> poll_io_request() {
        if (requests.empty()) return std::nullopt;
        const IoRequest request = requests.front();
        requests.pop_front();
        return request;
    }
    [[nodiscard]] Instant next_timeout() const { return wake_at; }

    /// The io events of one type, in order.
    template <class Event>
    [[nodiscard]] std::vector<Event> heard() const {
        std::vector<Event> found;
        for (const IoEvent& event : io_events) {
            if (const auto* match = std::get_if<Event>(&event)) found.push_back(*match);
        }
        return found;
    }

    bool answers = false;
    TransmitQueue out{8192};
    std::deque<IoRequest> requests;
    Instant wake_at = kNever;
    std::vector<Letter> letters;
    std::vector<Instant> timeouts;
    std::vector<IoEvent> io_events;
};

}  // namespace pinhole::lab
