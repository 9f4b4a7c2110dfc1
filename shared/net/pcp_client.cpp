#include "shared/net/pcp_client.hpp"

#include <array>
#include <utility>

#include <asio/buffer.hpp>

#include "shared/net/clock.hpp"

namespace pinhole::net {
namespace {

asio::ip::udp::endpoint asio_endpoint(const IpAddress& ip, std::uint16_t port) {
    return {asio::ip::address_v4{ip.v4_bits()}, port};
}

MappingRefusal refusal_of(wire::PcpResult result) {
    switch (result) {
        case wire::PcpResult::kUnsupportedVersion:
        case wire::PcpResult::kUnsupportedOpcode: return MappingRefusal::kNoAnswer;
        // Somebody between us and the gateway translates.
        case wire::PcpResult::kAddressMismatch:
        case wire::PcpResult::kNetworkFailure: return MappingRefusal::kNoPublicAddress;
        case wire::PcpResult::kSuccess:
        case wire::PcpResult::kNotAuthorized:
        case wire::PcpResult::kMalformedRequest:
        case wire::PcpResult::kUnsupportedOption:
        case wire::PcpResult::kMalformedOption:
        case wire::PcpResult::kNoResources:
        case wire::PcpResult::kUnsupportedProtocol:
        case wire::PcpResult::kUserExceededQuota:
        case wire::PcpResult::kCannotProvideExternal:
        case wire::PcpResult::kExcessiveRemotePeers: break;
    }
    return MappingRefusal::kRefused;
}

MappingFailure failure_of(const wire::PcpMapResponse& response) {
    const MappingRefusal why = refusal_of(response.result);
    const auto& external = response.external;
    if (why != MappingRefusal::kRefused || !external || external->ip.scope() == Scope::kPublic) {
        return {.why = why};
    }
    // miniupnpd refuses for want of resources, and names the address that it cannot map on.
    return {.why = MappingRefusal::kNoPublicAddress, .found = Endpoint{external->ip, 0}};
}

}  // namespace

PcpClient::PcpClient(asio::io_context& io, Random& random, std::uint16_t port)
    : socket_(io), retry_(io, [this] { on_due(); }), random_(random), port_(port) {}

void PcpClient::ask(const MappingWish& wish, MappingDone done) {
    cancel();
    done_ = std::move(done);
    // The gateway takes a question for the same port with another nonce for a stranger's.
    const bool is_same = gateway_ == wish.gateway && request_.internal_port == wish.internal_port;
    if (!is_same) random_.fill(request_.nonce);
    request_.client = wish.gateway.local;
    request_.internal_port = wish.internal_port;
    request_.suggested = wish.external.value_or(Endpoint{});
    request_.lifetime_s =
        static_cast<std::uint32_t>(std::chrono::ceil<std::chrono::seconds>(wish.lifetime).count());
    gateway_ = wish.gateway;
    tries_ = 0;
    open(wish.gateway);
    send();
}

void PcpClient::cancel() {
    done_ = nullptr;
    retry_.cancel();
    std::error_code ignored;
    socket_.close(ignored);
}

void PcpClient::open(const Gateway& gateway) {
    // What fails here fails again when the request is sent, and is nobody's answer.
    std::error_code ignored;
    socket_.open(asio::ip::udp::v4(), ignored);
    socket_.bind(asio_endpoint(gateway.local, 0), ignored);
    socket_.connect(asio_endpoint(gateway.ip, port_), ignored);
    socket_.non_blocking(true, ignored);
    wait();
}

void PcpClient::send() {
    if (tries_ == kGatewayTries) return finish(failure(MappingFailure{}));
    retry_.arm(now() + kGatewayFirstWait * (1 << tries_));
    ++tries_;
    FixedBytes<wire::kPcpMapSize> datagram;
    wire::encode(request_, datagram);
    std::error_code ignored;
    socket_.send(asio::buffer(datagram.data(), datagram.size()), 0, ignored);
}

void PcpClient::wait() {
    if (!socket_.is_open()) return;
    socket_.async_wait(asio::ip::udp::socket::wait_read, [this](std::error_code error) {
        if (!error) on_readable();
    });
}

void PcpClient::on_due() {
    if (done_) send();
}

void PcpClient::on_readable() {
    std::array<std::byte, wire::kPcpSizeMax + 1> buffer;
    std::error_code error;
    while (done_) {
        const std::size_t size =
            socket_.receive(asio::buffer(buffer.data(), buffer.size()), 0, error);
        if (error == asio::error::connection_refused) return finish(failure(MappingFailure{}));
        if (error) break;
        const auto response = wire::parse_pcp_map_response(Bytes{buffer}.first(size));
        if (response) {
            take(*response);
        } else if (response.error() == Drop::kUnknownVersion) {
            return finish(failure(MappingFailure{}));
        }
    }
    if (done_) wait();
}

void PcpClient::take(const wire::PcpMapResponse& response) {
    if (response.nonce != request_.nonce || response.internal_port != request_.internal_port) {
        return;
    }
    const bool restarted = note_epoch(now(), response.epoch_s);
    if (response.result != wire::PcpResult::kSuccess) {
        return finish(failure(failure_of(response)));
    }
    finish(MappingGrant{.external = response.external.value_or(request_.suggested),
                        .lifetime = std::chrono::seconds{response.lifetime_s},
                        .gateway_restarted = restarted});
}

bool PcpClient::note_epoch(Instant at, std::uint32_t epoch_s) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(at.time_since_epoch()).count();
    const wire::PcpEpoch current{epoch_s, static_cast<std::uint64_t>(seconds)};
    const auto previous = std::exchange(epoch_, current);
    const bool is_same_gateway = std::exchange(epoch_of_, gateway_.ip) == gateway_.ip;
    return previous && is_same_gateway && wire::has_lost_state(*previous, current);
}

void PcpClient::finish(const MappingOutcome& outcome) {
    const MappingDone done = std::exchange(done_, nullptr);
    cancel();
    if (done) done(now(), outcome);
}

}  // namespace pinhole::net
