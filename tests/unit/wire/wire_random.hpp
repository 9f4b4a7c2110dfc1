// Random but valid pieces of messages, for round trips of what no fixed vector thought of.
#pragma once

#include "shared/wire/candidate.hpp"
#include "shared/wire/id.hpp"
#include "shared/wire/nat_behavior.hpp"
#include "tests/support/seeded_random.hpp"

namespace pinhole::wire::test {

using pinhole::test::SeededRandom;

[[nodiscard]] inline Endpoint random_endpoint(Random& random) {
    const auto port = static_cast<std::uint16_t>(1 + random.below(65535));
    if (random.below(2) == 0) return {IpAddress::v4(random.u32()), port};
    return {IpAddress::v6(random.bytes<16>()), port};
}

[[nodiscard]] inline CandidateList random_candidates(Random& random) {
    CandidateList out;
    const std::uint64_t count = random.below(kCandidatesMax + 1);
    for (std::uint64_t i = 0; i < count; ++i) {
        Candidate candidate{.type = static_cast<CandidateType>(random.below(5)),
                            .endpoint = random_endpoint(random)};
        if (random.below(2) == 0) candidate.proof = random.bytes<16>();
        out.push_back(candidate);
    }
    return out;
}

[[nodiscard]] inline Id random_id(Random& random) {
    static constexpr std::string_view kCharacters = "abcdefghijklmnopqrstuvwxyz0123456789._-";
    std::string text;
    const std::uint64_t size = 1 + random.below(Id::kSizeMax);
    for (std::uint64_t i = 0; i < size; ++i) text += kCharacters[random.below(kCharacters.size())];
    return Id::parse(text).value();
}

[[nodiscard]] inline NatBehavior random_behavior(Random& random) {
    return {.mapping = static_cast<Dependence>(random.below(5)),
            .filtering = static_cast<Dependence>(random.below(5)),
            .allocation = static_cast<Allocation>(random.below(4)),
            .has_low_ports = random.below(2) == 0,
            .refuses_sprays = random.below(2) == 0,
            .is_udp_blocked = random.below(2) == 0,
            .step = static_cast<std::int16_t>(random.u32()),
            .first_port = static_cast<std::uint16_t>(random.u32()),
            .last_port = static_cast<std::uint16_t>(random.u32()),
            .newest_port = static_cast<std::uint16_t>(random.u32())};
}

[[nodiscard]] inline ByteVector random_bytes(Random& random, std::size_t size) {
    ByteVector out(size);
    random.fill(out);
    return out;
}

}  // namespace pinhole::wire::test
