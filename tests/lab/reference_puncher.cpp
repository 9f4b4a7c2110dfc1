#include "tests/lab/reference_puncher.hpp"

#include "shared/base/cursor.hpp"

namespace pinhole::lab {
namespace {

constexpr std::byte kEchoRequest{1};
constexpr std::byte kEchoResponse{2};
constexpr std::byte kProbe{3};
constexpr std::byte kAnswer{4};
constexpr std::size_t kEchoSize = 1 + 16 + 2;
constexpr std::size_t kRemotesMax = 16;

}  // namespace

void EchoServer::handle_datagram(Instant, const Datagram& in) {
    if (in.bytes.empty() || in.bytes.front() != kEchoRequest) return;
    FixedBytes<kEchoSize> reply{};
    Writer writer{reply};
    writer.u8(std::to_integer<std::uint8_t>(kEchoResponse));
    writer.bytes(in.path.remote.ip.v6_bytes());
    writer.u16(in.path.remote.port);
    (void)out_.push({.path = in.path, .bytes = reply});
}

void ReferencePuncher::discover(Instant, const Endpoint& server) {
    send(server, kEchoRequest);
}

void ReferencePuncher::punch(Instant now, std::vector<Endpoint> remotes) {
    remotes_ = std::move(remotes);
    full_ttl_at_ = now + style_.full_ttl_after;
    for (unsigned i = 0; i < style_.openers; ++i) {
        for (const Endpoint& remote : remotes_) send(remote, kProbe, style_.opener_ttl);
    }
    next_round_ = full_ttl_at_;
}

void ReferencePuncher::handle_datagram(Instant, const Datagram& in) {
    Reader reader{in.bytes};
    const std::byte kind{reader.u8()};
    const Endpoint& remote = in.path.remote;
    if (kind == kEchoResponse) {
        const auto address = reader.fixed<16>();
        mapped_ = Endpoint{IpAddress::v6(address), reader.u16()};
    } else if (kind == kProbe) {
        has_heard_ = true;
        const bool is_known = std::ranges::find(remotes_, remote) != remotes_.end();
        if (!is_known && !style_.learns_peer_reflexive) return;
        if (!is_known && remotes_.size() < kRemotesMax) remotes_.push_back(remote);
        send(remote, kAnswer);
    } else if (kind == kAnswer && !direct_) {
        direct_ = remote;
    }
}

void ReferencePuncher::handle_timeout(Instant now) {
    if (now < next_round_) return;
    next_round_ = now + style_.interval;
    if (style_.stays_silent && !has_heard_) return;
    for (const Endpoint& remote : remotes_) send(remote, kProbe);
}

void ReferencePuncher::handle_io_event(Instant, const IoEvent& event) {
    if (const auto* error = std::get_if<IcmpError>(&event)) icmp_errors_.push_back(*error);
}

void ReferencePuncher::send(const Endpoint& remote, std::byte kind,
                            std::optional<std::uint8_t> ttl) {
    const SocketId socket = remote.ip.is_v4() ? kSocketV4 : kSocketV6;
    (void)out_.push({.path = {socket, remote}, .bytes = Bytes{&kind, 1}, .ttl = ttl});
}

}  // namespace pinhole::lab
