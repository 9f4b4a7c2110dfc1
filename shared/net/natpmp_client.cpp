#include "shared/net/natpmp_client.hpp"

#include <utility>

#include <sys/time.h>

#include "shared/net/clock.hpp"

namespace pinhole::net {
namespace {

MappingFailure failure_of(int code) {
    switch (code) {
        // "The gateway itself has no address": it talks to us, so it is up, and what it has is no
        // public one.
        case NATPMP_ERR_NETWORKFAILURE: return {.why = MappingRefusal::kNoPublicAddress};
        case NATPMP_ERR_NOTAUTHORIZED:
        case NATPMP_ERR_OUTOFRESOURCES:
        case NATPMP_ERR_UNDEFINEDERROR: return {.why = MappingRefusal::kRefused};
        default: return {.why = MappingRefusal::kNoAnswer};
    }
}

/// An answer that is somebody else's, or late, is no reason to give up.
bool is_noise(int code) {
    return code == NATPMP_TRYAGAIN || code == NATPMP_ERR_WRONGPACKETSOURCE;
}

/// The whole time in which a datagram and its repetitions may be answered.
constexpr Duration patience() {
    return kGatewayFirstWait * ((1 << kGatewayTries) - 1);
}

}  // namespace

NatPmpClient::NatPmpClient(asio::io_context& io) : watcher_(io), timer_(io, [this] { turn(); }) {}

NatPmpClient::~NatPmpClient() {
    close();
}

void NatPmpClient::ask(const MappingWish& wish, MappingDone done) {
    cancel();
    wish_ = wish;
    done_ = std::move(done);
    give_up_at_ = now() + patience();
    public_ip_.reset();
    gateway_restarted_ = false;
    open(wish.gateway);
    if (is_open_ && wish.lifetime > Duration{0}) {
        sendpublicaddressrequest(&natpmp_);
    } else if (is_open_) {
        send_mapping_request();
    }
    wait();
    arm();
}

void NatPmpClient::cancel() {
    done_ = nullptr;
    timer_.cancel();
    close();
}

void NatPmpClient::open(const Gateway& gateway) {
    is_open_ = initnatpmp(&natpmp_, 1, htonl(gateway.ip.v4_bits())) == 0;
    std::error_code ignored;
    if (is_open_) watcher_.assign(natpmp_.s, ignored);
}

void NatPmpClient::close() {
    if (!std::exchange(is_open_, false)) return;
    // The library closes the descriptor; the watcher must only forget it.
    if (watcher_.is_open()) static_cast<void>(watcher_.release());
    closenatpmp(&natpmp_);
}

void NatPmpClient::send_mapping_request() {
    std::uint16_t external_port = 0;  // what a removal says
    if (wish_.lifetime > Duration{0}) {
        // Without a port to keep, the same one as inside is the most likely to be free.
        external_port = wish_.external ? wish_.external->port : wish_.internal_port;
    }
    const auto lifetime_s = std::chrono::ceil<std::chrono::seconds>(wish_.lifetime).count();
    sendnewportmappingrequest(&natpmp_, NATPMP_PROTOCOL_UDP, wish_.internal_port, external_port,
                              static_cast<std::uint32_t>(lifetime_s));
}

void NatPmpClient::wait() {
    if (!watcher_.is_open()) return;
    watcher_.async_wait(asio::posix::stream_descriptor::wait_read, [this](std::error_code error) {
        if (error || !done_) return;
        turn();
        if (done_) wait();
    });
}

void NatPmpClient::arm() {
    timeval left{};
    Instant at = give_up_at_;
    if (is_open_ && getnatpmprequesttimeout(&natpmp_, &left) == 0) {
        const Duration wait = std::chrono::seconds{left.tv_sec} + Duration{left.tv_usec};
        // The library asks another clock; a wait that is over for us may not be for it.
        at = std::min(at, now() + std::max(wait, Duration{1ms}));
    }
    timer_.arm(at);
}

void NatPmpClient::turn() {
    if (!done_) return;
    if (!is_open_) return finish(failure(MappingFailure{}));
    natpmpresp_t response{};
    const int code = readnatpmpresponseorretry(&natpmp_, &response);
    if (code == 0) {
        take(response);
    } else if (!is_noise(code)) {
        return finish(failure(failure_of(code)));
    }
    if (!done_) return;
    if (now() >= give_up_at_) return finish(failure(MappingFailure{}));
    arm();
}

void NatPmpClient::take(const natpmpresp_t& response) {
    if (response.type == NATPMP_RESPTYPE_PUBLICADDRESS) {
        if (public_ip_) return;  // the answer to a repetition
        gateway_restarted_ = note_epoch(response.epoch);
        public_ip_ = IpAddress::v4(ntohl(response.pnu.publicaddress.addr.s_addr));
        if (public_ip_->scope() != Scope::kPublic) {
            return finish(failure(MappingFailure{.why = MappingRefusal::kNoPublicAddress,
                                                 .found = Endpoint{*public_ip_, 0}}));
        }
        give_up_at_ = now() + patience();
        return send_mapping_request();
    }
    const auto& mapping = response.pnu.newportmapping;
    if (response.type != NATPMP_RESPTYPE_UDPPORTMAPPING ||
        mapping.privateport != wish_.internal_port) {
        return;
    }
    if (wish_.lifetime == Duration{0}) {
        return finish(MappingGrant{.external = wish_.external.value_or(Endpoint{})});
    }
    if (!public_ip_ || mapping.mappedpublicport == 0) return;
    finish(MappingGrant{.external = {*public_ip_, mapping.mappedpublicport},
                        .lifetime = std::chrono::seconds{mapping.lifetime},
                        .gateway_restarted = gateway_restarted_});
}

bool NatPmpClient::note_epoch(std::uint32_t epoch_s) {
    const Instant at = now();
    const auto previous = std::exchange(epoch_, Epoch{wish_.gateway.ip, epoch_s, at});
    if (!previous || previous->gateway != wish_.gateway.ip) return false;
    // RFC 6886 3.6: the gateway's clock may run an eighth slow, and two seconds behind.
    const Duration ours = at - previous->heard_at;
    const Duration least = std::chrono::seconds{previous->server_s} + ours - ours / 8;
    return std::chrono::seconds{epoch_s} + 2s < least;
}

void NatPmpClient::finish(const MappingOutcome& outcome) {
    const MappingDone done = std::exchange(done_, nullptr);
    cancel();
    if (done) done(now(), outcome);
}

}  // namespace pinhole::net
