// ENet's datagrams as we read them: a header, then commands.
//
// The one place that knows where the fields stand. Reads what ENet would read and stops where it
// would stop; judges nothing.
#pragma once

#include "shared/base/bytes.hpp"

namespace pinhole::reliable {

/// ENET_PROTOCOL_MAXIMUM_PEER_ID: the peer id of a datagram whose sender has none yet.
inline constexpr std::uint16_t kNoPeerId = 0xfff;

struct EnetHeader {
    std::uint16_t peer_id = kNoPeerId;
    /// The sender's clock in milliseconds, modulo 2^16; 0 where the header has none.
    std::uint16_t sent_time = 0;
    bool is_compressed = false;
    /// Bytes of the header.
    std::size_t size = 0;
};

struct EnetCommand {
    /// ENET_PROTOCOL_COMMAND_*; 0 (none) where ENet would stop reading.
    std::uint8_t kind = 0;
    /// The receiver acknowledges it.
    bool is_reliable = false;
    std::uint8_t channel = 0;
    std::uint16_t sequence = 0;
    /// Bytes of message in it.
    std::size_t payload_size = 0;
    /// The command with its payload, borrowed from the datagram.
    Bytes bytes{};
};

/// What an acknowledgement says: which command, and the `sent_time` of the datagram it came in.
struct EnetAcknowledgement {
    std::uint8_t channel = 0;
    std::uint16_t sequence = 0;
    std::uint16_t sent_time = 0;
};

[[nodiscard]] EnetHeader read_header(Bytes datagram);
/// The command at the front of `rest`.
[[nodiscard]] EnetCommand read_command(Bytes rest);
/// `command` must be an acknowledgement.
[[nodiscard]] EnetAcknowledgement read_acknowledgement(const EnetCommand& command);

/// The command carries message bytes, reliable or not.
[[nodiscard]] bool has_payload(std::uint8_t kind);
[[nodiscard]] bool is_unreliable(std::uint8_t kind);
[[nodiscard]] bool is_fragment(std::uint8_t kind);
[[nodiscard]] bool is_acknowledgement(std::uint8_t kind);

/// Calls `visit(command)` for each well-formed command, in order.
template <class Visit>
void for_each_command(Bytes datagram, Visit visit) {
    const EnetHeader header = read_header(datagram);
    if (datagram.size() < header.size) return;
    Bytes rest = datagram.subspan(header.size);
    for (EnetCommand command = read_command(rest); command.kind != 0;
         command = read_command(rest)) {
        visit(command);
        rest = rest.subspan(command.bytes.size());
    }
}

}  // namespace pinhole::reliable
