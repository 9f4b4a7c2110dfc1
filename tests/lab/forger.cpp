#include "tests/lab/forger.hpp"

#include "shared/wire/transport.hpp"

namespace pinhole::lab {
namespace {

/// Longer than anything of ours.
constexpr std::size_t kForgeryMax = 4200;

ByteVector random_bytes(Random& random, std::size_t size) {
    ByteVector out(size);
    random.fill(out);
    return out;
}

}  // namespace

void Eavesdropper::note(const TraceEvent& event) {
    const ByteVector& payload = event.packet.payload;
    if (!listens_ || event.fate != Fate::kSent || event.packet.icmp || payload.empty()) return;
    const auto kind = std::to_integer<std::uint8_t>(payload.front());
    if (kind >= kept_.size()) return;
    auto& kept = kept_.at(kind);
    Seen seen{event.packet.source, event.packet.destination, payload};
    if (kept.size() < kKeptPerKind) {
        kept.push_back(std::move(seen));
    } else {
        kept[random_->below(kept.size())] = std::move(seen);
    }
}

bool Eavesdropper::has_heard_all(std::initializer_list<std::uint8_t> kinds) const {
    return std::ranges::all_of(kinds, [&](std::uint8_t kind) { return !of_kind(kind).empty(); });
}

const Eavesdropper::Seen& Eavesdropper::any(Random& random) const {
    // A kind first: transport messages would drown the rare ones.
    while (true) {
        const auto& kept = kept_.at(random.below(kept_.size()));
        if (!kept.empty()) return kept[random.below(kept.size())];
    }
}

ByteVector Forger::next() {
    switch (random_.below(8)) {
        case 0: return invented();
        case 1: return transport_with_enet();
        case 2: return ear_.any(random_).payload;
        default: break;
    }
    ByteVector out = ear_.any(random_).payload;
    switch (random_.below(4)) {
        case 0: flip_bits(out); break;
        case 1: resize(out); break;
        case 2: splice(out); break;
        default:
            flip_bits(out);
            resize(out);
            break;
    }
    return out;
}

ByteVector Forger::transport_with_enet() {
    const auto& genuine = ear_.of_kind(static_cast<std::uint8_t>(wire::Kind::kTransport));
    const ByteVector& model = genuine[random_.below(genuine.size())].payload;
    ByteVector out(wire::kTransportHeaderSize + 1 + 4 + random_.below(120) + wire::kTagSize);
    random_.fill(out);
    Writer writer{out};
    writer.bytes(Bytes{model}.first(6))
        .u64(random_.below(2) == 0 ? random_.below(1U << 20U) : random_.u64())
        .u8(0x10)                                                // the tag of an ENet frame
        .u16(static_cast<std::uint16_t>(random_.below(0x1000)))  // ENet's peer id
        .u16(0);
    if (writer.remaining() > wire::kTagSize + 4) {
        // Every command of ENet (1 to 12), with and without its acknowledge flag, and a few that
        // it does not have.
        const auto command = static_cast<std::uint8_t>(random_.below(14));
        const auto flags = static_cast<std::uint8_t>(random_.below(4) << 6U);
        writer.u8(command | flags).u8(static_cast<std::uint8_t>(random_.below(256)));
    }
    return out;
}

ByteVector Forger::invented() {
    ByteVector out = random_bytes(random_, random_.below(kForgeryMax));
    if (out.size() >= 2 && random_.below(4) != 0) {
        out[0] = static_cast<std::byte>(random_.below(16));
        out[1] = std::byte{1};
    }
    return out;
}

void Forger::flip_bits(ByteVector& bytes) {
    for (std::uint64_t left = 1 + random_.below(8); left > 0; --left) {
        bytes[random_.below(bytes.size())] ^= static_cast<std::byte>(1U << random_.below(8));
    }
}

void Forger::resize(ByteVector& bytes) {
    if (random_.below(2) == 0) {
        bytes.resize(1 + random_.below(bytes.size()));
        return;
    }
    const ByteVector more = random_bytes(random_, 1 + random_.below(64));
    bytes.insert(bytes.end(), more.begin(), more.end());
}

void Forger::splice(ByteVector& bytes) {
    const ByteVector& other = ear_.any(random_).payload;
    const std::size_t cut = random_.below(std::min(bytes.size(), other.size()));
    bytes.resize(cut + 1);
    bytes.insert(bytes.end(), other.begin() + static_cast<std::ptrdiff_t>(cut), other.end());
}

}  // namespace pinhole::lab
