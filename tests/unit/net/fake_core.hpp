// A core for driver tests: it echoes, obeys, and keeps a record of what the driver told it.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

#include "shared/base/datagram.hpp"
#include "shared/base/io.hpp"

namespace pinhole::net::test {

class FakeCore {
  public:
    struct Event {
        std::string text;
    };

    enum class Foresight : std::uint8_t { kIndex, kSession };

    void foresee(Foresight step, Bytes datagram) const {
        foreseen.emplace_back(step, as_text(datagram));
    }

    // The verbs.

    void handle_datagram(Instant at, const Datagram& in) {
        const Inside inside{*this};
        sending.clear();
        last_now = at;
        const std::string text{as_text(in.bytes)};
        if (text.starts_with("echo ")) say(in.path, text.substr(5));
        events.push_back({text});
    }

    void handle_timeout(Instant at) {
        const Inside inside{*this};
        sending.clear();
        last_now = at;
        if (at < deadline) return;
        deadline = kNever;
        events.push_back({"timeout"});
    }

    void handle_io_event(Instant at, const IoEvent& event) {
        const Inside inside{*this};
        sending.clear();
        last_now = at;
        io_events.push_back(event);
        if (std::holds_alternative<IcmpError>(event)) events.push_back({"icmp"});
    }

    std::optional<Transmit> poll_transmit() {
        const Inside inside{*this};
        if (outgoing.empty() || said_in_burst_ == burst) {
            said_in_burst_ = 0;
            return {};
        }
        ++said_in_burst_;
        // The storage goes with the next mutation, as a real core's does.
        const auto& [path, text] = sending.emplace_back(std::move(outgoing.front()));
        outgoing.pop_front();
        return Transmit{path, as_bytes(text)};
    }

    std::optional<IoRequest> poll_io_request() {
        const Inside inside{*this};
        if (requests.empty()) return {};
        const IoRequest out = requests.front();
        requests.pop_front();
        return out;
    }

    std::optional<Event> poll_event() {
        const Inside inside{*this};
        if (events.empty()) return {};
        Event out = std::move(events.front());
        events.pop_front();
        return out;
    }

    [[nodiscard]] Instant next_timeout() const { return deadline; }

    // For the test.

    void say(const Path& path, std::string text) { outgoing.emplace_back(path, std::move(text)); }

    /// All I/O events of one type, in order.
    template <class T>
    [[nodiscard]] std::vector<T> told() const {
        std::vector<T> out;
        for (const IoEvent& event : io_events) {
            if (const auto* match = std::get_if<T>(&event)) out.push_back(*match);
        }
        return out;
    }

    std::deque<std::pair<Path, std::string>> outgoing;
    /// After so many transmits it says once that there is none.
    std::size_t burst = 1000;
    std::deque<IoRequest> requests;
    std::deque<Event> events;
    std::vector<IoEvent> io_events;
    /// What was announced, in order.
    mutable std::vector<std::pair<Foresight, std::string>> foreseen;
    Instant deadline = kNever;
    Instant last_now{};

  private:
    /// Fails the test when a verb is entered from within another.
    struct Inside {
        explicit Inside(FakeCore& entered) : core(entered) {
            EXPECT_FALSE(std::exchange(core.busy_, true)) << "the core was re-entered";
        }
        Inside(const Inside&) = delete;
        Inside& operator=(const Inside&) = delete;
        ~Inside() { core.busy_ = false; }
        FakeCore& core;
    };

    std::deque<std::pair<Path, std::string>> sending;
    std::size_t said_in_burst_ = 0;
    bool busy_ = false;
};

}  // namespace pinhole::net::test
