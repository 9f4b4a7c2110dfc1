// What a core asks of its driver beyond sending datagrams, and what the driver answers.
//
// Sockets belong to the driver. A core names them by `SocketId`, asks for further ones and hears
// about the machine it runs on through the sixth verb:
//
//     std::optional<IoRequest> poll_io_request();
//     void handle_io_event(Instant now, const IoEvent& event);
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "shared/base/endpoint.hpp"
#include "shared/base/time.hpp"

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

/// Please connect by TCP. The path {`socket`, `remote`} is then a stream: it carries whole
/// messages, in order, each as a datagram of at most `kStreamMessageMax` bytes. `socket` must be a
/// stream's name. `StreamOpened` or `StreamClosed` follows; `CloseSocket` ends it without an event.
struct OpenStream {
    SocketId socket;
    Endpoint remote;
};

/// Please have the gateway forward a port of its own to this IPv4 socket, and keep that up. Asking
/// again begins anew: the network may be another one.
struct MapPort {
    SocketId socket;
};

/// Please take that mapping away.
struct UnmapPort {
    SocketId socket;
};

using IoRequest = std::variant<OpenSocket, CloseSocket, MapPort, UnmapPort, OpenStream>;

/// The socket exists; `local` is what it is bound to (the address is usually unspecified, the port
/// is real).
struct SocketOpened {
    SocketId socket;
    Endpoint local;
    /// What may wait in the system for us, as the system counts it: a small datagram counts several
    /// times its size. A window of more than half of it can lose everything beyond. 0 = not known.
    std::size_t receive_buffer = 0;
};

/// The socket could not be opened or broke for good.
struct SocketFailed {
    SocketId socket;
};

/// The stream carries messages from now on.
struct StreamOpened {
    SocketId socket;
    Endpoint local;
    Endpoint remote;
    /// The other side opened it, and the driver chose its name.
    bool is_accepted = false;
};

/// There is no such stream, or no longer one: refused, ended by the other side, or broken.
struct StreamClosed {
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

/// The protocols by which a gateway is asked for a mapping.
enum class MappingProtocol : std::uint8_t {
    kPcp,     ///< RFC 6887
    kNatPmp,  ///< RFC 6886
    kUpnp,    ///< UPnP Internet Gateway Device
};

/// The gateway forwards `external` to the socket. Raised anew when `external` changes; the driver
/// renews the mapping by itself, so `lifetime` is only for those who report it.
struct PortMapped {
    SocketId socket;
    Endpoint external;
    MappingProtocol via = MappingProtocol::kPcp;
    Duration lifetime{};
};

/// There is no mapping, or no longer one.
struct PortUnmapped {
    enum class Reason : std::uint8_t {
        kNoGateway,  ///< no default route, or nobody there speaks any of the protocols
        kRefused,    ///< the gateway does not want to
        kDoubleNat,  ///< the gateway has no public address itself: another NAT is above it
        kTooShort,   ///< the gateway grants it for too short a time to be of use
        kLost,       ///< it existed and could not be renewed; the driver goes on trying
    };
    SocketId socket;
    Reason reason = Reason::kNoGateway;
    /// For kDoubleNat: the endpoint or address (port 0) that is not public, when the gateway told.
    std::optional<Endpoint> found{};
};

[[nodiscard]] constexpr std::string_view name_of(MappingProtocol protocol) {
    switch (protocol) {
        case MappingProtocol::kPcp: return "PCP";
        case MappingProtocol::kNatPmp: return "NAT-PMP";
        case MappingProtocol::kUpnp: return "UPnP";
    }
    return "?";
}

/// A clear sentence fragment for people.
[[nodiscard]] constexpr std::string_view name_of(PortUnmapped::Reason reason) {
    switch (reason) {
        case PortUnmapped::Reason::kNoGateway: return "no gateway that maps ports";
        case PortUnmapped::Reason::kRefused: return "the gateway refused";
        case PortUnmapped::Reason::kDoubleNat: return "the gateway is behind another NAT";
        case PortUnmapped::Reason::kTooShort: return "the gateway maps ports for seconds only";
        case PortUnmapped::Reason::kLost: return "the mapping was lost";
    }
    return "?";
}

using IoEvent = std::variant<SocketOpened, SocketFailed, InterfacesChanged, IcmpError, PortMapped,
                             PortUnmapped, StreamOpened, StreamClosed>;

}  // namespace pinhole
