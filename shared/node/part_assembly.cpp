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

std::optional<Bytes> PartAssembly::add(Instant now, const wire::Part& part) {
    assert(part.index < part.count && part.count <= wire::kPartsMax);
    const auto drop = [&](Drop reason) {
        drops_.add(reason);
        return std::nullopt;
    };
    if (part.piece.size() > kPieceMax) return drop(Drop::kBadLength);
    forget_old(now);
    Partial& partial = find_or_make(now, part);
    if (partial.count != part.count) return drop(Drop::kBadField);
    if (partial.sizes[part.index] != 0) return drop(Drop::kStale);
    partial.sizes[part.index] = part.piece.size();
    std::ranges::copy(part.piece, partial.bytes.begin() + part.index * kPieceMax);
    const auto sizes = std::span{partial.sizes}.first(partial.count);
    if (std::ranges::find(sizes, 0U) != sizes.end()) return std::nullopt;
    return complete(partial);
}

void PartAssembly::forget_old(Instant now) {
    drops_.add(Drop::kStale, std::erase_if(partials_, [&](const Partial& each) {
                   return now - each.since >= kPartialLifetime;
               }));
}

PartAssembly::Partial& PartAssembly::find_or_make(Instant now, const wire::Part& part) {
    const auto known = std::ranges::find(partials_, part.id, &Partial::id);
    if (known != partials_.end()) return *known;
    // The oldest makes room where it stands: who sends nothing but first parts must not make us
    // move all others each time.
    Partial* made = nullptr;
    if (partials_.size() < kPartialsMax) {
        made = &partials_.emplace_back();
    } else {
        drops_.add(Drop::kLimit);
        made = &*std::ranges::min_element(partials_, {}, &Partial::number);
    }
    made->number = next_number_++;
    made->id = part.id;
    made->count = part.count;
    made->since = now;
    made->sizes = {};
    return *made;
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
