// What a core asks of its driver beyond sending datagrams, and what the driver answers.
//
// Sockets belong to the driver. A core names them by `SocketId`, asks for further ones and hears
// about the machine it runs on through the sixth verb:
//
//     std::optional<IoRequest> poll_io_request();
//     void handle_io_event(Instant now, const IoEvent& event);
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "shared/base/endpoint.hpp"

namespace pinhole {

/// Please open a UDP socket under this name. `port` 0 lets the system choose at random.
struct OpenSocket {
    SocketId socket;
    Family family = Family::kV4;
    std::uint16_t port = 0;
};

/// Please close it.
struct CloseSocket {
    SocketId socket;
};

using IoRequest = std::variant<OpenSocket, CloseSocket>;

/// The socket exists; `local` is what it is bound to (the address is usually unspecified, the port
/// is real).
struct SocketOpened {
    SocketId socket;
    Endpoint local;
};

/// The socket could not be opened or broke for good.
struct SocketFailed {
    SocketId socket;
};

/// One usable address of a local interface, already free of loopback, link-local, tunnel and
/// container interfaces.
struct LocalAddress {
    IpAddress ip;
    std::uint8_t prefix_length = 0;
    std::string interface_name;

    friend bool operator==(const LocalAddress&, const LocalAddress&) = default;
};

/// The whole list of local addresses: at the start, and whenever it changes.
struct InterfacesChanged {
    std::vector<LocalAddress> addresses;
};

/// The network answered a datagram of ours with an ICMP error. A hint, never fatal.
struct IcmpError {
    Path path;
    enum class Kind : std::uint8_t { kPortUnreachable, kTimeExceeded, kTooBig, kOther } kind;
};

using IoEvent = std::variant<SocketOpened, SocketFailed, InterfacesChanged, IcmpError>;

}  // namespace pinhole
