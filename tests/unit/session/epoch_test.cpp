#include "shared/session/epoch.hpp"

#include <string>
#include <vector>

#include "tests/unit/session/parties.hpp"

namespace pinhole::session {
namespace {

using test::kAes;
using test::Meeting;
using test::shake_hands;

/// Two ends of one epoch; ann seals, bob opens.
template <std::size_t WindowBits>
struct Ends {
    Epoch<WindowBits> ann;
    Epoch<WindowBits> bob;

    explicit Ends(const test::Handshaken& done, std::uint32_t first_counter = 0)
        : ann(done.ann.keys, first_counter), bob(done.bob) {}

    [[nodiscard]] ByteVector seal(std::string_view text) {
        ByteVector datagram(wire::kTransportOverhead + text.size());
        std::ranges::copy(as_bytes(text), datagram.begin() + wire::kTransportHeaderSize);
        EXPECT_TRUE(ann.seal_in_place(datagram));
        return datagram;
    }

    /// What bob reads, or why he drops it.
    [[nodiscard]] Parsed<std::string> open(Bytes datagram) {
        ByteVector copy = to_vector(datagram);
        const auto header = wire::parse_transport_header(copy);
        if (!header) return dropped(header.error());
        const auto frame = bob.open_in_place(*header, copy);
        if (!frame) return dropped(frame.error());
        return std::string{as_text(*frame)};
    }
};

using PeerEnds = Ends<kPeerWindowBits>;

PeerEnds peers(std::uint64_t seed) {
    Meeting meeting{seed};
    return PeerEnds{shake_hands(meeting)};
}

TEST(Epoch, OpensWhatTheOtherSideSealed) {
    auto ends = peers(1);
    for (const auto& text : std::vector<std::string>{"a", "some text", std::string(1200, 'x')}) {
        EXPECT_EQ(ends.open(ends.seal(text)), text);
    }
}

TEST(Epoch, SealsAndOpensFromOnePlaceIntoAnother) {
    auto ends = peers(1);
    const Bytes frame = as_bytes("some text");
    ByteVector datagram(frame.size() + wire::kTransportOverhead);
    ASSERT_TRUE(ends.ann.seal(frame, datagram));
    const ByteVector kept = datagram;
    ByteVector out(datagram.size());
    const auto header = *wire::parse_transport_header(datagram);
    const auto opened = ends.bob.open(header, datagram, out);
    ASSERT_TRUE(opened.has_value());
    EXPECT_EQ(as_text(*opened), "some text");
    EXPECT_EQ(opened->data(), out.data());
    EXPECT_EQ(datagram, kept);
    EXPECT_EQ(ends.bob.open(header, datagram, out).error(), Drop::kReplay);
}

TEST(Epoch, EveryByteIsAuthenticated) {
    for (const std::uint32_t features : {0U, kAes}) {
        if (features != 0 && !crypto::is_aes256gcm_available()) continue;
        Meeting meeting{2};
        meeting.ann.features = meeting.bob.features = features;
        PeerEnds ends{shake_hands(meeting)};
        const ByteVector genuine = ends.seal("some text");
        for (std::size_t i = 0; i < genuine.size(); ++i) {
            ByteVector tampered = genuine;
            tampered[i] ^= std::byte{1};
            const auto opened = ends.open(tampered);
            ASSERT_FALSE(opened) << "byte " << i;
            EXPECT_EQ(opened.error(), Drop::kBadTag) << "byte " << i;
        }
        EXPECT_EQ(ends.open(genuine), "some text");
    }
}

TEST(Epoch, OpensADatagramOnce) {
    auto ends = peers(3);
    const ByteVector datagram = ends.seal("once");
    EXPECT_TRUE(ends.open(datagram));
    EXPECT_EQ(ends.open(datagram).error(), Drop::kReplay);
}

TEST(Epoch, AForgedCounterDoesNotMoveTheWindow) {
    auto ends = peers(4);
    const ByteVector genuine = ends.seal("still fresh");
    ByteVector forged = genuine;
    Writer{MutableBytes{forged}.subspan(6)}.u64(1ULL << 40U);
    EXPECT_EQ(ends.open(forged).error(), Drop::kBadTag);
    EXPECT_TRUE(ends.open(genuine));
}

/// Ann seals one datagram more than bob's window reaches back; he gets the newest first.
template <std::size_t WindowBits>
void expect_window(std::size_t reach) {
    Meeting meeting{5};
    Ends<WindowBits> ends{shake_hands(meeting)};
    const ByteVector too_old = ends.seal("too old");
    const ByteVector oldest = ends.seal("oldest");
    for (std::size_t i = 1; i < reach; ++i) EXPECT_FALSE(ends.seal("lost").empty());
    const ByteVector newest = ends.seal("newest");
    EXPECT_EQ(ends.open(newest), "newest");
    EXPECT_EQ(ends.open(too_old).error(), Drop::kReplay);
    EXPECT_EQ(ends.open(oldest), "oldest");
    EXPECT_EQ(ends.open(oldest).error(), Drop::kReplay);
}

TEST(Epoch, BetweenPeersReordersAcross8128Datagrams) {
    expect_window<kPeerWindowBits>(8128);
}

TEST(Epoch, OfAServerReordersAcross128Datagrams) {
    expect_window<kServerWindowBits>(128);
}

TEST(Epoch, CountsUpFromZero) {
    auto ends = peers(6);
    for (std::uint64_t counter = 0; counter < 100; ++counter) {
        EXPECT_EQ(ends.ann.sealed(), counter);
        const auto header = wire::parse_transport_header(ends.seal("x"));
        ASSERT_TRUE(header);
        EXPECT_EQ(header->counter, counter);
    }
}

TEST(Epoch, RefusesToSealAtTheLimitAndNeverRepeatsACounter) {
    Meeting meeting{7};
    PeerEnds ends{shake_hands(meeting), static_cast<std::uint32_t>(kSealLimit) - 2};
    EXPECT_EQ(ends.open(ends.seal("last but one")), "last but one");
    EXPECT_EQ(ends.open(ends.seal("last")), "last");
    const ByteVector before(wire::kTransportOverhead + 1, std::byte{0x5a});
    for (int i = 0; i < 3; ++i) {
        ByteVector datagram = before;
        EXPECT_FALSE(ends.ann.seal_in_place(datagram));
        EXPECT_EQ(datagram, before);
    }
}

TEST(Epoch, CountsWhatItOpenedAndNothingElse) {
    auto ends = peers(8);
    const ByteVector datagram = ends.seal("x");
    ByteVector forged = datagram;
    forged.back() ^= std::byte{1};
    EXPECT_FALSE(ends.open(forged));
    EXPECT_EQ(ends.bob.opened(), 0U);
    EXPECT_TRUE(ends.open(datagram));
    EXPECT_FALSE(ends.open(datagram));
    EXPECT_EQ(ends.bob.opened(), 1U);
}

TEST(Epoch, TheTwoDirectionsHaveDifferentKeys) {
    auto ends = peers(9);
    ByteVector datagram = ends.seal("reflected");
    const auto header = wire::parse_transport_header(datagram);
    ASSERT_TRUE(header);
    const auto reflected = ends.ann.open_in_place(*header, datagram);
    ASSERT_FALSE(reflected);
    EXPECT_EQ(reflected.error(), Drop::kBadTag);
}

}  // namespace
}  // namespace pinhole::session
