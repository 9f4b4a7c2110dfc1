#include "shared/reliable/enet_inspection.hpp"

#include <enet/enet.h>

#include "shared/base/cursor.hpp"
#include "shared/reliable/enet_datagram.hpp"

namespace pinhole::reliable {
namespace {

// A fragment but the last carries the whole MTU, which is at least 576 (ENet's minimum) less 28
// bytes of headers. Less than this much payload per fragment is nobody's honest message.
constexpr std::uint64_t kFragmentPayloadMin = 512;

bool is_plausible_fragment(Bytes command) {
    // Behind the header: the first fragment's sequence number and this one's length.
    Reader reader{command.subspan(sizeof(ENetProtocolCommandHeader) + 4)};
    const std::uint64_t count = reader.u32();
    reader.skip(4);
    const std::uint64_t total_length = reader.u32();
    return count >= 1 && (count - 1) * kFragmentPayloadMin <= total_length;
}

}  // namespace

Parsed<Inspection> inspect(Bytes datagram) {
    if (datagram.size() > ENET_PROTOCOL_MAXIMUM_MTU) return dropped(Drop::kBadLength);
    const EnetHeader header = read_header(datagram);
    if (header.is_compressed) return dropped(Drop::kBadField);
    if (datagram.size() < header.size + sizeof(ENetProtocolCommandHeader)) {
        return dropped(Drop::kRunt);
    }

    Inspection found{.peer_id = header.peer_id};
    found.is_connect =
        read_command(datagram.subspan(header.size)).kind == ENET_PROTOCOL_COMMAND_CONNECT;
    if (found.is_connect != (header.peer_id == kNoPeerId)) return dropped(Drop::kUnexpected);
    bool is_plausible = true;
    for_each_command(datagram, [&](const EnetCommand& command) {
        if (is_fragment(command.kind) && !is_plausible_fragment(command.bytes)) {
            is_plausible = false;
        }
        if (has_payload(command.kind)) ++found.data_commands;
        if (is_unreliable(command.kind)) ++found.unreliable_commands;
        if (is_acknowledgement(command.kind)) ++found.acknowledgements;
    });
    if (!is_plausible) return dropped(Drop::kBadField);
    return found;
}

std::size_t copy_without_unreliable(Bytes datagram, MutableBytes out) {
    Writer writer{out};
    writer.bytes(datagram.first(read_header(datagram).size));
    for_each_command(datagram, [&](const EnetCommand& command) {
        if (!is_unreliable(command.kind)) writer.bytes(command.bytes);
    });
    return writer.size();
}

}  // namespace pinhole::reliable
