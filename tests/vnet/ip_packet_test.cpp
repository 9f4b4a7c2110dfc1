#include "tests/vnet/ip_packet.hpp"

#include <gtest/gtest.h>

#include "tests/support/seeded_random.hpp"
#include "tests/vnet/ip_numbers.hpp"

namespace pinhole::vnet {
namespace {

using lab::Packet;
using lab::Transport;

ByteVector from_hex(std::string_view text) {
    ByteVector out;
    for (std::size_t i = 0; i + 1 < text.size();) {
        if (text[i] == ' ') {
            ++i;
            continue;
        }
        out.push_back(
            static_cast<std::byte>(std::stoi(std::string{text.substr(i, 2)}, nullptr, 16)));
        i += 2;
    }
    return out;
}

std::uint16_t u16_at(Bytes bytes, std::size_t offset) {
    return Reader{bytes.subspan(offset)}.u16();
}

/// Over header and body as RFC 768, 793 and 4443 define it; written apart from the code under test.
std::uint16_t transport_sum(Bytes raw) {
    const bool is_v4 = (std::to_integer<unsigned>(raw[0]) >> 4U) == 4;
    const Bytes body = raw.subspan(is_v4 ? 20 : 40);
    const Bytes addresses = is_v4 ? raw.subspan(12, 8) : raw.subspan(8, 32);
    const unsigned protocol = std::to_integer<unsigned>(raw[is_v4 ? 9 : 6]);
    std::uint64_t sum = 0;
    const auto add = [&sum](Bytes bytes) {
        for (std::size_t i = 0; i < bytes.size(); ++i) {
            const auto value = std::to_integer<std::uint64_t>(bytes[i]);
            sum += i % 2 == 0 ? value << 8U : value;
        }
    };
    add(body);
    if (protocol != kIcmp) {
        add(addresses);
        sum += body.size() + protocol;
    }
    while (sum > 0xffff) sum = (sum & 0xffffU) + (sum >> 16U);
    return static_cast<std::uint16_t>(sum);
}

Packet datagram(std::string_view from, std::string_view to, std::string_view text) {
    return {.source = lab::endpoint(from),
            .destination = lab::endpoint(to),
            .ttl = 9,
            .payload = to_vector(as_bytes(text))};
}

void expect_same(const Packet& a, const Packet& b) {
    EXPECT_EQ(a.source, b.source);
    EXPECT_EQ(a.destination, b.destination);
    EXPECT_EQ(a.ttl, b.ttl);
    EXPECT_EQ(a.transport, b.transport);
    EXPECT_EQ(a.payload, b.payload);
}

TEST(IpPacket, ChecksumIsThatOfTheExampleInRfc1071) {
    EXPECT_EQ(internet_checksum(from_hex("0001 f203 f4f5 f6f7")), 0x220d);
    EXPECT_EQ(internet_checksum(from_hex("ff")), 0x00ff);
}

// A datagram to a resolver, as a kernel wrote it.
TEST(IpPacket, ReadsUdpOverIpv4) {
    const auto packet = parse_ip(from_hex(
        "4500 0020 1c46 4000 4011 9d5e c0a8 0b02 c633 640a  9c40 0d96 000c 0000 6869 2121"));
    ASSERT_TRUE(packet);
    EXPECT_EQ(packet->source, lab::endpoint("192.168.11.2:40000"));
    EXPECT_EQ(packet->destination, lab::endpoint("198.51.100.10:3478"));
    EXPECT_EQ(packet->ttl, 64);
    EXPECT_EQ(as_text(packet->payload), "hi!!");
    EXPECT_FALSE(packet->icmp);
}

TEST(IpPacket, WritesWhatItReadsWithRightChecksumsInBothFamilies) {
    for (const auto& [from, to] : {std::pair{"192.0.2.1:40000", "203.0.113.9:7"},
                                   std::pair{"[2001:db8::1]:40000", "[2001:db8:5::a]:7"}}) {
        for (const std::string_view text : {"", "x", "four", "an odd one"}) {
            const Packet packet = datagram(from, to, text);
            const ByteVector raw = write_ip(packet);
            EXPECT_EQ(transport_sum(raw), 0xffff) << from << " " << text;
            const auto again = parse_ip(raw);
            ASSERT_TRUE(again);
            expect_same(*again, packet);
        }
    }
    const ByteVector v4 = write_ip(datagram("192.0.2.1:40000", "203.0.113.9:7", "header"));
    EXPECT_EQ(internet_checksum(Bytes{v4}.first(20)), 0);
    EXPECT_EQ(u16_at(v4, 6), 0x4000) << "not to be fragmented";
}

// RFC 768: zero would mean that there is none.
TEST(IpPacket, UdpChecksumIsNeverZero) {
    int met = 0;
    for (unsigned value = 0; value <= 0xffff; ++value) {
        Packet packet = datagram("192.0.2.1:1", "203.0.113.9:2", "ab");
        packet.payload = {static_cast<std::byte>(value >> 8U), static_cast<std::byte>(value)};
        const std::uint16_t checksum = u16_at(write_ip(packet), 26);
        EXPECT_NE(checksum, 0) << value;
        met += checksum == 0xffff ? 1 : 0;
    }
    EXPECT_EQ(met, 1) << "one payload adds up to zero";
}

TEST(IpPacket, RewritingAddressesKeepsTcpChecksumsRight) {
    const auto packet =
        parse_ip(from_hex("4500 0028 0000 4000 4006 0000 c0a8 0b02 c633 640a"
                          "9c40 0050 0000 0001 0000 0000 5002 ffff dead 0000"));
    ASSERT_TRUE(packet);
    ASSERT_EQ(packet->transport, Transport::kTcp);
    Packet rewritten = *packet;
    rewritten.source = lab::endpoint("203.0.113.9:1234");
    const ByteVector raw = write_ip(rewritten);
    ASSERT_EQ(raw.size(), 40U);
    EXPECT_EQ(transport_sum(raw), 0xffff);
    EXPECT_EQ(u16_at(raw, 20), 1234);
    EXPECT_EQ(u16_at(raw, 22), 80);
    EXPECT_EQ(u16_at(raw, 26), 1) << "the sequence number stays";
}

TEST(IpPacket, EchoIdentifierIsThePortOfWhoeverAsks) {
    for (const auto& [source, destination, request, reply] :
         {std::tuple{"192.0.2.1", "203.0.113.9", 8, 0},
          std::tuple{"2001:db8::1", "2001:db8::9", 128, 129}}) {
        Packet asked{.source = {lab::ip(source), 77},
                     .destination = {lab::ip(destination), 0},
                     .payload = from_hex("0000 0005 aabb"),
                     .transport = Transport::kEcho};
        asked.payload[0] = static_cast<std::byte>(request);
        const ByteVector raw = write_ip(asked);
        EXPECT_EQ(transport_sum(raw), 0xffff);
        const auto again = parse_ip(raw);
        ASSERT_TRUE(again);
        expect_same(*again, asked);

        Packet answered = asked;
        std::swap(answered.source, answered.destination);
        answered.payload[0] = static_cast<std::byte>(reply);
        const auto answer = parse_ip(write_ip(answered));
        ASSERT_TRUE(answer);
        EXPECT_EQ(answer->destination, (Endpoint{lab::ip(source), 77}));
        EXPECT_EQ(answer->source.port, 0);
    }
}

TEST(IpPacket, IcmpErrorsQuoteWhatTheyAreAbout) {
    using Kind = IcmpError::Kind;
    for (const auto& [from, to] : {std::pair{"192.0.2.1:40000", "203.0.113.9:7"},
                                   std::pair{"[2001:db8::1]:40000", "[2001:db8:5::a]:7"}}) {
        for (const Kind kind :
             {Kind::kPortUnreachable, Kind::kTimeExceeded, Kind::kTooBig, Kind::kOther}) {
            for (const Transport transport : {Transport::kUdp, Transport::kTcp}) {
                Packet about = datagram(from, to, "gone");
                about.transport = transport;
                Packet error = lab::icmp_error(kind, about);
                error.source.ip = about.destination.ip;
                const ByteVector raw = write_ip(error);
                EXPECT_EQ(transport_sum(raw), 0xffff);
                const auto again = parse_ip(raw);
                ASSERT_TRUE(again);
                ASSERT_TRUE(again->icmp);
                EXPECT_EQ(again->icmp->kind, kind);
                EXPECT_EQ(again->icmp->source, about.source);
                EXPECT_EQ(again->icmp->destination, about.destination);
                EXPECT_EQ(again->transport, transport);
                EXPECT_EQ(again->destination.ip, about.source.ip);
            }
        }
    }
}

TEST(IpPacket, IcmpErrorAboutAnEchoNamesItsIdentifier) {
    const Packet about{.source = {lab::ip("192.0.2.1"), 77},
                       .destination = {lab::ip("203.0.113.9"), 0},
                       .payload = from_hex("08000001"),
                       .transport = Transport::kEcho};
    Packet error = lab::icmp_error(IcmpError::Kind::kTimeExceeded, about);
    error.source.ip = lab::ip("192.0.2.254");
    const auto again = parse_ip(write_ip(error));
    ASSERT_TRUE(again && again->icmp);
    EXPECT_EQ(again->transport, Transport::kEcho);
    EXPECT_EQ(again->icmp->source, about.source);
    EXPECT_EQ(again->icmp->destination, about.destination);
}

Refusal refusal_of(Bytes raw) {
    const auto packet = parse_ip(raw);
    return packet ? Refusal::kCount : packet.error();
}

TEST(IpPacket, RefusesWhatDoesNotTravel) {
    const auto changed = [](std::size_t at, std::uint8_t value) {
        ByteVector raw = write_ip(datagram("192.0.2.1:1", "203.0.113.9:2", "text"));
        raw[at] = std::byte{value};
        return refusal_of(raw);
    };
    EXPECT_EQ(changed(16, 203), Refusal::kCount) << "the packet as it was is fine";
    EXPECT_EQ(changed(16, 224), Refusal::kLinkOnly) << "multicast";
    EXPECT_EQ(changed(12, 127), Refusal::kLinkOnly);
    EXPECT_EQ(changed(6, 0x20), Refusal::kFragment) << "more fragments";
    EXPECT_EQ(changed(7, 1), Refusal::kFragment) << "a later fragment";
    EXPECT_EQ(changed(9, 47), Refusal::kUnsupported) << "GRE";
    EXPECT_EQ(changed(9, kIcmpV6), Refusal::kUnsupported) << "of the other family";
    EXPECT_EQ(changed(0, 0x44), Refusal::kMalformed) << "a header of 16 bytes";
    EXPECT_EQ(changed(0, 0x4f), Refusal::kMalformed) << "a header longer than the packet";
    EXPECT_EQ(changed(0, 0x75), Refusal::kMalformed) << "version 7";
    EXPECT_EQ(changed(3, 19), Refusal::kMalformed) << "shorter than its header";
    EXPECT_EQ(changed(3, 33), Refusal::kMalformed) << "longer than what came";
    EXPECT_EQ(changed(25, 7), Refusal::kMalformed) << "UDP shorter than its header";
    EXPECT_EQ(changed(25, 13), Refusal::kMalformed) << "UDP longer than the packet";
}

TEST(IpPacket, TakesAnIpv4OptionAndPadding) {
    ByteVector raw = write_ip(datagram("192.0.2.1:1", "203.0.113.9:2", "text"));
    raw.insert(raw.begin() + 20, 4, std::byte{1});
    raw[0] = std::byte{0x46};
    raw[3] = std::byte{36};
    raw.insert(raw.end(), 6, std::byte{0});
    const auto packet = parse_ip(raw);
    ASSERT_TRUE(packet);
    EXPECT_EQ(as_text(packet->payload), "text");
}

TEST(IpPacket, RefusesEveryTruncation) {
    Packet error = lab::icmp_error(IcmpError::Kind::kPortUnreachable,
                                   datagram("192.0.2.1:1", "203.0.113.9:2", ""));
    error.source.ip = lab::ip("203.0.113.9");
    for (const Packet& packet : {datagram("192.0.2.1:1", "203.0.113.9:2", "text"),
                                 datagram("[2001:db8::1]:1", "[2001:db8::2]:2", "text"), error}) {
        const ByteVector raw = write_ip(packet);
        ASSERT_TRUE(parse_ip(raw));
        for (std::size_t size = 0; size < raw.size(); ++size) {
            EXPECT_EQ(refusal_of(Bytes{raw}.first(size)), Refusal::kMalformed) << size;
        }
    }
}

// What it accepts it can write, whatever it was.
TEST(IpPacket, SurvivesAnyBytes) {
    constexpr std::uint64_t kSeed = 7;
    test::SeededRandom random{kSeed};
    int accepted = 0;
    for (int round = 0; round < 200'000; ++round) {
        const bool is_v4 = random.below(2) == 0;
        ByteVector raw = write_ip(is_v4 ? datagram("192.0.2.1:1", "203.0.113.9:2", "0123456789")
                                        : datagram("[2001:db8::1]:1", "[2001:db8::2]:2", "01234"));
        if (random.below(2) == 0)
            raw[is_v4 ? 9 : 6] = is_v4 ? std::byte{kIcmp} : std::byte{kIcmpV6};
        for (std::uint64_t flips = random.below(6); flips > 0; --flips) {
            raw[random.below(raw.size())] = static_cast<std::byte>(random.u32());
        }
        raw.resize(random.below(raw.size()) + 1);
        if (const auto packet = parse_ip(raw)) {
            ++accepted;
            EXPECT_TRUE(parse_ip(write_ip(*packet))) << "seed " << kSeed << " round " << round;
        }
    }
    EXPECT_GT(accepted, 1'000);
}

}  // namespace
}  // namespace pinhole::vnet
