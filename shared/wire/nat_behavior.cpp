#include "shared/wire/nat_behavior.hpp"

namespace pinhole::wire {
namespace {

constexpr std::uint8_t kLowPortsFlag = 1;
constexpr std::uint8_t kNoSpraysFlag = 2;
constexpr std::uint8_t kUdpBlockedFlag = 4;

template <class Enum>
Enum known_or_unknown(std::uint8_t raw, Enum last) {
    return raw <= static_cast<std::uint8_t>(last) ? static_cast<Enum>(raw) : Enum::kUnknown;
}

}  // namespace

void write_nat_behavior(Writer& writer, const NatBehavior& behavior) {
    writer.u8(static_cast<std::uint8_t>(behavior.mapping))
        .u8(static_cast<std::uint8_t>(behavior.filtering))
        .u8(static_cast<std::uint8_t>(behavior.allocation))
        .u8(static_cast<std::uint8_t>((behavior.has_low_ports ? kLowPortsFlag : 0) |
                                      (behavior.refuses_sprays ? kNoSpraysFlag : 0) |
                                      (behavior.is_udp_blocked ? kUdpBlockedFlag : 0)))
        .u16(static_cast<std::uint16_t>(behavior.step))
        .u16(behavior.first_port)
        .u16(behavior.last_port)
        .u16(behavior.newest_port);
}

NatBehavior read_nat_behavior(Reader& reader) {
    NatBehavior behavior;
    behavior.mapping = known_or_unknown(reader.u8(), Dependence::kAddressAndPortDependent);
    behavior.filtering = known_or_unknown(reader.u8(), Dependence::kAddressAndPortDependent);
    behavior.allocation = known_or_unknown(reader.u8(), Allocation::kRandom);
    const std::uint8_t flags = reader.u8();
    behavior.has_low_ports = (flags & kLowPortsFlag) != 0;
    behavior.refuses_sprays = (flags & kNoSpraysFlag) != 0;
    behavior.is_udp_blocked = (flags & kUdpBlockedFlag) != 0;
    behavior.step = static_cast<std::int16_t>(reader.u16());
    behavior.first_port = reader.u16();
    behavior.last_port = reader.u16();
    behavior.newest_port = reader.u16();
    return behavior;
}

}  // namespace pinhole::wire
