// The one translation between `Endpoint` and the system's `sockaddr`.
#pragma once

#include <optional>

#include <sys/socket.h>

#include "shared/base/endpoint.hpp"

namespace pinhole::net {

/// A socket address and the length that goes with it.
struct SocketAddress {
    sockaddr_storage storage{};
    socklen_t size = 0;

    [[nodiscard]] static SocketAddress from(const Endpoint& endpoint);
    [[nodiscard]] const sockaddr* get() const {
        return reinterpret_cast<const sockaddr*>(&storage);
    }
};

/// What `address` says; nothing for a family other than AF_INET and AF_INET6, or for null. An
/// IPv6 zone is lost: link-local addresses are never used here.
[[nodiscard]] std::optional<Endpoint> endpoint_from(const sockaddr* address);

}  // namespace pinhole::net
