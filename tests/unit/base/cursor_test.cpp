#include "shared/base/cursor.hpp"

#include <gtest/gtest.h>

namespace pinhole {
namespace {

TEST(Cursor, WritesBigEndianAndReadsItBack) {
    FixedBytes<15> storage{};
    Writer writer{storage};
    writer.u8(0x01).u16(0x0203).u32(0x04050607).u64(0x08090a0b0c0d0e0f);
    EXPECT_EQ(writer.remaining(), 0U);
    for (std::size_t i = 0; i < storage.size(); ++i) {
        EXPECT_EQ(std::to_integer<std::size_t>(storage[i]), i + 1);
    }
    Reader reader{storage};
    EXPECT_EQ(reader.u8(), 0x01U);
    EXPECT_EQ(reader.u16(), 0x0203U);
    EXPECT_EQ(reader.u32(), 0x04050607U);
    EXPECT_EQ(reader.u64(), 0x08090a0b0c0d0e0fU);
    EXPECT_TRUE(reader.ok());
    EXPECT_EQ(reader.remaining(), 0U);
}

TEST(Cursor, AReadThatDoesNotFitGivesZerosAndFailsForGood) {
    const FixedBytes<3> storage{std::byte{1}, std::byte{2}, std::byte{3}};
    Reader reader{storage};
    EXPECT_EQ(reader.u32(), 0U);
    EXPECT_FALSE(reader.ok());
    EXPECT_EQ(reader.u8(), 0U) << "what was left must not be readable after a failure";
    EXPECT_FALSE(reader.ok());
}

TEST(CursorDeathTest, WritingPastTheStorageIsOurOwnBugAndAborts) {
    FixedBytes<1> storage{};
    EXPECT_DEATH({ Writer{storage}.u16(1); }, "claim|count");
}

}  // namespace
}  // namespace pinhole
