#include "peer/chat_protocol.hpp"

#include <string>

#include <gtest/gtest.h>

#include "tests/support/seeded_random.hpp"

namespace pinhole::peer {
namespace {

ByteVector bytes_of(std::initializer_list<unsigned> values) {
    ByteVector out;
    for (const unsigned value : values) out.push_back(static_cast<std::byte>(value));
    return out;
}

TEST(ChatProtocol, EncodesAsItsDiagramSays) {
    EXPECT_EQ(encode(Control{Hello{.version = 1, .takes_texts = true}}), bytes_of({1, 1, 1}));
    EXPECT_EQ(encode(Control{Hello{.version = 1, .takes_texts = false}}), bytes_of({1, 1, 0}));
    EXPECT_EQ(encode(Control{Ack{{.run = 0x01020304, .number = 5}}}),
              bytes_of({2, 1, 2, 3, 4, 0, 0, 0, 5}));
    EXPECT_EQ(encode(Control{Bye{}}), bytes_of({3}));
    EXPECT_EQ(encode(Control{Echo{0x0102030405060708}}), bytes_of({4, 1, 2, 3, 4, 5, 6, 7, 8}));
    EXPECT_EQ(encode(Control{EchoReply{9}}), bytes_of({5, 0, 0, 0, 0, 0, 0, 0, 9}));
    EXPECT_EQ(encode(ChatText{.name = {.run = 1, .number = 2}, .text = "hi"}),
              bytes_of({0, 0, 0, 1, 0, 0, 0, 2, 'h', 'i'}));
}

TEST(ChatProtocol, ReadsWhatItWrites) {
    for (const Control& message :
         {Control{Hello{.version = 1, .takes_texts = true}}, Control{Hello{.version = 7}},
          Control{Ack{{.run = 1, .number = 2}}}, Control{Bye{}}, Control{Echo{3}},
          Control{EchoReply{4}}}) {
        const ByteVector bytes = encode(message);
        const auto read = parse_control(bytes);
        ASSERT_TRUE(read);
        EXPECT_TRUE(*read == message);
    }
    const std::string longest(kTextBytesMax, 'x');
    for (const std::string& text : {std::string{}, std::string{"\0\xff", 2}, longest}) {
        const ChatText message{.name = {.run = 9, .number = 1}, .text = text};
        const ByteVector bytes = encode(message);
        const auto read = parse_text(bytes);
        ASSERT_TRUE(read);
        EXPECT_TRUE(*read == message);
    }
}

TEST(ChatProtocol, RefusesEveryCutMessage) {
    for (const Control& message : {Control{Hello{}}, Control{Ack{{.run = 1, .number = 2}}},
                                   Control{Echo{3}}, Control{EchoReply{4}}, Control{Bye{}}}) {
        const ByteVector whole = encode(message);
        for (std::size_t size = 0; size < whole.size(); ++size) {
            EXPECT_FALSE(parse_control(Bytes{whole}.first(size))) << size;
        }
    }
    const ByteVector text = encode(ChatText{.name = {.run = 1, .number = 1}, .text = ""});
    for (std::size_t size = 0; size < text.size(); ++size) {
        EXPECT_EQ(parse_text(Bytes{text}.first(size)).error(), Drop::kRunt);
    }
}

TEST(ChatProtocol, RefusesWhatIsTooLongButLetsAHelloGrow) {
    EXPECT_EQ(parse_control(bytes_of({3, 0})).error(), Drop::kBadLength);
    EXPECT_EQ(parse_control(bytes_of({2, 0, 0, 0, 1, 0, 0, 0, 1, 0})).error(), Drop::kBadLength);
    EXPECT_EQ(parse_control(bytes_of({4, 0, 0, 0, 0, 0, 0, 0, 1, 0})).error(), Drop::kBadLength);
    const auto later = parse_control(bytes_of({1, 2, 0xff, 1, 2, 3}));
    ASSERT_TRUE(later);
    EXPECT_TRUE(*later == Control(Hello{.version = 2, .takes_texts = true}));
    ByteVector text =
        encode(ChatText{.name = {.run = 1, .number = 1}, .text = std::string(kTextBytesMax, 'x')});
    text.push_back(std::byte{'x'});
    EXPECT_EQ(parse_text(text).error(), Drop::kBadLength);
}

TEST(ChatProtocol, RefusesFieldsOutsideTheirRange) {
    EXPECT_EQ(parse_control(bytes_of({0})).error(), Drop::kUnknownFrame);
    EXPECT_EQ(parse_control(bytes_of({6})).error(), Drop::kUnknownFrame);
    EXPECT_EQ(parse_control(bytes_of({1, 0, 0})).error(), Drop::kBadField);
    EXPECT_EQ(parse_control(bytes_of({2, 0, 0, 0, 1, 0, 0, 0, 0})).error(), Drop::kBadField);
    EXPECT_EQ(parse_text(bytes_of({0, 0, 0, 1, 0, 0, 0, 0})).error(), Drop::kBadField);
}

TEST(ChatProtocol, SurvivesRandomBytes) {
    constexpr std::uint64_t kSeed = 20261122;
    SCOPED_TRACE(kSeed);
    test::SeededRandom random{kSeed};
    for (int round = 0; round < 20'000; ++round) {
        ByteVector input(random.below(24));
        random.fill(input);
        if (!input.empty()) input[0] = static_cast<std::byte>(random.below(7));
        const auto control = parse_control(input);
        if (control) {
            const ByteVector again = encode(*control);
            ASSERT_LE(again.size(), input.size());
            ASSERT_TRUE(parse_control(again).value() == *control);
        }
        const auto text = parse_text(input);
        if (text) {
            ASSERT_EQ(encode(*text), input);
        }
    }
}

}  // namespace
}  // namespace pinhole::peer
