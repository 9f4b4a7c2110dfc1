#include "shared/reliable/enet_datagram.hpp"

#include <cassert>

#include <enet/enet.h>

#include "shared/base/cursor.hpp"

namespace pinhole::reliable {
namespace {

// Where the 16-bit payload length stands: in a reliable command right behind the header, in the
// others behind one more 16-bit field.
std::size_t payload_length_offset(std::uint8_t kind) {
    return sizeof(ENetProtocolCommandHeader) +
           (kind == ENET_PROTOCOL_COMMAND_SEND_RELIABLE ? 0U : 2U);
}

}  // namespace

EnetHeader read_header(Bytes datagram) {
    Reader reader{datagram};
    const std::uint16_t word = reader.u16();
    const bool has_time = (word & ENET_PROTOCOL_HEADER_FLAG_SENT_TIME) != 0;
    return {.peer_id = static_cast<std::uint16_t>(word & ENET_PROTOCOL_MAXIMUM_PEER_ID),
            .sent_time = has_time ? reader.u16() : std::uint16_t{0},
            .is_compressed = (word & ENET_PROTOCOL_HEADER_FLAG_COMPRESSED) != 0,
            .size = has_time ? sizeof(ENetProtocolHeader) : 2U};
}

EnetCommand read_command(Bytes rest) {
    if (rest.size() < sizeof(ENetProtocolCommandHeader)) return {};
    Reader reader{rest};
    const std::uint8_t first = reader.u8();
    EnetCommand command{
        .kind = static_cast<std::uint8_t>(first & ENET_PROTOCOL_COMMAND_MASK),
        .is_reliable = (first & ENET_PROTOCOL_COMMAND_FLAG_ACKNOWLEDGE) != 0,
        .channel = reader.u8(),
        .sequence = reader.u16(),
    };
    std::size_t size = enet_protocol_command_size(command.kind);
    if (command.kind >= ENET_PROTOCOL_COMMAND_COUNT || size == 0 || size > rest.size()) return {};
    if (has_payload(command.kind)) {
        command.payload_size = Reader{rest.subspan(payload_length_offset(command.kind))}.u16();
        size += command.payload_size;
    }
    if (size > rest.size()) return {};
    command.bytes = rest.first(size);
    return command;
}

EnetAcknowledgement read_acknowledgement(const EnetCommand& command) {
    assert(is_acknowledgement(command.kind));
    Reader reader{command.bytes.subspan(sizeof(ENetProtocolCommandHeader))};
    return {.channel = command.channel, .sequence = reader.u16(), .sent_time = reader.u16()};
}

bool has_payload(std::uint8_t kind) {
    return kind == ENET_PROTOCOL_COMMAND_SEND_RELIABLE ||
           kind == ENET_PROTOCOL_COMMAND_SEND_FRAGMENT || is_unreliable(kind);
}

bool is_unreliable(std::uint8_t kind) {
    return kind == ENET_PROTOCOL_COMMAND_SEND_UNRELIABLE ||
           kind == ENET_PROTOCOL_COMMAND_SEND_UNSEQUENCED ||
           kind == ENET_PROTOCOL_COMMAND_SEND_UNRELIABLE_FRAGMENT;
}

bool is_fragment(std::uint8_t kind) {
    return kind == ENET_PROTOCOL_COMMAND_SEND_FRAGMENT ||
           kind == ENET_PROTOCOL_COMMAND_SEND_UNRELIABLE_FRAGMENT;
}

bool is_acknowledgement(std::uint8_t kind) {
    return kind == ENET_PROTOCOL_COMMAND_ACKNOWLEDGE;
}

}  // namespace pinhole::reliable
