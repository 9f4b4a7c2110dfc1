#include "shared/node/part_assembly.hpp"

#include <algorithm>
#include <cassert>

namespace pinhole::node {

std::size_t count_parts(std::size_t size, std::size_t frame_max) {
    assert(frame_max > kPartHeader);
    const std::size_t piece = std::min(frame_max - kPartHeader, kPieceMax);
    const std::size_t count = (size + piece - 1) / piece;
    return count <= wire::kPartsMax ? count : 0;
}

Bytes piece_of(Bytes datagram, std::size_t index, std::size_t count) {
    assert(index < count && count <= datagram.size());
    const std::size_t step = (datagram.size() + count - 1) / count;
    const Bytes rest = datagram.subspan(index * step);
    return rest.first(std::min(step, rest.size()));
}

Parsed<std::optional<Bytes>> PartAssembly::add(Instant now, const wire::Part& part) {
    assert(part.index < part.count && part.count <= wire::kPartsMax);
    if (part.piece.size() > kPieceMax) return dropped(Drop::kBadLength);
    std::erase_if(partials_,
                  [&](const Partial& partial) { return now - partial.since >= kPartialLifetime; });
    Partial& partial = find_or_make(now, part);
    if (partial.count != part.count) return dropped(Drop::kBadField);
    if (partial.sizes[part.index] != 0) return dropped(Drop::kStale);
    partial.sizes[part.index] = part.piece.size();
    std::ranges::copy(part.piece, partial.bytes.begin() + part.index * kPieceMax);
    const auto sizes = std::span{partial.sizes}.first(partial.count);
    if (std::ranges::find(sizes, 0U) != sizes.end()) return std::nullopt;
    return complete(partial);
}

PartAssembly::Partial& PartAssembly::find_or_make(Instant now, const wire::Part& part) {
    const auto known = std::ranges::find(partials_, part.id, &Partial::id);
    if (known != partials_.end()) return *known;
    if (partials_.size() == kPartialsMax) partials_.erase(partials_.begin());
    Partial& made = partials_.emplace_back();
    made.id = part.id;
    made.count = part.count;
    made.since = now;
    return made;
}

Bytes PartAssembly::complete(Partial& partial) {
    Writer writer{whole_};
    for (std::size_t i = 0; i < partial.count; ++i) {
        writer.bytes(Bytes{partial.bytes}.subspan(i * kPieceMax, partial.sizes[i]));
    }
    partials_.erase(partials_.begin() + (&partial - partials_.data()));
    return Bytes{whole_}.first(writer.size());
}

}  // namespace pinhole::node
