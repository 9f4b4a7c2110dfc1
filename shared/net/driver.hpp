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
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <asio/post.hpp>

#include "shared/crypto/sodium.hpp"
#include "shared/net/clock.hpp"
#include "shared/net/deadline_timer.hpp"
#include "shared/net/interfaces.hpp"
#include "shared/net/network_watch.hpp"
#include "shared/net/port_mapper.hpp"
#include "shared/net/socket_set.hpp"
#include "shared/net/stream_set.hpp"

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

/// How often local addresses are listed again where the kernel does not tell of changes, and where
/// it does: a watch that was deaf for a moment must not be deaf for good.
inline constexpr Duration kInterfacePollInterval = 5s;
inline constexpr Duration kWatchedInterfacePollInterval = 30s;
/// Batches of one socket in one turn of the loop; then the others and the timer have theirs. A
/// batch of runs can be large, so bytes count as well: 1 MiB is a few milliseconds of work.
inline constexpr std::size_t kBatchesPerTurn = 4;
inline constexpr std::size_t kBytesPerTurn = std::size_t{1} << 20U;

template <Drivable Core>
class Driver {
  public:
    using Event = typename decltype(std::declval<Core&>().poll_event())::value_type;
    /// Valid for the length of the call, and only until it mutates the core.
    using EventCallback = std::function<void(const Event&)>;

    /// Borrows `io` and `core`, which must outlive the driver. Must not be destroyed between two
    /// turns of a loop that keeps running: `stop` it, let the loop end, then destroy it.
    Driver(asio::io_context& io, Core& core, EventCallback on_event)
        : io_(io),
          core_(core),
          on_event_(std::move(on_event)),
          sockets_(io, [this](SocketId id) { on_readable(id); }),
          streams_(io, {.on_readable = [this](SocketId id) { on_stream_readable(id); },
                        .on_news = [this] { on_stream_news(); }}),
          deadline_(io, [this] { on_deadline(); }),
          interface_poll_(io, [this] { on_interface_poll(); }),
          network_watch_(io, [this] { list_interfaces(); }) {}

    Driver(const Driver&) = delete;
    Driver& operator=(const Driver&) = delete;

    /// Before `start`: a socket that exists from the beginning. The core hears of it at `start`; of
    /// a family that is missing it hears nothing.
    void add_socket(SocketId id, UdpSocket socket) {
        assert(!running_);
        sockets_.add(id, std::move(socket));
    }

    /// Before `start`: takes TCP streams at `local`, or at a socket that listens already. The core
    /// hears of each as `StreamOpened`. Returns where; throws std::system_error.
    Endpoint listen(const Endpoint& local) {
        assert(!running_);
        return streams_.listen(local);
    }
    Endpoint listen(UniqueFd listening) {
        assert(!running_);
        return streams_.listen(std::move(listening));
    }

    /// Before `start`: how ports are mapped when the core asks for it.
    void set_mapper_options(const MapperOptions& options) {
        assert(!running_);
        mapper_options_ = options;
    }

    /// Tells the core its sockets (`SocketOpened`) and addresses (`InterfacesChanged`) and drains.
    void start() {
        assert(!running_);
        running_ = true;
        // Listening begins before the list is read, or a change in between would be missed.
        if (network_watch_.start()) poll_interval_ = kWatchedInterfacePollInterval;
        const Instant at = now();
        for (const SocketOpened& opened : sockets_.opened()) core_.handle_io_event(at, opened);
        if (const auto listed = read_interface_addresses()) addresses_ = usable_addresses(*listed);
        core_.handle_io_event(at, InterfacesChanged{addresses_});
        interface_poll_.arm(at + poll_interval_);
        drain();
    }

