// A candidate (RFC 8445): a place where a peer may be reached.
//
//     +------------------+---------------+---------------------------+
//     | type and proof   | endpoint (19) | cookie (16), if proof set |
//     +------------------+---------------+---------------------------+
//     low 7 bits: the type; high bit: a cookie follows. Towards the server a public candidate
//     carries the cookie that the server gave to that very endpoint; the server takes it off.
//
// A list is | count (1) | candidate * count |, at most 8.
#pragma once

#include "shared/base/bounded_vector.hpp"
#include "shared/base/tagged.hpp"
#include "shared/wire/endpoint_field.hpp"

namespace pinhole::wire {

enum class CandidateType : std::uint8_t {
    kHost = 0,
    kServerReflexive = 1,
    kPeerReflexive = 2,
    kMapped = 3,
    kPredicted = 4,
};

struct Candidate {
    CandidateType type = CandidateType::kHost;
    Endpoint endpoint{};
    std::optional<Cookie> proof{};

    friend bool operator==(const Candidate&, const Candidate&) = default;
};

/// RFC 8445 asks for a bound on candidates (19.5.1); eight a side make at most 32 useful pairs.
inline constexpr std::size_t kCandidatesMax = 8;

using CandidateList = BoundedVector<Candidate, kCandidatesMax>;

void write_candidates(Writer& writer, const CandidateList& candidates);

/// Drops: kBadLength, kBadField (unknown type, "none" endpoint, port 0, more than eight).
[[nodiscard]] Parsed<CandidateList> read_candidates(Reader& reader);

}  // namespace pinhole::wire
