#include "shared/reliable/enet_inspection.hpp"

#include <enet/enet.h>

#include "shared/base/cursor.hpp"

namespace pinhole::reliable {
namespace {

// A fragment but the last carries the whole MTU, which is at least 576 (ENet's minimum) less 28
// bytes of headers. Less than this much payload per fragment is nobody's honest message.
constexpr std::uint64_t kFragmentPayloadMin = 512;

struct Header {
    std::uint16_t peer_id = kNoPeerId;
    std::uint16_t flags = 0;
    std::size_t size = 0;
};

struct Command {
    std::uint8_t kind = 0;
    /// The command with its payload.
    Bytes bytes;
};

bool is_unreliable(std::uint8_t kind) {
    return kind == ENET_PROTOCOL_COMMAND_SEND_UNRELIABLE ||
           kind == ENET_PROTOCOL_COMMAND_SEND_UNSEQUENCED ||
           kind == ENET_PROTOCOL_COMMAND_SEND_UNRELIABLE_FRAGMENT;
}

bool is_fragment(std::uint8_t kind) {
    return kind == ENET_PROTOCOL_COMMAND_SEND_FRAGMENT ||
           kind == ENET_PROTOCOL_COMMAND_SEND_UNRELIABLE_FRAGMENT;
}

bool has_payload(std::uint8_t kind) {
    return kind == ENET_PROTOCOL_COMMAND_SEND_RELIABLE ||
           kind == ENET_PROTOCOL_COMMAND_SEND_FRAGMENT || is_unreliable(kind);
}

// Where the 16-bit payload length stands: in a reliable command right behind the header, in the
// others behind one more 16-bit field.
std::size_t payload_length_offset(std::uint8_t kind) {
    return sizeof(ENetProtocolCommandHeader) +
           (kind == ENET_PROTOCOL_COMMAND_SEND_RELIABLE ? 0U : 2U);
}

Header read_header(Bytes datagram) {
    const std::uint16_t word = Reader{datagram}.u16();
    const auto flags = static_cast<std::uint16_t>(word & ENET_PROTOCOL_HEADER_FLAG_MASK);
    const bool has_time = (flags & ENET_PROTOCOL_HEADER_FLAG_SENT_TIME) != 0;
    return {.peer_id = static_cast<std::uint16_t>(word & ENET_PROTOCOL_MAXIMUM_PEER_ID),
            .flags = flags,
            .size = has_time ? sizeof(ENetProtocolHeader) : 2U};
}

// The command at the front of `rest`, or one of kind 0 where ENet would stop reading.
Command read_command(Bytes rest) {
    if (rest.size() < sizeof(ENetProtocolCommandHeader)) return {};
    const auto kind = static_cast<std::uint8_t>(std::to_integer<std::uint8_t>(rest[0]) &
                                                ENET_PROTOCOL_COMMAND_MASK);
    std::size_t size = enet_protocol_command_size(kind);
    if (kind >= ENET_PROTOCOL_COMMAND_COUNT || size == 0 || size > rest.size()) return {};
    if (has_payload(kind)) size += Reader{rest.subspan(payload_length_offset(kind))}.u16();
    if (size > rest.size()) return {};
    return {.kind = kind, .bytes = rest.first(size)};
}

bool is_plausible_fragment(Bytes command) {
    Reader reader{command.subspan(payload_length_offset(ENET_PROTOCOL_COMMAND_SEND_FRAGMENT))};
    reader.skip(2);
    const std::uint64_t count = reader.u32();
    reader.skip(4);
    const std::uint64_t total_length = reader.u32();
    return count >= 1 && (count - 1) * kFragmentPayloadMin <= total_length;
}

}  // namespace

Parsed<Inspection> inspect(Bytes datagram) {
    if (datagram.size() > ENET_PROTOCOL_MAXIMUM_MTU) return dropped(Drop::kBadLength);
    const Header header = read_header(datagram);
    if ((header.flags & ENET_PROTOCOL_HEADER_FLAG_COMPRESSED) != 0) return dropped(Drop::kBadField);
    if (datagram.size() < header.size + sizeof(ENetProtocolCommandHeader)) {
        return dropped(Drop::kRunt);
    }

    Inspection found{.peer_id = header.peer_id};
    Bytes rest = datagram.subspan(header.size);
    found.is_connect = read_command(rest).kind == ENET_PROTOCOL_COMMAND_CONNECT;
    if (found.is_connect != (header.peer_id == kNoPeerId)) return dropped(Drop::kUnexpected);
    for (Command command = read_command(rest); command.kind != 0; command = read_command(rest)) {
        if (is_fragment(command.kind) && !is_plausible_fragment(command.bytes)) {
            return dropped(Drop::kBadField);
        }
        if (has_payload(command.kind)) ++found.data_commands;
        if (is_unreliable(command.kind)) ++found.unreliable_commands;
        rest = rest.subspan(command.bytes.size());
    }
    return found;
}

std::size_t copy_without_unreliable(Bytes datagram, MutableBytes out) {
    Bytes rest = datagram;
    Writer writer{out};
    const std::size_t header_size = read_header(datagram).size;
    writer.bytes(rest.first(header_size));
    rest = rest.subspan(header_size);
    for (Command command = read_command(rest); command.kind != 0; command = read_command(rest)) {
        if (!is_unreliable(command.kind)) writer.bytes(command.bytes);
        rest = rest.subspan(command.bytes.size());
    }
    return writer.size();
}

}  // namespace pinhole::reliable
