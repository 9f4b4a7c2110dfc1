#include "shared/wire/id.hpp"

#include <string>
#include <unordered_set>

#include <gtest/gtest.h>

namespace pinhole::wire {
namespace {

Parsed<Id> read(Bytes bytes) {
    Reader reader{bytes};
    return Id::read(reader);
}

ByteVector on_the_wire(std::string_view text) {
    ByteVector out(text.size() + 1);
    Writer{out}.u8(static_cast<std::uint8_t>(text.size())).bytes(as_bytes(text));
    return out;
}

TEST(Id, FoldsWhatAPersonTypesToLowerCase) {
    const auto id = Id::parse("Ann.B_2-X");
    ASSERT_TRUE(id.has_value());
    EXPECT_EQ(id->text(), "ann.b_2-x");
}

TEST(Id, HoldsOneTo32Characters) {
    EXPECT_FALSE(Id::parse("").has_value());
    EXPECT_TRUE(Id::parse("a").has_value());
    EXPECT_TRUE(Id::parse(std::string(32, 'z')).has_value());
    EXPECT_FALSE(Id::parse(std::string(33, 'z')).has_value());
}

TEST(Id, TakesExactlyItsAlphabet) {
    constexpr std::string_view kAlphabet = "abcdefghijklmnopqrstuvwxyz0123456789._-";
    for (int code = 0; code < 256; ++code) {
        const std::string text(1, static_cast<char>(code));
        const bool is_valid = kAlphabet.find(text) != std::string_view::npos;
        const bool is_upper = code >= 'A' && code <= 'Z';
        EXPECT_EQ(Id::parse(text).has_value(), is_valid || is_upper) << code;
        const auto carried = read(on_the_wire(text));
        EXPECT_EQ(carried.has_value(), is_valid) << code;
        if (!carried) {
            EXPECT_EQ(carried.error(), Drop::kBadField) << code;
        }
    }
}

TEST(Id, ReadsOnlyItsOwnBytes) {
    const ByteVector bytes = on_the_wire("annbob");
    ByteVector shorter = bytes;
    shorter[0] = std::byte{3};
    Reader reader{shorter};
    const auto id = Id::read(reader);
    ASSERT_TRUE(id.has_value());
    EXPECT_EQ(id->text(), "ann");
    EXPECT_EQ(as_text(reader.take_rest()), "bob");
}

TEST(Id, WritesTheEmptyIdThatReadRefuses) {
    FixedBytes<1> out{std::byte{7}};
    Writer writer{out};
    Id{}.write(writer);
    EXPECT_EQ(writer.size(), 1U);
    EXPECT_EQ(out[0], std::byte{0});
    EXPECT_EQ(read(out).error(), Drop::kBadLength);
}

TEST(Id, ComparesAndHashesByItsText) {
    const Id ann = Id::parse("ann").value();
    const Id anna = Id::parse("anna").value();
    EXPECT_LT(ann, anna);
    EXPECT_NE(ann, anna);
    EXPECT_EQ(ann, Id::parse("ANN").value());
    const std::unordered_set<Id> ids{ann, anna, Id::parse("Anna").value()};
    EXPECT_EQ(ids.size(), 2U);
    EXPECT_EQ(fmt::format("<{}>", anna), "<anna>");
}

}  // namespace
}  // namespace pinhole::wire
