#include "tests/vnet/fragments.hpp"

#include <algorithm>

#include "shared/base/cursor.hpp"
#include "tests/vnet/ip_numbers.hpp"

namespace pinhole::vnet {
namespace {

constexpr std::size_t kHeaderV4 = 20, kHeaderV6 = 40, kFragmentHeaderSize = 8;
constexpr std::uint16_t kMoreV4 = 0x2000, kOffsetV4 = 0x1fff, kMoreV6 = 1;
/// Offsets count in such units, so all pieces but the last are multiples of it.
constexpr std::size_t kUnit = 8;
constexpr std::size_t kBodyMax = 65'535;

struct Fragment {
    ByteVector key;
    ByteVector header;  ///< as it is on the whole packet, lengths apart
    std::size_t offset = 0;
    bool has_more = false;
    Bytes body;
};

unsigned version_of(Bytes raw) {
    return raw.empty() ? 0 : std::to_integer<unsigned>(raw[0]) >> 4U;
}

void append(ByteVector& out, Bytes bytes) {
    out.insert(out.end(), bytes.begin(), bytes.end());
}

std::optional<Fragment> read_v4(Bytes raw) {
    if (raw.size() < kHeaderV4) return std::nullopt;
    const std::size_t header = (std::to_integer<unsigned>(raw[0]) & 0x0fU) * std::size_t{4};
    const std::size_t total = Reader{raw.subspan(2)}.u16();
    const std::uint16_t place = Reader{raw.subspan(6)}.u16();
    if (header < kHeaderV4 || total < header || total > raw.size()) return std::nullopt;
    Fragment out;
    append(out.key, raw.subspan(4, 2));
    append(out.key, raw.subspan(9, 1));
    append(out.key, raw.subspan(12, 8));
    append(out.header, raw.first(header));
    Writer{MutableBytes{out.header}.subspan(6)}.u16(0);
    out.offset = (place & kOffsetV4) * kUnit;
    out.has_more = (place & kMoreV4) != 0;
    out.body = raw.subspan(header, total - header);
    return out;
}

/// Only where the fragment header comes first; our machines send no other extension headers.
std::optional<Fragment> read_v6(Bytes raw) {
    constexpr std::size_t kStart = kHeaderV6 + kFragmentHeaderSize;
    if (raw.size() < kStart) return std::nullopt;
    const std::size_t length = Reader{raw.subspan(4)}.u16();
    if (length < kFragmentHeaderSize || kHeaderV6 + length > raw.size()) return std::nullopt;
    const std::uint16_t place = Reader{raw.subspan(kHeaderV6 + 2)}.u16();
    Fragment out;
    append(out.key, raw.subspan(kHeaderV6 + 4, 4));
    append(out.key, raw.subspan(8, 32));
    append(out.header, raw.first(kHeaderV6));
    out.header[6] = raw[kHeaderV6];
    out.offset = place / kUnit * kUnit;
    out.has_more = (place & kMoreV6) != 0;
    out.body = raw.subspan(kStart, length - kFragmentHeaderSize);
    return out;
}

std::optional<Fragment> read_fragment(Bytes raw) {
    return version_of(raw) == 4 ? read_v4(raw) : read_v6(raw);
}

ByteVector piece_v4(Bytes header, Bytes body, std::uint16_t id, std::uint16_t place) {
    ByteVector out = to_vector(header);
    Writer writer{MutableBytes{out}.subspan(2)};
    writer.u16(static_cast<std::uint16_t>(header.size() + body.size())).u16(id).u16(place);
    Writer{MutableBytes{out}.subspan(10)}.u16(0);
    Writer{MutableBytes{out}.subspan(10)}.u16(internet_checksum(out));
    append(out, body);
    return out;
}

ByteVector piece_v6(Bytes header, Bytes body, std::uint32_t id, std::uint16_t place) {
    ByteVector out = to_vector(header);
    const std::byte protocol = std::exchange(out[6], std::byte{kFragmentHeader});
    Writer{MutableBytes{out}.subspan(4)}.u16(
        static_cast<std::uint16_t>(kFragmentHeaderSize + body.size()));
    FixedBytes<kFragmentHeaderSize> extension{};
    Writer{extension}.u8(std::to_integer<std::uint8_t>(protocol)).u8(0).u16(place).u32(id);
    append(out, extension);
    append(out, body);
    return out;
}

}  // namespace

std::vector<ByteVector> write_pieces(const lab::Packet& packet, std::uint32_t id) {
    const ByteVector whole = write_ip(packet);
    if (packet.fragment_size == 0) return {whole};
    const bool is_v4 = version_of(whole) == 4;
    const Bytes header = Bytes{whole}.first(is_v4 ? kHeaderV4 : kHeaderV6);
    Bytes rest = Bytes{whole}.subspan(header.size());
    const std::size_t overhead = header.size() + (is_v4 ? 0 : kFragmentHeaderSize);
    const std::size_t room = (packet.fragment_size - overhead) / kUnit * kUnit;
    std::vector<ByteVector> out;
    for (std::size_t offset = 0; !rest.empty(); offset += room) {
        const Bytes body = rest.first(std::min(room, rest.size()));
        rest = rest.subspan(body.size());
        const unsigned more = rest.empty() ? 0 : (is_v4 ? kMoreV4 : kMoreV6);
        const std::size_t place = is_v4 ? offset / kUnit : offset;
        const auto word = static_cast<std::uint16_t>(place | more);
        out.push_back(is_v4 ? piece_v4(header, body, static_cast<std::uint16_t>(id), word)
                            : piece_v6(header, body, id, word));
        if (packet.has_lost_tail) break;
    }
    return out;
}

bool Reassembly::concerns(Bytes raw) {
    switch (version_of(raw)) {
        case 4:
            return raw.size() >= kHeaderV4 &&
                   (Reader{raw.subspan(6)}.u16() & (kMoreV4 | kOffsetV4)) != 0;
        case 6: return raw.size() > 6 && raw[6] == std::byte{kFragmentHeader};
    }
    return false;
}

std::optional<Reassembly::Whole> Reassembly::add(Bytes raw) {
    auto fragment = read_fragment(raw);
    if (!fragment || fragment->body.empty()) return std::nullopt;
    const std::size_t end = fragment->offset + fragment->body.size();
    const bool is_odd = fragment->has_more && fragment->body.size() % kUnit != 0;
    if (is_odd || end + fragment->header.size() > kBodyMax) return std::nullopt;

    Incomplete& known = place_for(fragment->key);
    known.pieces[fragment->offset] = to_vector(fragment->body);
    known.fragment_size = std::max(known.fragment_size, raw.size());
    if (fragment->offset == 0) known.header = fragment->header;
    if (!fragment->has_more) known.size = end;

    ByteVector body;
    for (const auto& [offset, piece] : known.pieces) {
        if (offset != body.size()) return std::nullopt;  // a gap, or an overlap (RFC 5722)
        append(body, piece);
    }
    if (known.size == 0 || body.size() != known.size) return std::nullopt;
    Whole out{std::move(known.header), known.fragment_size};
    const std::size_t header = out.packet.size();
    const bool is_v4 = version_of(out.packet) == 4;
    append(out.packet, body);
    Writer{MutableBytes{out.packet}.subspan(is_v4 ? 2 : 4)}.u16(
        static_cast<std::uint16_t>(body.size() + (is_v4 ? header : 0)));
    std::erase_if(incomplete_, [&](const Incomplete& each) { return each.key == fragment->key; });
    return out;
}

Reassembly::Incomplete& Reassembly::place_for(const ByteVector& key) {
    const auto found = std::ranges::find(incomplete_, key, &Incomplete::key);
    if (found != incomplete_.end()) return *found;
    if (incomplete_.size() == kIncompleteMax) incomplete_.pop_front();
    incomplete_.emplace_back().key = key;
    return incomplete_.back();
}

}  // namespace pinhole::vnet
