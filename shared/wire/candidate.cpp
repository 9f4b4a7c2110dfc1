#include "shared/wire/candidate.hpp"

namespace pinhole::wire {
namespace {

constexpr std::uint8_t kProofFlag = 0x80;
constexpr std::uint8_t kTypeMax = static_cast<std::uint8_t>(CandidateType::kPredicted);

Parsed<Candidate> read_candidate(Reader& reader) {
    const std::uint8_t first = reader.u8();
    const auto type = static_cast<std::uint8_t>(first & ~kProofFlag);
    const auto endpoint = read_required_endpoint(reader);
    if (!endpoint) return dropped(endpoint.error());
    if (type > kTypeMax) return dropped(Drop::kBadField);
    Candidate candidate{.type = static_cast<CandidateType>(type), .endpoint = *endpoint};
    if ((first & kProofFlag) != 0) candidate.proof = reader.fixed<16>();
    if (!reader.ok()) return dropped(Drop::kBadLength);
    return candidate;
}

}  // namespace

void write_candidates(Writer& writer, const CandidateList& candidates) {
    writer.u8(static_cast<std::uint8_t>(candidates.size()));
    for (const Candidate& candidate : candidates) {
        assert(candidate.endpoint.port != 0);
        writer.u8(static_cast<std::uint8_t>(static_cast<std::uint8_t>(candidate.type) |
                                            (candidate.proof ? kProofFlag : 0)));
        write_endpoint(writer, candidate.endpoint);
        if (candidate.proof) writer.bytes(*candidate.proof);
    }
}

Parsed<CandidateList> read_candidates(Reader& reader) {
    const std::uint8_t count = reader.u8();
    if (!reader.ok()) return dropped(Drop::kBadLength);
    if (count > kCandidatesMax) return dropped(Drop::kBadField);
    CandidateList candidates;
    for (std::uint8_t i = 0; i < count; ++i) {
        const auto candidate = read_candidate(reader);
        if (!candidate) return dropped(candidate.error());
        candidates.push_back(*candidate);
    }
    return candidates;
}

}  // namespace pinhole::wire
