// The C++ and scripts/make_vectors read the same diagrams independently; here they meet.
#include <set>

#include <gtest/gtest.h>

#include "tests/unit/wire/describe.hpp"
#include "tests/unit/wire/vectors.hpp"

namespace pinhole::wire::test {
namespace {

bool is_message_parser(const std::string& parser) {
    static const std::set<std::string> kNames{
        "binding_request", "binding_response", "initiation", "response",
        "retry",           "transport",        "opener",     "gone"};
    return kNames.contains(parser);
}

/// True when `parser` takes frames and at least knows this tag.
bool knows_tag(const std::string& parser, std::uint8_t tag) {
    const FixedBytes<1> frame{std::byte{tag}};
    const auto decoded = decode(parser, frame);
    return decoded.has_value() || decoded.error() != Drop::kUnknownFrame;
}

TEST(Golden, EveryVectorDecodesToItsFieldsAndEncodesToItsBytes) {
    for (const Vector& vector : load_vectors().vectors) {
        if (vector.parser == "stun_response") continue;
        SCOPED_TRACE(vector.parser + " " + vector.name);
        const auto decoded = decode(vector.parser, vector.bytes);
        ASSERT_TRUE(decoded.has_value()) << name_of(decoded.error());
        EXPECT_EQ(decoded->fields, vector.fields);
        EXPECT_EQ(to_hex(decoded->encoded), to_hex(vector.canonical));
    }
}

TEST(Golden, EveryMessageIsClassifiedAsTheKindOfItsParser) {
    const std::map<std::string, Kind> kinds{{"binding_request", Kind::kBindingRequest},
                                            {"binding_response", Kind::kBindingResponse},
                                            {"initiation", Kind::kHandshakeInitiation},
                                            {"response", Kind::kHandshakeResponse},
                                            {"transport", Kind::kTransport},
                                            {"opener", Kind::kOpener},
                                            {"retry", Kind::kRetry},
                                            {"gone", Kind::kGone}};
    for (const Vector& vector : load_vectors().vectors) {
        if (!is_message_parser(vector.parser)) continue;
        SCOPED_TRACE(vector.parser + " " + vector.name);
        const auto kind = classify(vector.bytes);
        ASSERT_TRUE(kind.has_value()) << name_of(kind.error());
        EXPECT_EQ(*kind, kinds.at(vector.parser));
    }
}

TEST(Golden, EveryRefusalIsDroppedForItsReason) {
    for (const Refusal& refusal : load_vectors().refused) {
        SCOPED_TRACE(refusal.parser + " " + refusal.name);
        const auto decoded = decode(refusal.parser, refusal.bytes);
        ASSERT_FALSE(decoded.has_value()) << decoded->fields;
        EXPECT_EQ(name_of(decoded.error()), refusal.drop);
    }
}

TEST(Golden, StunResponsesAreWrittenByteForByte) {
    int count = 0;
    for (const Vector& vector : load_vectors().vectors) {
        if (vector.parser != "stun_response") continue;
        SCOPED_TRACE(vector.name);
        const auto mapped = Endpoint::parse(vector.fields.at("mapped").get<std::string>());
        ASSERT_TRUE(mapped.has_value());
        FixedBytes<kStunResponseSizeMax> out{};
        const std::size_t size =
            encode({.transaction = to_fixed<12>(from_hex(vector.fields.at("transaction"))),
                    .mapped = *mapped,
                    .with_fingerprint = vector.fields.at("with_fingerprint")},
                   out);
        EXPECT_EQ(to_hex(Bytes{out}.first(size)), to_hex(vector.bytes));
        ++count;
    }
    EXPECT_EQ(count, 4);
}

TEST(Golden, EveryKindIsCovered) {
    std::set<std::uint8_t> covered;
    for (const Vector& vector : load_vectors().vectors) {
        if (!is_message_parser(vector.parser)) continue;
        covered.insert(std::to_integer<std::uint8_t>(vector.bytes.front()));
    }
    std::set<std::uint8_t> known;
    for (unsigned first = 0; first < 256; ++first) {
        const FixedBytes<2> datagram{static_cast<std::byte>(first), std::byte{kVersion}};
        if (classify(datagram)) known.insert(static_cast<std::uint8_t>(first));
    }
    EXPECT_EQ(known.size(), 8U);
    EXPECT_EQ(covered, known);
}

TEST(Golden, EveryFrameTagOfEveryParserIsCovered) {
    const auto file = load_vectors();
    const std::map<std::string, std::size_t> tag_counts{
        {"peer_frame", std::variant_size_v<PeerFrame>},
        {"client_frame", std::variant_size_v<ClientFrame>},
        // An introduction has two tags, one for each role.
        {"server_frame", std::variant_size_v<ServerFrame> + 1},
    };
    for (const auto& [parser, tag_count] : tag_counts) {
        SCOPED_TRACE(parser);
        std::set<std::uint8_t> covered;
        for (const Vector& vector : file.vectors) {
            if (vector.parser != parser) continue;
            covered.insert(std::to_integer<std::uint8_t>(vector.bytes.front()));
        }
        std::set<std::uint8_t> known;
        for (unsigned tag = 0; tag < 256; ++tag) {
            if (knows_tag(parser, static_cast<std::uint8_t>(tag))) {
                known.insert(static_cast<std::uint8_t>(tag));
            }
        }
        EXPECT_EQ(known.size(), tag_count);
        EXPECT_EQ(covered, known);
    }
}

}  // namespace
}  // namespace pinhole::wire::test
