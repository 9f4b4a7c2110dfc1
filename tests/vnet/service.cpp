#include "tests/vnet/service.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <ctime>
#include <system_error>

#include <sys/epoll.h>
#include <sys/signalfd.h>

namespace pinhole::vnet {
namespace {

/// epoll's names for what is not an interface.
constexpr std::size_t kControl = ~std::size_t{0};
constexpr std::size_t kSignals = kControl - 1;

/// Packets of one machine at a turn, so that a flood does not stop the others or the clock.
constexpr int kBurstMax = 64;
constexpr std::size_t kIpPacketMax = 65'535;

Duration read_clock(clockid_t clock) {
    timespec time{};
    ::clock_gettime(clock, &time);
    return Duration{std::int64_t{time.tv_sec} * 1'000'000 + time.tv_nsec / 1'000};
}

Instant clock_now() {
    return Instant{read_clock(CLOCK_MONOTONIC)};
}

Duration wall_clock() {
    return read_clock(CLOCK_REALTIME);
}

void require(bool good, const char* what) {
    if (!good) throw std::system_error(errno, std::generic_category(), what);
}

sigset_t ending_signals() {
    sigset_t out;
    ::sigemptyset(&out);
    ::sigaddset(&out, SIGTERM);
    ::sigaddset(&out, SIGINT);
    return out;
}

net::UniqueFd block_and_watch(const sigset_t& signals) {
    ::sigprocmask(SIG_BLOCK, &signals, nullptr);
    return net::UniqueFd{::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK)};
}

/// The router's own address in a LAN: the first.
IpAddress first_of(const lab::Prefix& lan) {
    const IpAddress base = lan.ip.prefix(lan.length);
    if (base.is_v4()) return IpAddress::v4(base.v4_bits() + 1);
    FixedBytes<16> raw = base.v6_bytes();
    raw[15] = std::byte{1};
    return IpAddress::v6(raw);
}

}  // namespace

Service::Service(Network& network, const ServicePlan& plan)
    : network_(network),
      control_(plan.control),
      signals_(block_and_watch(ending_signals())),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      storage_(kIpPacketMax) {
    network.set_zero(wall_clock() - clock_now().time_since_epoch());
    require(static_cast<bool>(signals_), "signalfd");
    require(static_cast<bool>(epoll_), "epoll");
    ports_.reserve(network.interfaces().size());
    for (Interface& interface : network.interfaces()) {
        WirePlan wire = plan_for(interface, plan.prefix);
        wire.outer_name = fmt::format("vnet{}", ports_.size());
        const Port& port = ports_.emplace_back(Port{&interface, Wire{plan.wires, wire}});
        interface.emit_to([&wire = port.wire](Bytes packet) { wire.write(packet); });
        watch(port.wire.descriptor(), ports_.size() - 1);
    }
    watch(control_.descriptor(), kControl);
    watch(signals_.get(), kSignals);
}

void Service::run() {
    while (true) {
        network_.run_until(clock_now());
        // Whoever looks while we wait, or kills us, finds complete files.
        network_.flush_capture();
        std::array<epoll_event, 16> events{};
        timespec left{};
        const Duration wait = std::max(network_.next_event() - clock_now(), Duration{0});
        const bool is_idle = network_.next_event() == kNever;
        left.tv_sec = wait.count() / 1'000'000;
        left.tv_nsec = wait.count() % 1'000'000 * 1'000;
        const int count = ::epoll_pwait2(epoll_.get(), events.data(), events.size(),
                                         is_idle ? nullptr : &left, nullptr);
        require(count >= 0 || errno == EINTR, "epoll_pwait2");
        network_.run_until(clock_now());
        for (int i = 0; i < count; ++i) {
            const auto token =
                static_cast<std::size_t>(events[static_cast<std::size_t>(i)].data.u64);
            if (token == kSignals) return;
            if (token == kControl) {
                control_.serve(network_);
            } else {
                read_from(ports_[token]);
            }
        }
    }
}

void Service::watch(int descriptor, std::size_t token) const {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = token;
    require(::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, descriptor, &event) == 0, "epoll_ctl");
}

void Service::read_from(const Port& port) {
    for (int i = 0; i < kBurstMax; ++i) {
        const Bytes packet = port.wire.read(storage_);
        if (packet.empty()) return;
        port.interface->send(network_.now(), packet);
    }
}

WirePlan plan_for(Interface& interface, const std::string& prefix) {
    WirePlan out{.netns = prefix + interface.host(),
                 .name = fmt::format("eth{}", interface.number()),
                 .outer_name = {},
                 .addresses = {},
                 .gateways = {},
                 .mtu = interface.cable().up.quality().mtu,
                 .metric = static_cast<unsigned>(100 + interface.number())};
    for (const Family family : {Family::kV4, Family::kV6}) {
        const auto lan = interface.router().subnet(family);
        for (const IpAddress& address : interface.addresses()) {
            if (address.family() != family) continue;
            const unsigned alone = address.is_v4() ? 32 : 128;
            out.addresses.push_back({address, lan ? lan->length : alone});
            const IpAddress gateway = lan ? first_of(*lan) : IpAddress::any(family);
            if (std::ranges::find(out.gateways, gateway) == out.gateways.end()) {
                out.gateways.push_back(gateway);
            }
        }
    }
    return out;
}

}  // namespace pinhole::vnet
