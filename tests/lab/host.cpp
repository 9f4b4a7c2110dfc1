#include "tests/lab/host.hpp"

#include "tests/support/seeded_random.hpp"

namespace pinhole::lab {
namespace {

// Linux, ip_local_port_range.
constexpr PortRange kEphemeral{32768, 60999};

}  // namespace

Host::Host(World world, std::string name, std::uint64_t seed)
    : world_(world),
      name_(std::move(name)),
      random_(std::make_unique<test::SeededRandom>(seed)),
      streams_(world.queue, stream_surroundings()) {}

Host::~Host() = default;

void Host::plug_into(Router& router, Attachment attachment,
                     const std::vector<IpAddress>& addresses) {
    interfaces_.push_back({&router, attachment, addresses});
    for (const IpAddress& address : addresses) router.route(single(address), attachment.id);
    announce_interfaces();
}

void Host::change_addresses(const std::vector<IpAddress>& addresses, std::size_t interface_index) {
    Interface& changed = interfaces_.at(interface_index);
    for (const IpAddress& old : changed.addresses) changed.router->unroute(single(old));
    for (const IpAddress& address : addresses) {
        changed.router->route(single(address), changed.attachment.id);
    }
    changed.addresses = addresses;
    announce_interfaces();
}

void Host::set_interface_up(bool is_up, std::size_t interface_index) {
    Interface& changed = interfaces_.at(interface_index);
    changed.is_up = is_up;
    changed.attachment.cable->set_up(is_up);
    announce_interfaces();
}

Cable& Host::cable(std::size_t interface_index) {
    return *interfaces_.at(interface_index).attachment.cable;
}

void Host::run(std::unique_ptr<Program> program, StartPorts ports) {
    kill();
    program_ = std::move(program);
    open_socket({kSocketV4, Family::kV4, ports.v4});
    open_socket({kSocketV6, Family::kV6, ports.v6});
    announce_interfaces();
}

void Host::kill() {
    assert(!is_draining_);  // a program cannot be taken away from under its own call
    program_.reset();
    sockets_.clear();
    streams_.kill();
    wake_at_ = kNever;
    ++wake_token_;
}

void Host::thaw() {
    is_frozen_ = false;
    if (!program_) return;
    program_->handle_timeout(world_.queue.now());
    wake_at_ = kNever;
    drain();
}

void Host::drain() {
    // A listener that changes its core from within an event is served by the loop it came from.
    if (is_draining_ || !program_) return;
    is_draining_ = true;
    bool has_more = true;
    while (has_more) {
        has_more = false;
        while (const auto transmit = program_->poll_transmit()) {
            send(*transmit);
            has_more = true;
        }
        while (const auto request = program_->poll_io_request()) {
            guard_against_spinning();
            serve(*request);
            has_more = true;
        }
        while (program_->dispatch_event(world_.queue.now())) {
            guard_against_spinning();
            has_more = true;
        }
    }
    is_draining_ = false;
    plan_wake_up();
}

IpAddress Host::address(Family family) const {
    for (const Interface& candidate : interfaces_) {
        for (const IpAddress& address : candidate.addresses) {
            if (address.family() == family) return address;
        }
    }
    throw LabFailure(fmt::format("{} has no address of that family", name_));
}

std::optional<std::uint16_t> Host::port_of(SocketId socket) const {
    const Socket* found = socket_named(socket);
    return found == nullptr ? std::nullopt : std::optional{found->port};
}

Traffic Host::sent_to(const IpAddress& destination) const {
    const auto found = sent_.find(destination);
    return found == sent_.end() ? Traffic{} : found->second;
}

Traffic Host::sent() const {
    Traffic sum;
    for (const auto& [destination, traffic] : sent_) {
        sum.datagrams += traffic.datagrams;
        sum.bytes += traffic.bytes;
    }
    return sum;
}

void Host::send_raw(Packet packet) {
    const Interface& first = interfaces_.front();
    emit({&first, packet.source.ip}, std::move(packet));
}

void Host::receive(Instant now, CableId, Packet packet) {
    if (is_frozen_ || !has_address(packet.destination.ip)) {
        trace(packet, Fate::kNoRoute);
        return;
    }
    if (packet.has_lost_tail) {
        trace(packet, Fate::kIncomplete);
        return;
    }
    if (packet.transport == Transport::kTcp) {
        trace(packet, Fate::kDelivered);
        streams_.receive(packet);
        return;
    }
    if (packet.icmp) {
        receive_icmp(now, *packet.icmp);
        return;
    }
    const Socket* socket = socket_at(packet.destination);
    if (socket == nullptr) {
        refuse(packet);
        return;
    }
    trace(packet, Fate::kDelivered);
    received_.add(packet.payload.size());
    program_->handle_datagram(now, {{socket->id, packet.source}, packet.payload});
    drain();
}

void Host::handle_event(Instant now, std::uint64_t token) {
    if (token != wake_token_ || !program_ || is_frozen_) return;
    wake_at_ = kNever;
    if (program_->next_timeout() > now) {
        plan_wake_up();
        return;
    }
    guard_against_spinning();
    ++wake_ups_;
    program_->handle_timeout(now);
    drain();
}

void Host::announce_interfaces() {
    if (!program_) return;
    InterfacesChanged list;
    for (std::size_t i = 0; i < interfaces_.size(); ++i) {
        const Interface& candidate = interfaces_[i];
        if (!candidate.is_up) continue;
        for (const IpAddress& address : candidate.addresses) {
            const auto subnet = candidate.router->subnet(address.family());
            const unsigned length = subnet ? subnet->length : single(address).length;
            list.addresses.push_back(
                {address, static_cast<std::uint8_t>(length), fmt::format("eth{}", i)});
        }
    }
    program_->handle_io_event(world_.queue.now(), list);
    drain();
}

void Host::serve(const IoRequest& request) {
    if (const auto* open = std::get_if<OpenSocket>(&request)) {
        open_socket(*open);
    } else if (const auto* close = std::get_if<CloseSocket>(&request)) {
        std::erase_if(sockets_, [&](const Socket& socket) { return socket.id == close->socket; });
        streams_.close(close->socket);
    } else if (const auto* stream = std::get_if<OpenStream>(&request)) {
        streams_.open(*stream);
    } else if (const auto* mapped = std::get_if<MapPort>(&request)) {
        map_port(*mapped);
    } else if (const auto* unmapped = std::get_if<UnmapPort>(&request)) {
        unmap_port(*unmapped);
    }
}

void Host::open_socket(const OpenSocket& request) {
    const Instant now = world_.queue.now();
    const auto port = free_port(request.family, request.port);
    if (!port || socket_named(request.socket) != nullptr) {
        program_->handle_io_event(now, SocketFailed{request.socket});
        return;
    }
    const Endpoint local{IpAddress::any(request.family), *port};
    sockets_.push_back({request.socket, request.family, *port, local.ip});
    program_->handle_io_event(now, SocketOpened{request.socket, local});
}

void Host::bind(SocketId id, const Endpoint& local) {
    std::erase_if(sockets_, [id](const Socket& socket) { return socket.id == id; });
    sockets_.push_back({id, local.ip.family(), local.port, local.ip});
    program_->handle_io_event(world_.queue.now(), SocketOpened{id, local});
    drain();
}

std::optional<std::uint16_t> Host::free_port(Family family, std::uint16_t wanted) {
    if (wanted != 0) {
        const bool is_free = socket_at({IpAddress::any(family), wanted}) == nullptr;
        return is_free ? std::optional{wanted} : std::nullopt;
    }
    const std::size_t start = random_->below(kEphemeral.size());
    for (std::size_t i = 0; i < kEphemeral.size(); ++i) {
        const auto port =
            static_cast<std::uint16_t>(kEphemeral.first + (start + i) % kEphemeral.size());
        if (socket_at({IpAddress::any(family), port}) == nullptr) return port;
    }
    return std::nullopt;
}

const Host::Socket* Host::socket_named(SocketId id) const {
    const auto found = std::ranges::find(sockets_, id, &Socket::id);
    return found == sockets_.end() ? nullptr : &*found;
}

const Host::Socket* Host::socket_at(const Endpoint& local) const {
    const auto found = std::ranges::find_if(sockets_, [&](const Socket& socket) {
        const bool is_any = socket.ip.is_unspecified() || local.ip.is_unspecified();
        return socket.family == local.ip.family() && socket.port == local.port &&
               (is_any || socket.ip == local.ip);
    });
    return found == sockets_.end() ? nullptr : &*found;
}

void Host::send(const Transmit& transmit) {
    for_each_datagram(transmit.bytes, transmit.segment_size,
                      [&](Bytes datagram) { send_one(transmit, datagram); });
}

void Host::send_one(const Transmit& transmit, Bytes bytes) {
    guard_against_spinning();
    if (is_stream(transmit.path.socket)) return streams_.send(transmit.path, bytes);
    const Endpoint& remote = transmit.path.remote;
    const Socket* socket = socket_named(transmit.path.socket);
    Packet packet{.source = {IpAddress::any(remote.ip.family()), 0},
                  .destination = remote,
                  .ttl = transmit.ttl.value_or(kDefaultTtl),
                  .payload = to_vector(bytes)};
    if (socket == nullptr || socket->family != remote.ip.family()) {
        trace(packet, Fate::kNoSocket);
        return;
    }
    packet.source.port = socket->port;
    const auto exit = exit_to(remote.ip);
    if (!exit) {
        trace(packet, Fate::kNoRoute);
        return;
    }
    packet.source.ip = socket->ip.is_unspecified() ? exit->source : socket->ip;
    sent_[remote.ip].add(bytes.size());
    emit(*exit, std::move(packet));
}

std::optional<Host::Exit> Host::exit_to(const IpAddress& destination) const {
    std::optional<Exit> default_route;
    for (const Interface& candidate : interfaces_) {
        if (!candidate.is_up) continue;
        const auto source =
            std::ranges::find(candidate.addresses, destination.family(), &IpAddress::family);
        if (source == candidate.addresses.end()) continue;
        const auto subnet = candidate.router->subnet(destination.family());
        if (subnet && subnet->contains(destination)) return Exit{&candidate, *source};
        if (!default_route) default_route = Exit{&candidate, *source};
    }
    return default_route;
}

bool Host::has_address(const IpAddress& address) const {
    return std::ranges::any_of(interfaces_, [&](const Interface& candidate) {
        return candidate.is_up &&
               std::ranges::find(candidate.addresses, address) != candidate.addresses.end();
    });
}

void Host::receive_icmp(Instant now, const IcmpQuote& quote) {
    const Socket* socket = socket_at(quote.source);
    if (socket == nullptr || !traits_.hears_icmp) return;
    program_->handle_io_event(now, IcmpError{{socket->id, quote.destination}, quote.kind});
    drain();
}

void Host::refuse(const Packet& packet) {
    trace(packet, Fate::kClosedPort);
    if (!traits_.answers_closed_ports) return;
    const auto exit = exit_to(packet.source.ip);
    if (!exit) return;
    Packet error = icmp_error(IcmpError::Kind::kPortUnreachable, packet);
    error.source.ip = packet.destination.ip;
    emit(*exit, std::move(error));
}

void Host::emit(const Exit& exit, Packet packet) {
    trace(packet, Fate::kSent);
    Link& link = exit.interface->attachment.cable->up;
    const bool fits = link.fits(packet);
    const IcmpQuote quote{IcmpError::Kind::kTooBig, packet.source, packet.destination};
    const bool is_error = packet.icmp.has_value();
    link.send(world_.queue.now(), std::move(packet));
    // The own system knows the MTU of its own link and says so without a packet (EMSGSIZE).
    if (!fits && !is_error) receive_icmp(world_.queue.now(), quote);
}

HostStreams::Surroundings Host::stream_surroundings() {
    return {.has_program = [this] { return program_ != nullptr; },
            .source_for = [this](const IpAddress& destination) -> std::optional<IpAddress> {
                const auto exit = exit_to(destination);
                return exit ? std::optional{exit->source} : std::nullopt;
            },
            .emit =
                [this](Packet packet) {
                    const auto exit = exit_to(packet.destination.ip);
                    if (!exit || !has_address(packet.source.ip) || is_frozen_) return;
                    emit(*exit, std::move(packet));
                },
            .deliver =
                [this](const Datagram& in) {
                    program_->handle_datagram(world_.queue.now(), in);
                    drain();
                },
            .tell =
                [this](const IoEvent& event) {
                    if (!program_) return;
                    program_->handle_io_event(world_.queue.now(), event);
                    drain();
                }};
}

void Host::trace(const Packet& packet, Fate fate) const {
    world_.trace.record({world_.queue.now(), name_, packet, fate});
}

void Host::plan_wake_up() {
    const Instant next = program_->next_timeout();
    // An earlier wake-up that is planned already looks again when it comes.
    if (next >= wake_at_) return;
    wake_at_ = next;
    world_.queue.schedule(next, *this, ++wake_token_);
}

void Host::guard_against_spinning() {
    const Instant now = world_.queue.now();
    burst_ = now == burst_at_ ? burst_ + 1 : 1;
    burst_at_ = now;
    if (burst_ <= traits_.burst_max) return;
    throw LabFailure(fmt::format("{} spins: {} actions at {} us without time going on (seed {})",
                                 name_, burst_, now.time_since_epoch().count(), world_.seed));
}

}  // namespace pinhole::lab