    /// Drains, then closes all sockets and timers, so that `io_context::run` can return. From
    /// inside the event callback it does so once the core is dry. `on_stopped` is called inside the
    /// loop when port mappings are removed, too: at once without any, after `kRemovalPatience` at
    /// the latest.
    void stop(std::function<void()> on_stopped = {}) {
        if (on_stopped) on_stopped_ = std::move(on_stopped);
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
    [[nodiscard]] StreamTotals stream_totals() const { return streams_.totals(); }

  private:
    /// One look at everything the core can ask for. True when that may have made it ask for more.
    bool drain_once() {
        // First, so that an answer leaves together with what the core says to what it answers.
        bool mutated = report_events();
        while (const auto request = core_.poll_io_request()) {
            if (const auto* open = std::get_if<OpenSocket>(&*request)) {
                answer(*open);
                mutated = true;
            } else if (const auto* stream = std::get_if<OpenStream>(&*request)) {
                std::erase(closing_, stream->socket);
                streams_.open(*stream);
            } else if (const auto* ended = std::get_if<CloseSocket>(&*request)) {
                // Later: what the core said last through that socket has not left yet.
                closing_.push_back(ended->socket);
            } else if (const auto* mapped = std::get_if<MapPort>(&*request)) {
                answer(*mapped);
            } else if (const auto* unmapped = std::get_if<UnmapPort>(&*request)) {
                if (mapper_) mapper_->unmap(unmapped->socket);
            }
        }
        while (send_burst()) {
        }
        for (const SocketId id : closing_) {
            is_stream(id) ? streams_.close(id) : sockets_.close(id);
        }
        closing_.clear();
        return report_events() || mutated;
    }

    bool report_events() {
        bool is_any = false;
        while (const auto event = core_.poll_event()) {
            on_event_(*event);
            is_any = true;
        }
        return is_any;
    }

    /// Much comes in bursts, and the other side works on one while the core makes the next. False
    /// when there is none.
    bool send_burst() {
        bool is_any = false;
        while (const auto transmit = core_.poll_transmit()) {
            send(*transmit);
            is_any = true;
        }
        sockets_.flush();
        streams_.flush();
        return is_any;
    }

    void send(const Transmit& transmit) {
        if (is_stream(transmit.path.socket)) {
            streams_.send(transmit);
        } else {
            sockets_.send(transmit);
        }
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
        const SocketOpened opened{request.socket, socket->local(), socket->receive_buffer()};
        sockets_.add(request.socket, std::move(*socket));
        core_.handle_io_event(now(), opened);
    }

    void answer(const MapPort& request) {
        if (!mapper_) {
            mapper_ = std::make_unique<PortMapper>(
                io_, random_, [this](const IoEvent& event) { on_mapping(event); }, mapper_options_);
        }
        // Of a socket that does not exist no port can be mapped; the mapper says so.
        mapper_->map(request.socket, sockets_.local_port(request.socket));
    }

    void close() {
        running_ = false;
        sockets_.close_all();
        streams_.close_all();
        deadline_.cancel();
        interface_poll_.cancel();
        network_watch_.cancel();
        if (std::exchange(closed_, true)) return;
        if (mapper_) {
            mapper_->stop(std::exchange(on_stopped_, nullptr));
        } else if (on_stopped_) {
            asio::post(io_, std::exchange(on_stopped_, nullptr));
        }
    }

    void on_readable(SocketId id) {
        std::size_t bytes = 0;
        for (std::size_t batch = 0; batch < kBatchesPerTurn && bytes < kBytesPerTurn; ++batch) {
            const auto runs = sockets_.receive(id);
            foresee(runs);
            const Instant at = now();
            for (const Received& in : runs) {
                const Path path{id, in.remote};
                for_each_datagram(in.bytes, in.segment_size, [&](Bytes datagram) {
                    core_.handle_datagram(at, Datagram{path, datagram});
                });
                bytes += in.bytes.size();
            }
            const bool is_dry = !sockets_.may_have_more();
            drain();  // May close the socket; `receive` is then empty.
            if (is_dry) break;
        }
        for (const IcmpError& error : sockets_.take_errors(id)) {
            core_.handle_io_event(now(), error);
            drain();
        }
        sockets_.rearm(id);
    }

    /// Lets a core that holds more than a cache fetch what a whole batch needs at a time.
    template <class Runs>
    void foresee(const Runs& runs) {
        if constexpr (requires { typename Core::Foresight; }) {
            if (runs.size() < 2) return;
            for (const auto step : {Core::Foresight::kIndex, Core::Foresight::kSession}) {
                for (const Received& in : runs) core_.foresee(step, in.bytes);
            }
        }
    }

    void on_stream_readable(SocketId id) {
        if (!streams_.contains(id)) return;
        const Path path{id, streams_.remote(id)};
        const auto messages = streams_.receive(id);
        const Instant at = now();
        for (const Bytes message : messages) core_.handle_datagram(at, Datagram{path, message});
        drain();  // May close the stream; nothing waits then.
        streams_.rearm(id);
    }

    void on_stream_news() {
        if (!running_) return;  // stopped in the meantime
        const Instant at = now();
        for (const IoEvent& event : streams_.take_news()) core_.handle_io_event(at, event);
        drain();
    }

    void on_mapping(const IoEvent& event) {
        if (!running_) return;
        core_.handle_io_event(now(), event);
        drain();
    }

    void on_deadline() {
        if (!running_) return;
        core_.handle_timeout(now());
        drain();
    }

    void on_interface_poll() {
        if (!running_) return;
        interface_poll_.arm(now() + poll_interval_);
        list_interfaces();
    }

    void list_interfaces() {
        if (!running_) return;
        const auto listed = read_interface_addresses();
        if (!listed) return;  // No descriptor to spare, for example: what we knew still holds.
        auto addresses = usable_addresses(*listed);
        if (addresses == addresses_) return;
        addresses_ = std::move(addresses);
        core_.handle_io_event(now(), InterfacesChanged{addresses_});
        drain();
    }

    asio::io_context& io_;
    Core& core_;
    EventCallback on_event_;
    std::function<void()> on_stopped_;
    SocketSet sockets_;
    StreamSet streams_;
    DeadlineTimer deadline_;
    DeadlineTimer interface_poll_;
    NetworkWatch network_watch_;
    Duration poll_interval_ = kInterfacePollInterval;
    crypto::SystemRandom random_;
    MapperOptions mapper_options_;
    /// Nothing until the core asks for a mapping.
    std::unique_ptr<PortMapper> mapper_;
    std::vector<LocalAddress> addresses_;
    std::vector<SocketId> closing_;
    bool running_ = false;
    bool stopping_ = false;
    bool draining_ = false;
    bool closed_ = false;
};

}  // namespace pinhole::net
