#include "shared/net/port_mapper.hpp"

#include <utility>

#include <asio/post.hpp>

#include "shared/net/clock.hpp"
#include "shared/net/natpmp_client.hpp"
#include "shared/net/pcp_client.hpp"
#include "shared/net/upnp_client.hpp"

namespace pinhole::net {
namespace {

// PCP first: it is the only one that names both lifetime and address in one round trip. Who speaks
// neither it nor NAT-PMP mostly says so at once, by an ICMP error.
constexpr Duration kNatPmpHeadStart = 250ms;
constexpr Duration kUpnpHeadStart = 1s;

}  // namespace

PortMapper::PortMapper(asio::io_context& io, Random& random, PortMapping::Report report,
                       const MapperOptions& options)
    : io_(io), random_(random), report_(std::move(report)), options_(options), alarm_(io, [this] {
          on_due();
      }) {}

std::vector<PortMapping::Way> PortMapper::make_ways() {
    std::vector<PortMapping::Way> ways;
    const auto add = [&](MappingProtocol protocol, Duration head_start,
                         std::unique_ptr<MappingClient> client) {
        ways.push_back({protocol, head_start, std::move(client)});
    };
    if (options_.pcp) {
        add(MappingProtocol::kPcp, Duration{0}, std::make_unique<PcpClient>(io_, random_));
    }
    if (options_.nat_pmp) {
        add(MappingProtocol::kNatPmp, kNatPmpHeadStart, std::make_unique<NatPmpClient>(io_));
    }
    if (options_.upnp) {
        add(MappingProtocol::kUpnp, kUpnpHeadStart, std::make_unique<UpnpClient>(io_));
    }
    return ways;
}

void PortMapper::map(SocketId socket, std::uint16_t local_port) {
    if (stopping_) return;
    if (local_port == 0) return report_later(PortUnmapped{.socket = socket});
    PortMapping* mapping = find(socket);
    if (mapping == nullptr) {
        if (mappings_.size() == kMappedSocketsMax) {
            return report_later(
                PortUnmapped{.socket = socket, .reason = PortUnmapped::Reason::kRefused});
        }
        mapping = &mappings_.emplace_back(
            socket, make_ways(),
            PortMapping::Owner{.find_gateway = read_default_gateway,
                               .report = [this](const IoEvent& event) { report_later(event); },
                               .on_answered = [this] { settle(); },
                               .lifetime = options_.lifetime});
    }
    mapping->ask(now(), local_port);
    settle();
}

void PortMapper::unmap(SocketId socket) {
    PortMapping* mapping = find(socket);
    if (mapping == nullptr || stopping_) return;
    // It stays for the next `map`: its clients may be in the middle of a turn of the loop.
    mapping->remove([] {});
    settle();
}

void PortMapper::stop(std::function<void()> done) {
    if (std::exchange(stopping_, true)) return;
    done_ = std::move(done);
    removing_ = mappings_.size();
    for (PortMapping& mapping : mappings_) {
        mapping.remove([this] {
            if (--removing_ == 0) finish();
        });
    }
    if (mappings_.empty()) return finish();
    if (!finished_) alarm_.arm(now() + kRemovalPatience);
}

void PortMapper::finish() {
    if (std::exchange(finished_, true)) return;
    for (PortMapping& mapping : mappings_) mapping.cancel();
    alarm_.cancel();
    if (done_) asio::post(io_, std::exchange(done_, nullptr));
}

PortMapping* PortMapper::find(SocketId socket) {
    for (PortMapping& mapping : mappings_) {
        if (mapping.socket() == socket) return &mapping;
    }
    return nullptr;
}

void PortMapper::report_later(const IoEvent& event) {
    asio::post(io_, [this, event] {
        if (!stopping_) report_(event);
        settle();
    });
}

void PortMapper::on_due() {
    if (stopping_) return finish();
    for (PortMapping& mapping : mappings_) mapping.handle_timeout(now());
    settle();
}

void PortMapper::settle() {
    if (stopping_) return;
    bool restarted = false;
    for (PortMapping& mapping : mappings_) restarted |= mapping.take_gateway_restarted();
    // A gateway that says so with every answer would keep us asking.
    if (restarted && now() < restart_seen_ + kRestartInterval) restarted = false;
    if (restarted) restart_seen_ = now();
    Instant next = kNever;
    for (PortMapping& mapping : mappings_) {
        if (restarted) mapping.renew(now());
        next = std::min(next, mapping.next_timeout());
    }
    alarm_.arm(next);
}

}  // namespace pinhole::net
