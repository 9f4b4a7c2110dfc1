// The driver joins a core, anything with the five verbs, to sockets, a clock and an Asio loop.
//
// It owns the sockets, the deadline and the watch over local addresses, reads the clock once for
// each turn and then makes one mutation and one drain. The core is borrowed and never entered from
// within one of its own calls; events reach the user between two calls of the core, so a callback
// may mutate it. No network input can make the driver throw.
#pragma once

#include <cassert>
#include <concepts>
#include <functional>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "shared/net/clock.hpp"
#include "shared/net/deadline_timer.hpp"
#include "shared/net/interfaces.hpp"
#include "shared/net/socket_set.hpp"

namespace pinhole::net {

/// The five verbs and the sixth (see `shared/base/datagram.hpp` and `shared/base/io.hpp`).
template <class Core>
concept Drivable = requires(Core& core, const Core& same, Instant at, const Datagram& in,
                            const IoEvent& io_event) {
    core.handle_datagram(at, in);
    core.handle_timeout(at);
    core.handle_io_event(at, io_event);
    { core.poll_transmit() } -> std::same_as<std::optional<Transmit>>;
    { core.poll_io_request() } -> std::same_as<std::optional<IoRequest>>;
    core.poll_event().has_value();
    { same.next_timeout() } -> std::same_as<Instant>;
};

/// How often local addresses are listed again.
inline constexpr Duration kInterfacePollInterval = 5s;
/// Batches of one socket in one turn of the loop; then the others and the timer have theirs.
inline constexpr std::size_t kBatchesPerTurn = 4;

template <Drivable Core>
class Driver {
  public:
    using Event = typename decltype(std::declval<Core&>().poll_event())::value_type;
    /// Valid for the length of the call, and only until it mutates the core.
    using EventCallback = std::function<void(const Event&)>;

    /// Borrows `io` and `core`, which must outlive the driver. Must not be destroyed between two
    /// turns of a loop that keeps running: `stop` it, let the loop end, then destroy it.
    Driver(asio::io_context& io, Core& core, EventCallback on_event)
        : core_(core),
          on_event_(std::move(on_event)),
          sockets_(io, [this](SocketId id) { on_readable(id); }),
          deadline_(io, [this] { on_deadline(); }),
          interface_poll_(io, [this] { on_interface_poll(); }) {}

    Driver(const Driver&) = delete;
    Driver& operator=(const Driver&) = delete;

    /// Before `start`: a socket that exists from the beginning. The core hears of it at `start`; of
    /// a family that is missing it hears nothing.
    void add_socket(SocketId id, UdpSocket socket) {
        assert(!running_);
        sockets_.add(id, std::move(socket));
    }

    /// Tells the core its sockets (`SocketOpened`) and addresses (`InterfacesChanged`) and drains.
    void start() {
        assert(!running_);
        running_ = true;
        const Instant at = now();
        for (const SocketOpened& opened : sockets_.opened()) core_.handle_io_event(at, opened);
        if (const auto listed = read_interface_addresses()) addresses_ = usable_addresses(*listed);
        core_.handle_io_event(at, InterfacesChanged{addresses_});
        interface_poll_.arm(at + kInterfacePollInterval);
        drain();
    }

    /// Drains, then closes all sockets and timers, so that `io_context::run` can return. From
    /// inside the event callback it does so once the core is dry.
    void stop() {
        stopping_ = true;
        drain();
    }

    /// To be called after every mutation of the core that the driver did not make itself: sends,
    /// opens, reports and sets the alarm until the core has nothing more to say. Harmless from
    /// inside the event callback.
    void drain() {
        if (draining_) return;  // The loop below goes on until the core is dry.
        draining_ = true;
        while (running_ && drain_once()) {
        }
        draining_ = false;
        if (stopping_) return close();
        if (running_) deadline_.arm(core_.next_timeout());
    }

    [[nodiscard]] SocketTotals totals() const { return sockets_.totals(); }

  private:
    /// One look at everything the core can ask for. True when that may have made it ask for more.
    bool drain_once() {
        bool mutated = false;
        while (const auto request = core_.poll_io_request()) {
            if (const auto* open = std::get_if<OpenSocket>(&*request)) {
                answer(*open);
                mutated = true;
            } else {
                // Later: what the core said last through that socket has not left yet.
                closing_.push_back(std::get<CloseSocket>(*request).socket);
            }
        }
        while (const auto transmit = core_.poll_transmit()) sockets_.send(*transmit);
        sockets_.flush();
        for (const SocketId id : closing_) sockets_.close(id);
        closing_.clear();
        while (const auto event = core_.poll_event()) {
            on_event_(*event);
            mutated = true;
        }
        return mutated;
    }

    void answer(const OpenSocket& request) {
        // A name that is asked for again has no use for its old socket.
        sockets_.close(request.socket);
        std::erase(closing_, request.socket);
        auto socket = UdpSocket::try_open({IpAddress::any(request.family), request.port});
        if (!socket) {
            core_.handle_io_event(now(), SocketFailed{request.socket});
            return;
        }
        const Endpoint local = socket->local();
        sockets_.add(request.socket, std::move(*socket));
        core_.handle_io_event(now(), SocketOpened{request.socket, local});
    }

    void close() {
        running_ = false;
        sockets_.close_all();
        deadline_.cancel();
        interface_poll_.cancel();
    }

    void on_readable(SocketId id) {
        for (const IcmpError& error : sockets_.take_errors(id)) {
            core_.handle_io_event(now(), error);
        }
        for (std::size_t batch = 0; batch < kBatchesPerTurn; ++batch) {
            const auto datagrams = sockets_.receive(id);
            const Instant at = now();
            for (const Received& in : datagrams) {
                core_.handle_datagram(at, Datagram{Path{id, in.remote}, in.bytes});
            }
            drain();  // May close the socket; `receive` is then empty.
            if (datagrams.size() < kBatchDatagrams) break;
        }
        sockets_.rearm(id);
    }

    void on_deadline() {
        if (!running_) return;
        core_.handle_timeout(now());
        drain();
    }

    void on_interface_poll() {
        if (!running_) return;
        const Instant at = now();
        interface_poll_.arm(at + kInterfacePollInterval);
        const auto listed = read_interface_addresses();
        if (!listed) return;  // No descriptor to spare, for example: what we knew still holds.
        auto addresses = usable_addresses(*listed);
        if (addresses == addresses_) return;
        addresses_ = std::move(addresses);
        core_.handle_io_event(at, InterfacesChanged{addresses_});
        drain();
    }

    Core& core_;
    EventCallback on_event_;
    SocketSet sockets_;
    DeadlineTimer deadline_;
    DeadlineTimer interface_poll_;
    std::vector<LocalAddress> addresses_;
    std::vector<SocketId> closing_;
    bool running_ = false;
    bool stopping_ = false;
    bool draining_ = false;
};

}  // namespace pinhole::net
