#include "shared/wire/endpoint_field.hpp"

namespace pinhole::wire {

void write_endpoint(Writer& writer, const std::optional<Endpoint>& endpoint) {
    if (!endpoint) {
        writer.zeros(kEndpointSize);
        return;
    }
    writer.u8(static_cast<std::uint8_t>(endpoint->ip.family()))
        .bytes(endpoint->ip.v6_bytes())
        .u16(endpoint->port);
}

Parsed<std::optional<Endpoint>> read_endpoint(Reader& reader) {
    const std::uint8_t family = reader.u8();
    const FixedBytes<16> address = reader.fixed<16>();
    const std::uint16_t port = reader.u16();
    if (!reader.ok()) return dropped(Drop::kBadLength);
    if (family == 0) {
        if (address != FixedBytes<16>{} || port != 0) return dropped(Drop::kBadField);
        return std::optional<Endpoint>{};
    }
    // A mapped address becomes an IPv4 one here, so one comparison refuses both family 6 with a
    // mapped address and family 4 without one.
    const Endpoint endpoint{IpAddress::v6(address), port};
    if (family != static_cast<std::uint8_t>(endpoint.ip.family())) {
        return dropped(Drop::kBadField);
    }
    return std::optional{endpoint};
}

Parsed<Endpoint> read_required_endpoint(Reader& reader) {
    const auto endpoint = read_endpoint(reader);
    if (!endpoint) return dropped(endpoint.error());
    if (!endpoint->has_value() || (*endpoint)->port == 0) return dropped(Drop::kBadField);
    return **endpoint;
}

}  // namespace pinhole::wire
