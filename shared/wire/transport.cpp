#include "shared/wire/transport.hpp"

namespace pinhole::wire {

void encode_header(const TransportHeader& header, MutableBytes out) {
    Writer writer{out};
    write_kind(writer, Kind::kTransport);
    writer.u32(header.receiver.value()).u64(header.counter);
}

std::size_t encode(const Opener& message, MutableBytes out) {
    Writer writer{out};
    write_kind(writer, Kind::kOpener);
    writer.bytes(message.mac);
    return writer.size();
}

std::size_t encode(const Gone& message, MutableBytes out) {
    Writer writer{out};
    write_kind(writer, Kind::kGone);
    writer.u32(message.index.value()).bytes(message.token);
    return writer.size();
}

Parsed<TransportHeader> parse_transport_header(Bytes datagram) {
    if (datagram.size() < kTransportSizeMin) return dropped(Drop::kRunt);
    Reader reader{datagram.subspan(2)};
    TransportHeader header;
    header.receiver = SessionIndex{reader.u32()};
    header.counter = reader.u64();
    return header;
}

Parsed<Opener> parse_opener(Bytes datagram) {
    if (datagram.size() < kOpenerSize) return dropped(Drop::kRunt);
    if (datagram.size() > kOpenerSize) return dropped(Drop::kBadLength);
    return Opener{.mac = to_fixed<16>(datagram.subspan(2))};
}

Parsed<Gone> parse_gone(Bytes datagram) {
    if (datagram.size() < kGoneSize) return dropped(Drop::kRunt);
    if (datagram.size() > kGoneSize) return dropped(Drop::kBadLength);
    Reader reader{datagram.subspan(2)};
    Gone message;
    message.index = SessionIndex{reader.u32()};
    message.token = reader.fixed<16>();
    return message;
}

}  // namespace pinhole::wire
