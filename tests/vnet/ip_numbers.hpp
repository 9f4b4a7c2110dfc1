// The numbers of IP, ICMP and ICMPv6 that the virtual internet knows, for reading and for writing.
#pragma once

#include <array>

#include "shared/base/io.hpp"

namespace pinhole::vnet {

/// IANA protocol numbers.
inline constexpr std::uint8_t kIcmp = 1, kTcp = 6, kUdp = 17, kFragmentHeader = 44, kIcmpV6 = 58;
inline constexpr std::size_t kUdpHeader = 8, kTcpHeader = 20, kIcmpHeader = 8;
/// Identifier and type of a packet in an ICMP error: all that RFC 792 promises to quote.
inline constexpr std::size_t kQuotedBytes = 8;

/// ICMP and ICMPv6 say the same by different numbers.
struct IcmpKindCode {
    IcmpError::Kind kind;
    std::uint8_t type;
    std::uint8_t code;
};
/// RFC 792; whatever is unreachable for another reason is written as a host.
inline constexpr std::array<IcmpKindCode, 4> kErrorsV4{{{IcmpError::Kind::kPortUnreachable, 3, 3},
                                                        {IcmpError::Kind::kTooBig, 3, 4},
                                                        {IcmpError::Kind::kTimeExceeded, 11, 0},
                                                        {IcmpError::Kind::kOther, 3, 1}}};
/// RFC 4443.
inline constexpr std::array<IcmpKindCode, 4> kErrorsV6{{{IcmpError::Kind::kPortUnreachable, 1, 4},
                                                        {IcmpError::Kind::kTooBig, 2, 0},
                                                        {IcmpError::Kind::kTimeExceeded, 3, 0},
                                                        {IcmpError::Kind::kOther, 1, 3}}};

[[nodiscard]] constexpr const std::array<IcmpKindCode, 4>& errors_of(Family family) {
    return family == Family::kV4 ? kErrorsV4 : kErrorsV6;
}

struct EchoTypes {
    std::uint8_t request;
    std::uint8_t reply;
};

[[nodiscard]] constexpr EchoTypes echo_types(Family family) {
    return family == Family::kV4 ? EchoTypes{8, 0} : EchoTypes{128, 129};
}

}  // namespace pinhole::vnet
