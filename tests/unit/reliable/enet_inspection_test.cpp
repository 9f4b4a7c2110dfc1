#include "shared/reliable/enet_inspection.hpp"

#include <gtest/gtest.h>

#include "tests/unit/reliable/enet_bytes.hpp"

namespace pinhole::reliable {
namespace {

using test::Forgery;

TEST(EnetInspection, CountsCommandsWithPayload) {
    const auto found = inspect(Forgery{5}
                                   .reliable(1, 1, as_bytes("abc"))
                                   .raw(test::kPing | test::kAcknowledge, 0xff, 2)
                                   .unreliable(1, 1, 1, as_bytes("de"))
                                   .unreliable(1, 1, 2, {})
                                   .bytes());
    ASSERT_TRUE(found);
    EXPECT_EQ(found->peer_id, 5);
    EXPECT_FALSE(found->is_connect);
    EXPECT_EQ(found->data_commands, 3U);
    EXPECT_EQ(found->unreliable_commands, 2U);
}

TEST(EnetInspection, SeparatesThePeerIdFromItsFlags) {
    EXPECT_EQ(inspect(Forgery{0x3005}.raw(test::kPing, 0, 0).bytes())->peer_id, 5);
}

TEST(EnetInspection, StopsWhereThePayloadDoesNotFit) {
    const Forgery forgery = Forgery{5}.reliable(1, 1, as_bytes("abcdef"));
    const auto found = inspect(forgery.bytes().first(forgery.bytes().size() - 1));
    ASSERT_TRUE(found);
    EXPECT_EQ(found->data_commands, 0U);
}

TEST(EnetInspection, LetsAStrangerOnlyConnect) {
    EXPECT_EQ(inspect(Forgery{kNoPeerId}.reliable(1, 1, {}).bytes()).error(), Drop::kUnexpected);
    ByteVector connect = to_vector(Forgery{kNoPeerId}.raw(test::kConnect, 0xff, 1).bytes());
    EXPECT_EQ(inspect(connect).error(), Drop::kUnexpected) << "cut short";
    connect.resize(4 + 48);
    ASSERT_TRUE(inspect(connect));
    EXPECT_TRUE(inspect(connect)->is_connect);
    connect[0] = std::byte{0x80};
    EXPECT_EQ(inspect(connect).error(), Drop::kUnexpected) << "to a peer slot";
}

TEST(EnetInspection, RefusesWhatNoHonestEnetSends) {
    EXPECT_EQ(inspect(ByteVector(3)).error(), Drop::kRunt);
    EXPECT_EQ(inspect(Bytes{}).error(), Drop::kRunt);
    EXPECT_EQ(inspect(ByteVector(4097)).error(), Drop::kBadLength);
    EXPECT_EQ(inspect(Forgery{0x4005}.raw(test::kPing, 0, 0).bytes()).error(), Drop::kBadField);
}

TEST(EnetInspection, RefusesFragmentsThatAreSmallerThanAnyHonestOne) {
    const auto with_count = [](std::uint32_t count, std::uint32_t total) {
        return inspect(
            Forgery{5}.fragment(0, {.start = 1, .count = count, .total = total}, {}).bytes());
    };
    EXPECT_TRUE(with_count(2049, std::uint32_t{1} << 20U));
    EXPECT_EQ(with_count(2050, std::uint32_t{1} << 20U).error(), Drop::kBadField);
    EXPECT_EQ(with_count(std::uint32_t{1} << 20U, 100).error(), Drop::kBadField);
    EXPECT_EQ(with_count(0, 100).error(), Drop::kBadField);
    EXPECT_TRUE(with_count(1, 0));
}

TEST(EnetInspection, CutsOutUnreliableCommandsOnly) {
    const Forgery original = Forgery{5}
                                 .reliable(1, 1, as_bytes("abc"))
                                 .unreliable(1, 1, 1, as_bytes("de"))
                                 .reliable(2, 7, as_bytes("fg"))
                                 .unreliable(1, 1, 2, as_bytes("h"));
    const Forgery expected =
        Forgery{5}.reliable(1, 1, as_bytes("abc")).reliable(2, 7, as_bytes("fg"));
    ByteVector out(original.bytes().size());
    out.resize(copy_without_unreliable(original.bytes(), out));
    EXPECT_TRUE(same_bytes(out, expected.bytes()));
}

}  // namespace
}  // namespace pinhole::reliable
