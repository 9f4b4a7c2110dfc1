#include "peer/files/file_protocol.hpp"

#include <gtest/gtest.h>

#include "peer/files/frame_splitter.hpp"

namespace pinhole::peer::files {
namespace {

Hash hash_of(std::uint8_t octet) {
    Hash out{};
    out.fill(std::byte{octet});
    return out;
}

std::vector<Frame> one_of_each() {
    static const ByteVector content(20'000, std::byte{7});
    return {
        Offer{.number = 1,
              .kind = EntryKind::kFile,
              .is_executable = true,
              .size = 0x1'0000'0001,
              .mtime = -5,
              .path = "a/b"},
        Offer{.number = 2, .kind = EntryKind::kDirectory, .path = "d"},
        Offer{.number = 2, .size = kSizeUnknown, .path = "log"},
        Chunk{.number = 3, .index = 9, .hash = hash_of(1), .bytes = content},
        End{.number = 4, .hash = hash_of(2)},
        Withdraw{6},
        Want{.number = 7, .chunks = 8, .hash = hash_of(3)},
        Compare{9},
        Got{.number = 10, .bytes = 0x1'0000'0002},
        EntryOutcome{.number = 11, .outcome = Outcome::kSkipped, .text = "why"},
    };
}

ByteVector encoded(const Frame& frame) {
    ByteVector out;
    append(out, frame);
    return out;
}

TEST(FileProtocol, EachFrameIsReadAsItWasWritten) {
    for (const Frame& frame : one_of_each()) {
        const ByteVector bytes = encoded(frame);
        const auto read = parse_frame(bytes);
        ASSERT_TRUE(read) << frame.index();
        EXPECT_EQ(*read, frame) << frame.index();
    }
}

TEST(FileProtocol, BytesOfAnOfferAreThoseOfTheDiagram) {
    const ByteVector bytes = encoded(Offer{
        .number = 0x01020304, .is_executable = true, .size = 0x05, .mtime = 0x06, .path = "x"});
    const std::vector<int> expected{1, 0, 0, 0, 23, 1, 2, 3, 4, 1, 1, 0, 0, 0,
                                    0, 0, 0, 0, 5,  0, 0, 0, 0, 0, 0, 0, 6, 'x'};
    ASSERT_EQ(bytes.size(), expected.size());
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        EXPECT_EQ(std::to_integer<int>(bytes[i]), expected[i]) << i;
    }
}

TEST(FileProtocol, ChunkHeadIsThatOfTheFrame) {
    const ByteVector content(100, std::byte{7});
    const Chunk chunk{.number = 3, .index = 9, .hash = hash_of(1), .bytes = content};
    ByteVector head(kChunkHeadSize);
    write_chunk_head(head, chunk);
    const ByteVector whole = encoded(chunk);
    EXPECT_TRUE(same_bytes(head, Bytes{whole}.first(kChunkHeadSize)));
    EXPECT_TRUE(same_bytes(content, Bytes{whole}.subspan(kChunkHeadSize)));
}

TEST(FileProtocol, EveryShorterOrLongerFrameIsDropped) {
    for (const Frame& frame : one_of_each()) {
        ByteVector bytes = encoded(frame);
        if (bytes.size() > 1'000) continue;  // Each length of the others says enough.
        for (std::size_t size = 0; size < bytes.size(); ++size) {
            EXPECT_FALSE(parse_frame(Bytes{bytes}.first(size))) << frame.index() << " " << size;
        }
        bytes.push_back(std::byte{0});
        EXPECT_FALSE(parse_frame(bytes)) << frame.index();
    }
}

TEST(FileProtocol, FieldsOutsideTheirRangeAreDropped) {
    const auto with = [](const Frame& frame, std::size_t at, int octet) {
        ByteVector bytes = encoded(frame);
        bytes[at] = std::byte(octet);
        return parse_frame(bytes);
    };
    const Offer offer{.path = "x"};
    EXPECT_EQ(with(offer, 0, 0).error(), Drop::kUnknownFrame);
    EXPECT_EQ(with(offer, 0, 9).error(), Drop::kUnknownFrame);
    EXPECT_EQ(with(offer, 9, 0).error(), Drop::kBadField) << "kind";
    EXPECT_EQ(with(offer, 9, 3).error(), Drop::kBadField) << "kind";
    EXPECT_EQ(with(offer, 10, 4).error(), Drop::kBadField) << "flags";
    EXPECT_EQ(with(Offer{.size = 1, .path = "x"}, 10, 2).error(), Drop::kBadField)
        << "a size that is known and not";
    EXPECT_EQ(with(Offer{.kind = EntryKind::kDirectory, .path = "x"}, 10, 2).error(),
              Drop::kBadField)
        << "a directory has no size to be known";
    EXPECT_EQ(with(offer, 11, 1).error(), Drop::kBadField) << "size";
    EXPECT_EQ(with(Offer{.kind = EntryKind::kDirectory, .path = "x"}, 18, 1).error(),
              Drop::kBadField)
        << "a directory with a size";
    EXPECT_EQ(with(EntryOutcome{}, 9, 0).error(), Drop::kBadField);
    EXPECT_EQ(with(EntryOutcome{}, 9, 9).error(), Drop::kBadField);
}

TEST(FileProtocol, AnnouncementsOfLaterVersionsAreRead) {
    const Announcement announcement{
        .version = 7, .entries = 3, .bytes = 0x1'0000'0000, .name = "photos"};
    ByteVector bytes = encode(announcement);
    bytes.push_back(std::byte{1});
    EXPECT_EQ(parse_announcement(bytes).value(), announcement);
    Announcement listed = announcement;
    listed.manifest = hash_of_chunk({});
    ByteVector longer = encode(listed);
    longer.push_back(std::byte{1});
    EXPECT_EQ(parse_announcement(longer).value(), listed);
    bytes.resize(19);
    EXPECT_EQ(parse_announcement(bytes).error(), Drop::kBadLength) << "the name is cut";
    bytes.resize(12);
    EXPECT_EQ(parse_announcement(bytes).error(), Drop::kRunt);
    EXPECT_FALSE(parse_announcement(encode(Announcement{.version = 0})));
    EXPECT_FALSE(parse_announcement(encode(Announcement{.entries = kEntriesMax + 1})));
}

TEST(FrameSplitter, PutsFramesTogetherFromPiecesOfAnyLength) {
    ByteVector stream;
    for (const Frame& frame : one_of_each()) append(stream, frame);
    for (const std::size_t piece : {1U, 3U, 7U, 1'000U, 100'000U}) {
        FrameSplitter splitter;
        std::vector<Frame> expected = one_of_each();
        std::size_t read = 0;
        Bytes rest{stream};
        while (!rest.empty()) {
            Bytes next = rest.first(std::min(piece, rest.size()));
            rest = rest.subspan(next.size());
            while (!next.empty()) {
                const auto taken = splitter.take(next);
                ASSERT_TRUE(taken);
                next = next.subspan(*taken);
                if (!splitter.is_whole()) continue;
                ASSERT_EQ(splitter.frame().value(), expected.at(read++));
                splitter.next();
            }
        }
        EXPECT_EQ(read, expected.size()) << piece;
    }
}

TEST(FrameSplitter, RefusesALengthAtTheHead) {
    FrameSplitter splitter;
    const std::array head{std::byte{3}, std::byte{0x7f}, std::byte{0xff}, std::byte{0xff},
                          std::byte{0xff}};
    EXPECT_EQ(splitter.take(head).error(), Drop::kBadLength);
}

TEST(FrameSplitter, CountsWhatIsHereOfAChunk) {
    const ByteVector content(50'000, std::byte{7});
    const ByteVector frame = encoded(Chunk{.bytes = content});
    FrameSplitter splitter;
    ASSERT_TRUE(splitter.take(Bytes{frame}.first(kChunkHeadSize)));
    EXPECT_EQ(splitter.chunk_bytes(), 0U);
    ASSERT_TRUE(splitter.take(Bytes{frame}.subspan(kChunkHeadSize, 1'234)));
    EXPECT_EQ(splitter.chunk_bytes(), 1'234U);
}

}  // namespace
}  // namespace pinhole::peer::files
