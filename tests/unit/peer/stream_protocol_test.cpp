#include "peer/stream_protocol.hpp"

#include <gtest/gtest.h>

#include "tests/support/seeded_random.hpp"

namespace pinhole::peer {
namespace {

constexpr StreamNumber kOurs{.is_ours = true, .number = 7};
constexpr StreamNumber kTheirs{.is_ours = false, .number = 0x01020304};

/// What the other side reads in what we wrote.
template <class Frame>
Frame passed(const Frame& frame) {
    static ByteVector message;
    message = encode(frame);
    const auto parsed = parse_stream_frame(message);
    if (!parsed) throw std::runtime_error(std::string{name_of(parsed.error())});
    return std::get<Frame>(*parsed);
}

/// A number as the other side sees it.
StreamNumber turned(StreamNumber number) {
    return {.is_ours = !number.is_ours, .number = number.number};
}

TEST(StreamProtocol, KeepsEveryFrame) {
    const ByteVector bytes(300, std::byte{0x5a});
    const auto open = passed(StreamOpen{kOurs, ServiceKind::kTcp, 65536, bytes});
    EXPECT_EQ(open.stream, turned(kOurs));
    EXPECT_EQ(open.service, ServiceKind::kTcp);
    EXPECT_EQ(open.credit, 65536U);
    EXPECT_TRUE(std::ranges::equal(open.argument, bytes));
    const auto accept = passed(StreamAccept{kTheirs, 17});
    EXPECT_EQ(accept.stream, turned(kTheirs));
    EXPECT_EQ(accept.credit, 17U);
    const auto refuse = passed(StreamRefuse{kTheirs, Refusal::kNotAllowed, "no"});
    EXPECT_EQ(refuse.reason, Refusal::kNotAllowed);
    EXPECT_EQ(refuse.text, "no");
    const auto data = passed(StreamData{kOurs, bytes});
    EXPECT_TRUE(std::ranges::equal(data.bytes, bytes));
    EXPECT_EQ(passed(StreamCredit{kOurs, 99}).bytes, 99U);
    EXPECT_EQ(passed(StreamFinish{kTheirs}).stream, turned(kTheirs));
    EXPECT_EQ(passed(StreamDone{kOurs}).stream, turned(kOurs));
    EXPECT_EQ(passed(StreamReset{kOurs, ResetReason::kFailed}).reason, ResetReason::kFailed);
    EXPECT_TRUE(passed(StreamDatagram{kOurs, {}}).bytes.empty());
}

TEST(StreamProtocol, WritesTheDocumentedBytes) {
    const std::array payload{std::byte{0xaa}, std::byte{0xbb}};
    EXPECT_EQ(encode(StreamData{kTheirs, payload}),
              (ByteVector{std::byte{4}, std::byte{0x81}, std::byte{2}, std::byte{3}, std::byte{4},
                          std::byte{0xaa}, std::byte{0xbb}}));
    EXPECT_EQ(encode(StreamCredit{kOurs, 0x100}),
              (ByteVector{std::byte{5}, std::byte{0}, std::byte{0}, std::byte{0}, std::byte{7},
                          std::byte{0}, std::byte{0}, std::byte{1}, std::byte{0}}));
}

TEST(StreamProtocol, RefusesWhatIsTooShortOrTooLong) {
    for (const StreamFrame& frame :
         {StreamFrame{StreamAccept{kTheirs, 1}}, StreamFrame{StreamCredit{kOurs, 1}},
          StreamFrame{StreamFinish{kOurs}}, StreamFrame{StreamDone{kOurs}},
          StreamFrame{StreamReset{kOurs, ResetReason::kCancelled}}}) {
        ByteVector message = encode(frame);
        for (std::size_t size = 0; size < message.size(); ++size) {
            EXPECT_FALSE(parse_stream_frame(Bytes{message}.first(size))) << size;
        }
        message.push_back(std::byte{0});
        EXPECT_EQ(parse_stream_frame(message).error(), Drop::kBadLength);
    }
    ByteVector data = encode(StreamData{kOurs, ByteVector(kStreamPieceMax)});
    EXPECT_TRUE(parse_stream_frame(data));
    data.push_back(std::byte{0});
    EXPECT_EQ(parse_stream_frame(data).error(), Drop::kBadLength);
    EXPECT_EQ(parse_stream_frame(Bytes{data}.first(5)).error(), Drop::kBadLength) << "no bytes";
    ByteVector open =
        encode(StreamOpen{kOurs, ServiceKind::kPipe, 0, ByteVector(kStreamArgumentMax)});
    EXPECT_TRUE(parse_stream_frame(open));
    open.push_back(std::byte{0});
    EXPECT_EQ(parse_stream_frame(open).error(), Drop::kBadLength);
}

TEST(StreamProtocol, RefusesWhatNobodyMaySay) {
    EXPECT_EQ(parse_stream_frame(encode(StreamOpen{kTheirs, ServiceKind::kPipe, 0, {}})).error(),
              Drop::kBadField)
        << "opened under the receiver's number";
    EXPECT_EQ(parse_stream_frame(encode(StreamAccept{kOurs, 0})).error(), Drop::kBadField)
        << "its opener accepts it";
    EXPECT_EQ(parse_stream_frame(encode(StreamRefuse{kOurs, Refusal::kBusy, ""})).error(),
              Drop::kBadField);
    EXPECT_EQ(parse_stream_frame(encode(StreamCredit{kOurs, kCreditMax + 1})).error(),
              Drop::kBadField);
    ByteVector finish = encode(StreamFinish{kOurs});
    finish[4] = std::byte{0};
    EXPECT_EQ(parse_stream_frame(finish).error(), Drop::kBadField) << "number 0";
    finish[0] = std::byte{10};
    finish[4] = std::byte{1};
    EXPECT_EQ(parse_stream_frame(finish).error(), Drop::kUnknownFrame);
}

TEST(StreamProtocol, SurvivesAnything) {
    test::SeededRandom random{1};
    for (int i = 0; i < 20'000; ++i) {
        ByteVector message(random.below(40));
        random.fill(message);
        if (!message.empty()) message[0] = static_cast<std::byte>(random.below(12));
        const auto parsed = parse_stream_frame(message);
        if (!parsed) continue;
        // What was understood says the same again, seen from the other side.
        std::visit(
            [&](auto frame) {
                frame.stream = turned(frame.stream);
                EXPECT_EQ(encode(frame), message);
            },
            *parsed);
    }
}

}  // namespace
}  // namespace pinhole::peer
