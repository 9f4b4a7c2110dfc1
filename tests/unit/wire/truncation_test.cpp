// Every prefix of every golden vector: no parser reads past its input, and none makes a message out
// of half of one, except where the last field takes whatever is left.
#include <set>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "shared/wire/nat_behavior.hpp"
#include "tests/unit/wire/vectors.hpp"

namespace pinhole::wire::test {
namespace {

/// Messages and frames whose last field has no length of its own.
bool ends_in_open_field(const Vector& vector) {
    static const std::set<std::string> kMessages{"initiation", "response", "transport"};
    static const std::set<std::string> kFrames{"challenge", "rekey", "enet", "part", "relay"};
    if (kMessages.contains(vector.parser)) return true;
    return vector.fields.contains("frame") && kFrames.contains(vector.fields.at("frame"));
}

/// How much of a message may be missing at its end without making it invalid: a `register` without
/// a NAT behavior is an older client's, an `error` without a room an older server's.
std::size_t optional_tail(const Vector& vector) {
    if (!vector.fields.contains("frame")) return 0;
    const std::string frame = vector.fields.at("frame");
    if (frame == "register") return kNatBehaviorSize;
    if (frame == "error") return 1 + vector.fields.at("room").get<std::string>().size();
    return 0;
}

TEST(Truncation, APrefixIsRefusedAsTooShortUnlessTheLastFieldIsOpen) {
    for (const Vector& vector : load_vectors().vectors) {
        if (vector.parser == "stun_response" || vector.bytes != vector.canonical) continue;
        if (ends_in_open_field(vector)) continue;
        const std::size_t needed = vector.bytes.size() - optional_tail(vector);
        for (std::size_t size = 0; size < needed; ++size) {
            // A copy of exactly that size, so that a sanitizer sees a read behind its end.
            const ByteVector prefix = to_vector(Bytes{vector.bytes}.first(size));
            const auto decoded = decode(vector.parser, prefix);
            SCOPED_TRACE(fmt::format("{} {} cut to {}", vector.parser, vector.name, size));
            ASSERT_FALSE(decoded.has_value());
            EXPECT_TRUE(decoded.error() == Drop::kRunt || decoded.error() == Drop::kBadLength)
                << name_of(decoded.error());
        }
    }
}

TEST(Truncation, APrefixThatAnOpenFieldAllowsIsExactlyThatPrefix) {
    for (const Vector& vector : load_vectors().vectors) {
        if (vector.parser == "stun_response" || !ends_in_open_field(vector)) continue;
        std::size_t refused = 0;
        bool accepting = false;
        for (std::size_t size = 0; size < vector.bytes.size(); ++size) {
            const ByteVector prefix = to_vector(Bytes{vector.bytes}.first(size));
            const auto decoded = decode(vector.parser, prefix);
            SCOPED_TRACE(fmt::format("{} {} cut to {}", vector.parser, vector.name, size));
            if (decoded) {
                accepting = true;
                EXPECT_EQ(to_hex(decoded->encoded), to_hex(prefix));
                continue;
            }
            // Once long enough, always long enough.
            EXPECT_FALSE(accepting);
            EXPECT_TRUE(decoded.error() == Drop::kRunt || decoded.error() == Drop::kBadLength)
                << name_of(decoded.error());
            ++refused;
        }
        EXPECT_GE(refused, 2U) << vector.parser << " " << vector.name;
    }
}

TEST(Truncation, FramesAcceptWhatALaterVersionAppends) {
    std::size_t checked = 0;
    for (const Vector& vector : load_vectors().vectors) {
        if (!vector.fields.contains("frame") || ends_in_open_field(vector)) continue;
        // An older version's: what was appended since means something.
        if (vector.bytes.size() < vector.canonical.size()) continue;
        ByteVector longer = vector.bytes;
        longer.insert(longer.end(), 5, std::byte{0xee});
        const auto decoded = decode(vector.parser, longer);
        SCOPED_TRACE(vector.parser + " " + vector.name);
        ASSERT_TRUE(decoded.has_value()) << name_of(decoded.error());
        EXPECT_EQ(decoded->fields, vector.fields);
        ++checked;
    }
    EXPECT_GT(checked, 50U);
}

}  // namespace
}  // namespace pinhole::wire::test
