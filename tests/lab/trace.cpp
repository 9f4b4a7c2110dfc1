#include "tests/lab/trace.hpp"

#include "shared/base/cursor.hpp"

namespace pinhole::lab {
namespace {

std::string_view name_of_icmp(IcmpError::Kind kind) {
    switch (kind) {
        case IcmpError::Kind::kPortUnreachable: return "port_unreachable";
        case IcmpError::Kind::kTimeExceeded: return "time_exceeded";
        case IcmpError::Kind::kTooBig: return "too_big";
        case IcmpError::Kind::kOther: return "other";
    }
    return "?";
}

/// The first byte of a UDP payload is the kind of a message of ours.
int kind_byte(const Packet& packet) {
    return packet.payload.empty() ? -1 : std::to_integer<int>(packet.payload.front());
}

std::string line_of(const TraceEvent& event) {
    const Packet& packet = event.packet;
    const Duration at = event.at.time_since_epoch();
    const std::string what =
        packet.icmp ? fmt::format("icmp {} about {} > {}", name_of_icmp(packet.icmp->kind),
                                  packet.icmp->source, packet.icmp->destination)
                    : fmt::format("size {} kind {}", packet.payload.size(), kind_byte(packet));
    return fmt::format("{}.{:06} {} {} > {} ttl {} {} {}", at.count() / 1'000'000,
                       at.count() % 1'000'000, event.where, packet.source, packet.destination,
                       packet.ttl, what, name_of(event.fate));
}

}  // namespace

std::string_view name_of(Fate fate) {
    switch (fate) {
        case Fate::kSent: return "sent";
        case Fate::kDelivered: return "delivered";
        case Fate::kTranslated: return "translated";
        case Fate::kDuplicated: return "duplicated";
        case Fate::kLost: return "lost";
        case Fate::kQueueFull: return "queue_full";
        case Fate::kLinkDown: return "link_down";
        case Fate::kInterfered: return "interfered";
        case Fate::kTooBig: return "too_big";
        case Fate::kTtlExceeded: return "ttl_exceeded";
        case Fate::kNoRoute: return "no_route";
        case Fate::kClosedPort: return "closed_port";
        case Fate::kNoSocket: return "no_socket";
        case Fate::kNoMapping: return "no_mapping";
        case Fate::kFiltered: return "filtered";
        case Fate::kClaimedByRouter: return "claimed_by_router";
        case Fate::kPortsExhausted: return "ports_exhausted";
        case Fate::kMappingLimit: return "mapping_limit";
        case Fate::kUdpBlocked: return "udp_blocked";
        case Fate::kNoHairpin: return "no_hairpin";
        case Fate::kIsolated: return "isolated";
        case Fate::kFragment: return "fragment";
        case Fate::kIncomplete: return "incomplete";
        case Fate::kCount: break;
    }
    return "?";
}

void Trace::record(const TraceEvent& event) {
    fates_.add(event.fate);
    const Packet& packet = event.packet;
    mix(static_cast<std::uint64_t>(event.at.time_since_epoch().count()));
    mix(as_bytes(event.where));
    mix(packet.source);
    mix(packet.destination);
    mix(packet.payload.size() << 16U | std::uint64_t{packet.ttl} << 8U |
        static_cast<std::uint64_t>(event.fate));
    if (packet.icmp) {
        mix(static_cast<std::uint64_t>(packet.icmp->kind));
        mix(packet.icmp->source);
        mix(packet.icmp->destination);
    }
    // A payload never changes on the way: hashing it once is enough.
    if (event.fate == Fate::kSent) mix(packet.payload);
    if (keeps_lines_) lines_.push_back(line_of(event));
    if (observer_) observer_(event);
}

std::string Trace::text() const {
    return fmt::format("{}", fmt::join(lines_, "\n"));
}

// FNV-1a over words instead of bytes, with a shift so that high bits reach low ones.
void Trace::mix(std::uint64_t word) {
    digest_ = (digest_ ^ word) * 0x100000001b3ULL;
    digest_ ^= digest_ >> 29U;
}

void Trace::mix(Bytes bytes) {
    Reader reader{bytes};
    while (reader.remaining() >= 8) mix(reader.u64());
    while (reader.remaining() > 0) mix(reader.u8());
}

void Trace::mix(const Endpoint& endpoint) {
    mix(endpoint.ip.v6_bytes());
    mix(endpoint.port);
}

}  // namespace pinhole::lab
