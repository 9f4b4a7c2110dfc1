// What runs on a host of the lab: anything with the five verbs, and the sixth if it has one.
#pragma once

#include <utility>

#include "shared/base/datagram.hpp"
#include "shared/base/io.hpp"
#include "shared/base/time.hpp"

namespace pinhole::lab {

/// The verbs, with the type of the core erased.
class Program {
  public:
    Program() = default;
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;
    virtual ~Program() = default;

    virtual void handle_datagram(Instant now, const Datagram& in) = 0;
    virtual void handle_timeout(Instant now) = 0;
    virtual void handle_io_event(Instant now, const IoEvent& event) = 0;
    [[nodiscard]] virtual std::optional<Transmit> poll_transmit() = 0;
    [[nodiscard]] virtual std::optional<IoRequest> poll_io_request() = 0;
    /// Hands one event to whoever listens. False when there was none.
    virtual bool dispatch_event(Instant now) = 0;
    [[nodiscard]] virtual Instant next_timeout() const = 0;
};

/// `Program` over a borrowed `core`. Each of its events goes to `on_event(now, event)`. Verbs that
/// `Core` does not have (`poll_event`, `poll_io_request`, `handle_io_event`) count as silent.
template <class Core, class OnEvent>
class ProgramOf final : public Program {
  public:
    ProgramOf(Core& core, OnEvent on_event) : core_(core), on_event_(std::move(on_event)) {}

    void handle_datagram(Instant now, const Datagram& in) override {
        core_.handle_datagram(now, in);
    }
    void handle_timeout(Instant now) override { core_.handle_timeout(now); }
    void handle_io_event(Instant now, const IoEvent& event) override {
        if constexpr (requires { core_.handle_io_event(now, event); }) {
            core_.handle_io_event(now, event);
        }
    }
    [[nodiscard]] std::optional<Transmit> poll_transmit() override { return core_.poll_transmit(); }
    [[nodiscard]] std::optional<IoRequest> poll_io_request() override {
        if constexpr (requires { core_.poll_io_request(); }) {
            return core_.poll_io_request();
        } else {
            return std::nullopt;
        }
    }
    bool dispatch_event(Instant now) override {
        if constexpr (requires { core_.poll_event(); }) {
            auto event = core_.poll_event();
            if (!event) return false;
            on_event_(now, *event);
            return true;
        } else {
            return false;
        }
    }
    [[nodiscard]] Instant next_timeout() const override { return core_.next_timeout(); }

  private:
    Core& core_;
    OnEvent on_event_;
};

}  // namespace pinhole::lab
