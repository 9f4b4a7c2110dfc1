// The one translation from `Endpoint` to Asio's.
#pragma once

#include <algorithm>
#include <cstddef>

#include <asio/ip/address.hpp>

#include "shared/base/endpoint.hpp"

namespace pinhole::peer {

template <class Protocol>
[[nodiscard]] typename Protocol::endpoint asio_endpoint(const Endpoint& endpoint) {
    if (endpoint.ip.is_v4()) {
        return {asio::ip::address_v4{endpoint.ip.v4_bits()}, endpoint.port};
    }
    asio::ip::address_v6::bytes_type raw{};
    std::ranges::transform(endpoint.ip.v6_bytes(), raw.begin(),
                           [](std::byte byte) { return std::to_integer<unsigned char>(byte); });
    return {asio::ip::address_v6{raw}, endpoint.port};
}

}  // namespace pinhole::peer
