#include "shared/net/sockaddr.hpp"

#include <cstring>

#include <netinet/in.h>

namespace pinhole::net {

SocketAddress SocketAddress::from(const Endpoint& endpoint) {
    SocketAddress out;
    if (endpoint.ip.is_v4()) {
        sockaddr_in v4{};
        v4.sin_family = AF_INET;
        v4.sin_port = htons(endpoint.port);
        v4.sin_addr.s_addr = htonl(endpoint.ip.v4_bits());
        std::memcpy(&out.storage, &v4, sizeof v4);
        out.size = sizeof v4;
        return out;
    }
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(endpoint.port);
    std::memcpy(&v6.sin6_addr, endpoint.ip.v6_bytes().data(), sizeof v6.sin6_addr);
    std::memcpy(&out.storage, &v6, sizeof v6);
    out.size = sizeof v6;
    return out;
}

std::optional<Endpoint> endpoint_from(const sockaddr* address) {
    if (address == nullptr) return {};
    if (address->sa_family == AF_INET) {
        sockaddr_in v4{};
        std::memcpy(&v4, address, sizeof v4);
        return Endpoint{IpAddress::v4(ntohl(v4.sin_addr.s_addr)), ntohs(v4.sin_port)};
    }
    if (address->sa_family == AF_INET6) {
        sockaddr_in6 v6{};
        std::memcpy(&v6, address, sizeof v6);
        const Bytes raw = std::as_bytes(std::span{v6.sin6_addr.s6_addr});
        return Endpoint{IpAddress::v6(to_fixed<16>(raw)), ntohs(v6.sin6_port)};
    }
    return {};
}

}  // namespace pinhole::net
