#include "shared/wire/rendezvous_frame.hpp"

#include <gtest/gtest.h>

#include "shared/wire/handshake.hpp"
#include "tests/unit/wire/wire_random.hpp"

namespace pinhole::wire::test {
namespace {

template <class Frame>
ByteVector encoded(const Frame& frame) {
    ByteVector out(2048);
    out.resize(encode(frame, out));
    return out;
}

template <class Frame>
void expect_client_round_trip(const Frame& frame) {
    const auto parsed = parse_client_frame(encoded(frame));
    ASSERT_TRUE(parsed.has_value()) << name_of(parsed.error());
    ASSERT_TRUE(std::holds_alternative<Frame>(*parsed));
    EXPECT_EQ(std::get<Frame>(*parsed), frame);
}

template <class Frame>
void expect_server_round_trip(const Frame& frame) {
    const auto parsed = parse_server_frame(encoded(frame));
    ASSERT_TRUE(parsed.has_value()) << name_of(parsed.error());
    ASSERT_TRUE(std::holds_alternative<Frame>(*parsed));
    EXPECT_EQ(std::get<Frame>(*parsed), frame);
}

ByteVector random_initiation(Random& random) {
    const std::size_t size =
        kInitiationSizeMin + random.below(kHandshakeSizeMax - kInitiationSizeMin + 1);
    ByteVector out = random_bytes(random, size);
    Writer writer{out};
    write_kind(writer, Kind::kHandshakeInitiation);
    return out;
}

TEST(RendezvousFrame, ClientFramesSurviveTheWire) {
    constexpr std::uint64_t kSeed = 17;
    SeededRandom random{kSeed};
    for (int round = 0; round < 50; ++round) {
        SCOPED_TRACE(fmt::format("seed {} round {}", kSeed, round));
        const auto nonce = random.bytes<16>();
        expect_client_round_trip(Register{.request = static_cast<std::uint16_t>(random.u32()),
                                          .accept = static_cast<AcceptMode>(random.below(2)),
                                          .id = random_id(random),
                                          .behavior = random_behavior(random)});
        expect_client_round_trip(Accept{.nonce = nonce, .candidates = random_candidates(random)});
        expect_client_round_trip(Refuse{.nonce = nonce});
        expect_client_round_trip(Trickle{.nonce = nonce, .candidates = random_candidates(random)});
        expect_client_round_trip(Join{.room = random_id(random)});
        expect_client_round_trip(Leave{.room = random_id(random)});
        expect_client_round_trip(Release{.id = random_id(random)});
    }
}

TEST(RendezvousFrame, ServerFramesSurviveTheWire) {
    constexpr std::uint64_t kSeed = 18;
    SeededRandom random{kSeed};
    for (int round = 0; round < 50; ++round) {
        SCOPED_TRACE(fmt::format("seed {} round {}", kSeed, round));
        Registered registered{.request = static_cast<std::uint16_t>(random.u32()),
                              .gone_token = random.bytes<16>(),
                              .rejoin_window_s = static_cast<std::uint16_t>(random.u32())};
        if (random.below(2) == 0) registered.observed = random_endpoint(random);
        expect_server_round_trip(registered);
        expect_server_round_trip(
            Trickle{.nonce = random.bytes<16>(), .candidates = random_candidates(random)});
        expect_server_round_trip(Error{.code = static_cast<ErrorCode>(1 + random.below(8)),
                                       .request = static_cast<std::uint16_t>(random.u32()),
                                       .nonce = random.bytes<16>(),
                                       .room = random.below(2) == 0 ? Id{} : random_id(random)});
        Members members{.room = random_id(random), .version = random.u32() | 1U};
        const std::uint64_t count = random.below(Members::kMembersMax + 1);
        for (std::uint64_t i = 0; i < count; ++i) {
            members.members.push_back({.id = random_id(random), .key = random.bytes<32>()});
        }
        expect_server_round_trip(members);
    }
}

TEST(RendezvousFrame, ConnectCarriesAnInitiationOrNone) {
    constexpr std::uint64_t kSeed = 19;
    SeededRandom random{kSeed};
    for (int round = 0; round < 50; ++round) {
        SCOPED_TRACE(fmt::format("seed {} round {}", kSeed, round));
        const ByteVector handshake = round % 2 == 0 ? ByteVector{} : random_initiation(random);
        const Connect frame{.nonce = random.bytes<16>(),
                            .resume = round % 3 == 0,
                            .target = random_id(random),
                            .candidates = random_candidates(random),
                            .handshake = handshake};
        const ByteVector bytes = encoded(frame);
        const auto parsed = parse_client_frame(bytes);
        ASSERT_TRUE(parsed.has_value()) << name_of(parsed.error());
        const auto& held = std::get<Connect>(*parsed);
        EXPECT_EQ(held.nonce, frame.nonce);
        EXPECT_EQ(held.resume, frame.resume);
        EXPECT_EQ(held.target, frame.target);
        EXPECT_EQ(held.candidates, frame.candidates);
        EXPECT_TRUE(same_bytes(held.handshake, handshake));
    }
}

TEST(RendezvousFrame, IntroductionNamesTheReceiversRoleByItsTag) {
    constexpr std::uint64_t kSeed = 21;
    SeededRandom random{kSeed};
    for (const Role role : {Role::kAsker, Role::kAnswerer}) {
        const ByteVector handshake = random_initiation(random);
        const Introduction frame{.role = role,
                                 .nonce = random.bytes<16>(),
                                 .resume = role == Role::kAsker,
                                 .answer_first = role == Role::kAnswerer,
                                 .id = random_id(random),
                                 .key = random.bytes<32>(),
                                 .handle = RelayHandle{random.u32()},
                                 .technique = Technique::kListen,
                                 .fire_in_us = random.u32(),
                                 .candidates = random_candidates(random),
                                 .handshake = handshake};
        const ByteVector bytes = encoded(frame);
        EXPECT_EQ(std::to_integer<int>(bytes.front()), role == Role::kAsker ? 0x23 : 0x24);
        const auto parsed = parse_server_frame(bytes);
        ASSERT_TRUE(parsed.has_value()) << name_of(parsed.error());
        const auto& held = std::get<Introduction>(*parsed);
        EXPECT_EQ(held.role, role);
        EXPECT_EQ(held.resume, frame.resume);
        EXPECT_EQ(held.answer_first, frame.answer_first);
        EXPECT_EQ(held.key, frame.key);
        EXPECT_EQ(held.handle, frame.handle);
        EXPECT_EQ(held.technique, Technique::kListen);
        EXPECT_EQ(held.fire_in_us, frame.fire_in_us);
        EXPECT_EQ(held.candidates, frame.candidates);
        EXPECT_TRUE(same_bytes(held.handshake, handshake));
    }
}

TEST(RendezvousFrame, RelayCarriesKinds6To8InBothDirections) {
    for (unsigned kind = 0; kind < 256; ++kind) {
        ByteVector frame(5 + 40);
        // A later version inside is the receiver's to judge, so 7 stands for any.
        Writer{frame}.u8(0x28).u32(77).u8(static_cast<std::uint8_t>(kind)).u8(7);
        const bool is_allowed = kind >= 6 && kind <= 8;
        const auto client = parse_client_frame(frame);
        const auto server = parse_server_frame(frame);
        ASSERT_EQ(client.has_value(), is_allowed) << kind;
        ASSERT_EQ(server.has_value(), is_allowed) << kind;
        if (is_allowed) {
            EXPECT_EQ(std::get<Relay>(*client).handle, RelayHandle{77});
            EXPECT_TRUE(same_bytes(std::get<Relay>(*client).message, Bytes{frame}.subspan(5)));
            EXPECT_TRUE(same_bytes(encoded(std::get<Relay>(*server)), frame));
        } else {
            EXPECT_EQ(client.error(), Drop::kBadField);
        }
    }
}

TEST(RendezvousFrame, MembersRefusesEveryCountAboveFifteen) {
    for (unsigned count = 0; count < 256; ++count) {
        ByteVector frame(8 + count * 34);
        Writer writer{frame};
        writer.u8(0x2b).u8(1).bytes(as_bytes("r")).u32(1).u8(static_cast<std::uint8_t>(count));
        for (unsigned i = 0; i < count; ++i) writer.u8(1).bytes(as_bytes("m")).zeros(32);
        const auto parsed = parse_server_frame(frame);
        ASSERT_EQ(parsed.has_value(), count <= Members::kMembersMax) << count;
        if (!parsed) {
            EXPECT_EQ(parsed.error(), Drop::kBadField);
        }
    }
}

TEST(RendezvousFrame, TheLongestMembersFitsOneSealedDatagram) {
    Members members{.room = Id::parse(std::string(32, 'r')).value(), .version = 1};
    while (members.members.push_back({.id = Id::parse(std::string(32, 'm')).value()})) continue;
    // 1232 bytes of UDP payload less header and tag.
    EXPECT_LE(encoded(members).size(), 1232U - 30U);
}

TEST(RendezvousFrame, VersionsOfARoomGrowAcrossTheirWrap) {
    EXPECT_TRUE(is_newer_version(2, 1));
    EXPECT_TRUE(is_newer_version(5, 0xffff'fff0));
    EXPECT_FALSE(is_newer_version(1, 1));
    EXPECT_FALSE(is_newer_version(1, 2));
    EXPECT_FALSE(is_newer_version(0xffff'fff0, 5));
}

TEST(RendezvousFrame, TheLongestIntroductionFitsOneSealedDatagram) {
    SeededRandom random{22};
    ByteVector handshake(kHandshakeSizeMax);
    Writer writer{handshake};
    write_kind(writer, Kind::kHandshakeInitiation);
    Introduction frame{.id = Id::parse(std::string(32, 'x')).value(), .handshake = handshake};
    while (frame.candidates.push_back({.type = CandidateType::kPredicted,
                                       .endpoint = random_endpoint(random),
                                       .proof = random.bytes<16>()})) {
        continue;
    }
    EXPECT_LE(encoded(frame).size(), 1232U - 30U);
}

TEST(RendezvousFrame, EachSideDropsTheOthersFrames) {
    const auto nonce = IntroductionNonce{};
    EXPECT_EQ(parse_server_frame(encoded(Refuse{.nonce = nonce})).error(), Drop::kUnknownFrame);
    EXPECT_EQ(parse_client_frame(encoded(Error{.nonce = nonce})).error(), Drop::kUnknownFrame);
    EXPECT_EQ(parse_client_frame({}).error(), Drop::kRunt);
    EXPECT_EQ(parse_server_frame({}).error(), Drop::kRunt);
}

TEST(RendezvousFrameDeathTest, AssertsOnFramesThatNoParserTakes) {
    FixedBytes<512> out{};
    const FixedBytes<4> opener{std::byte{9}, std::byte{1}};
    EXPECT_DEATH(encode(Register{}, out), "empty");
    EXPECT_DEATH(encode(Join{}, out), "empty");
    EXPECT_DEATH(encode(Relay{.message = opener}, out), "is_relayable");
    EXPECT_DEATH(encode(Connect{.target = Id::parse("a").value(), .handshake = opener}, out),
                 "is_initiation_sized");
}

}  // namespace
}  // namespace pinhole::wire::test
