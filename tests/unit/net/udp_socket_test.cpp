// The one test of `UdpSocket` on a real network: loopback, both families.
#include "shared/net/udp_socket.hpp"

#include <cstring>
#include <optional>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include "tests/unit/net/loopback.hpp"

namespace pinhole::net::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> texts_of(const std::vector<Arrival>& arrivals) {
    std::vector<std::string> out;
    for (const Arrival& arrival : arrivals) out.push_back(arrival.text);
    return out;
}

int option_of(const UdpSocket& socket, int level, int option) {
    int value = -1;
    socklen_t size = sizeof value;
    EXPECT_EQ(::getsockopt(socket.fd(), level, option, &value, &size), 0);
    return value;
}

class UdpSocketTest : public ::testing::TestWithParam<Family> {
  protected:
    void SetUp() override {
        if (!UdpSocket::try_open(loopback(GetParam()))) {
            GTEST_SKIP() << "this machine has no loopback address of the family";
        }
        receiver_.emplace(UdpSocket::open(loopback(GetParam())));
        sender_.emplace(UdpSocket::open(loopback(GetParam())));
    }

    [[nodiscard]] bool v4() const { return GetParam() == Family::kV4; }
    [[nodiscard]] int level() const { return v4() ? IPPROTO_IP : IPPROTO_IPV6; }
    [[nodiscard]] const Endpoint& target() const { return receiver_->local(); }

    std::optional<UdpSocket> receiver_;
    std::optional<UdpSocket> sender_;
};

/// The integer that the kernel attached to the next datagram under `type`.
std::optional<int> received_control(const UdpSocket& socket, int level, int type) {
    if (!wait_readable(socket.fd())) return {};
    std::byte payload[64];
    iovec piece{payload, sizeof payload};
    alignas(cmsghdr) std::byte control[256];
    msghdr header{};
    header.msg_iov = &piece;
    header.msg_iovlen = 1;
    header.msg_control = control;
    header.msg_controllen = sizeof control;
    if (::recvmsg(socket.fd(), &header, 0) < 0) return {};
    for (cmsghdr* at = CMSG_FIRSTHDR(&header); at != nullptr; at = CMSG_NXTHDR(&header, at)) {
        if (at->cmsg_level != level || at->cmsg_type != type) continue;
        // IP_TOS comes as one byte, everything else as an int.
        int value = 0;
        std::memcpy(&value, CMSG_DATA(at), at->cmsg_len - CMSG_LEN(0));
        return value;
    }
    return {};
}

TEST_P(UdpSocketTest, CarriesADatagramAndNamesItsSender) {
    send_now(*sender_, to(target(), "hello"));
    const auto arrivals = receive_texts(*receiver_, 1);
    ASSERT_EQ(arrivals.size(), 1U);
    EXPECT_EQ(arrivals[0].text, "hello");
    EXPECT_EQ(arrivals[0].remote, sender_->local());
    EXPECT_EQ(sender_->sent(), (Traffic{1, 5}));
    EXPECT_EQ(receiver_->received(), (Traffic{1, 5}));
}

TEST_P(UdpSocketTest, ReceivesNothingWhenNothingWaits) {
    ReceiveArena arena;
    EXPECT_TRUE(receiver_->receive(arena).empty());
}

TEST_P(UdpSocketTest, SendsMoreThanOneBatchInOrder) {
    SendBatch batch;
    std::vector<std::string> sent;
    for (std::size_t i = 0; i < 3 * kBatchDatagrams + 5; ++i) {
        sent.push_back(fmt::format("number {}", i));
    }
    for (const std::string& text : sent) sender_->enqueue(batch, to(target(), text));
    sender_->flush(batch);
    EXPECT_TRUE(batch.empty());
    EXPECT_EQ(texts_of(receive_texts(*receiver_, sent.size())), sent);
}

TEST_P(UdpSocketTest, SplitsARunIntoItsDatagrams) {
    send_now(*sender_, run_to(target(), "aaaabbbbcc", 4));
    EXPECT_THAT(texts_of(receive_texts(*receiver_, 3)), ElementsAre("aaaa", "bbbb", "cc"));
    EXPECT_EQ(sender_->sent(), (Traffic{3, 10}));
    EXPECT_EQ(receiver_->received(), (Traffic{3, 10}));
}

TEST_P(UdpSocketTest, SplitsARunThatEndsWithAWholeSegment) {
    send_now(*sender_, run_to(target(), "aaaabbbb", 4));
    EXPECT_THAT(texts_of(receive_texts(*receiver_, 2)), ElementsAre("aaaa", "bbbb"));
    EXPECT_EQ(sender_->sent().datagrams, 2U);
}

TEST_P(UdpSocketTest, ARunTravelsAsOneMessage) {
    ASSERT_TRUE(sender_->sends_runs()) << "this kernel is older than 4.18";
    send_now(*sender_, run_to(target(), "aaaabbbbcc", 4));
    // On loopback nothing takes it apart, so one receive brings all of it, with this beside it.
    EXPECT_EQ(received_control(*receiver_, IPPROTO_UDP, UDP_GRO), 4);
    ReceiveArena arena;
    EXPECT_TRUE(receiver_->receive(arena).empty());
}

TEST_P(UdpSocketTest, SendsARunOfAnyLengthInOrder) {
    for (const std::uint16_t step : {std::uint16_t{8}, std::uint16_t{1232}}) {
        std::string run;
        std::vector<std::string> sent;
        for (int i = 0; i < 200; ++i) {
            sent.push_back(fmt::format("{:<{}}", i, i == 199 ? 5 : step));
            run += sent.back();
        }
        send_now(*sender_, run_to(target(), run, step));
        EXPECT_EQ(texts_of(receive_texts(*receiver_, sent.size())), sent);
    }
    EXPECT_EQ(sender_->sent().datagrams, 400U);
    EXPECT_TRUE(sender_->sends_runs());
}

TEST_P(UdpSocketTest, ARefusedRunLeavesAsSingleDatagramsFromThenOn) {
    // Without checksums the kernel segments nothing (EINVAL).
    const int on = 1;
    ASSERT_EQ(::setsockopt(sender_->fd(), v4() ? SOL_SOCKET : IPPROTO_UDP,
                           v4() ? SO_NO_CHECK : UDP_NO_CHECK6_TX, &on, sizeof on),
              0);
    SendBatch batch;
    sender_->enqueue(batch, to(target(), "before"));
    sender_->enqueue(batch, run_to(target(), "aaaabbbbcc", 4));
    sender_->enqueue(batch, to(target(), "after"));
    sender_->flush(batch);
    if (v4()) {  // IPv6 takes no datagram without a checksum
        EXPECT_THAT(texts_of(receive_texts(*receiver_, 5)),
                    ElementsAre("before", "aaaa", "bbbb", "cc", "after"));
    }
    EXPECT_FALSE(sender_->sends_runs());
    EXPECT_EQ(sender_->sent().datagrams, 5U);
    EXPECT_EQ(sender_->drops().total(), 0U);
    send_now(*sender_, run_to(target(), "aaaabb", 4));
    EXPECT_EQ(sender_->sent().datagrams, 7U);
}

TEST_P(UdpSocketTest, ARunThatFailsForAnotherReasonIsNotBlamed) {
    // Port 0: EINVAL, for single datagrams too.
    send_now(*sender_, run_to({target().ip, 0}, "aaaabbbbcc", 4));
    EXPECT_EQ(sender_->drops()[SocketDrop::kRefused], 3U);
    EXPECT_TRUE(sender_->sends_runs());
}

TEST_P(UdpSocketTest, CountsEveryDatagramOfARunThatItCannotSend) {
    const Endpoint other = loopback(v4() ? Family::kV6 : Family::kV4);
    send_now(*sender_, run_to({other.ip, 9}, "aaaabbbbcc", 4));
    EXPECT_EQ(sender_->drops()[SocketDrop::kRefused], 3U);
}

TEST_P(UdpSocketTest, DatagramsWithATimeToLiveLeaveOneByOne) {
    Transmit openers = run_to(target(), "aaaabbbbcc", 4);
    openers.ttl = 9;
    send_now(*sender_, openers);
    EXPECT_FALSE(received_control(*receiver_, IPPROTO_UDP, UDP_GRO));
    EXPECT_THAT(texts_of(receive_texts(*receiver_, 2)), ElementsAre("bbbb", "cc"));
}

TEST_P(UdpSocketTest, SaysWhetherABatchWasFilled) {
    ReceiveArena arena;
    EXPECT_FALSE(arena.is_filled());
    for (std::size_t i = 0; i < kBatchDatagrams + 1; ++i) send_now(*sender_, to(target(), "x"));
    EXPECT_EQ(receiver_->receive(arena).size(), kBatchDatagrams);
    EXPECT_TRUE(arena.is_filled());
    EXPECT_EQ(receiver_->receive(arena).size(), 1U);
    EXPECT_FALSE(arena.is_filled());
}

TEST_P(UdpSocketTest, ABatchOfRunsIsBoundedInBytes) {
    const std::string run(52 * std::size_t{1232}, 'x');
    for (int i = 0; i < 12; ++i) send_now(*sender_, run_to(target(), run, 1232));
    ReceiveArena arena;
    static_cast<void>(receiver_->receive(arena));  // learns how large they are
    std::size_t bytes = 0;
    for (int i = 0; i < 12; ++i) send_now(*sender_, run_to(target(), run, 1232));
    for (const Received& in : receiver_->receive(arena)) bytes += in.bytes.size();
    EXPECT_GT(bytes, 0U);
    EXPECT_LE(bytes, 320U * 1024);
}

TEST_P(UdpSocketTest, SendsWithTheAskedTimeToLive) {
    const int wanted = v4() ? IP_RECVTTL : IPV6_RECVHOPLIMIT;
    const int on = 1;
    ASSERT_EQ(::setsockopt(receiver_->fd(), level(), wanted, &on, sizeof on), 0);
    Transmit opener = to(target(), "opener");
    opener.ttl = 3;
    send_now(*sender_, opener);
    EXPECT_EQ(received_control(*receiver_, level(), v4() ? IP_TTL : IPV6_HOPLIMIT), 3);
    // The next one is not affected.
    send_now(*sender_, to(target(), "plain"));
    EXPECT_GT(received_control(*receiver_, level(), v4() ? IP_TTL : IPV6_HOPLIMIT), 3);
}

TEST_P(UdpSocketTest, SendsWithTheAskedCongestionBitsBesideATimeToLive) {
    const int wanted = v4() ? IP_RECVTOS : IPV6_RECVTCLASS;
    const int on = 1;
    ASSERT_EQ(::setsockopt(receiver_->fd(), level(), wanted, &on, sizeof on), 0);
    Transmit marked = to(target(), "marked");
    marked.ttl = 9;
    marked.ecn = 2;
    send_now(*sender_, marked);
    EXPECT_EQ(received_control(*receiver_, level(), v4() ? IP_TOS : IPV6_TCLASS), 2);
}

TEST_P(UdpSocketTest, CountsAnOversizeDatagramAndSendsTheOthers) {
    const std::string huge(65'530, 'x');  // no room for the headers
    SendBatch batch;
    sender_->enqueue(batch, to(target(), "before"));
    sender_->enqueue(batch, to(target(), huge));
    sender_->enqueue(batch, to(target(), "after"));
    sender_->flush(batch);
    EXPECT_THAT(texts_of(receive_texts(*receiver_, 2)), ElementsAre("before", "after"));
    EXPECT_EQ(sender_->drops()[SocketDrop::kTooBig], 1U);
    EXPECT_EQ(sender_->sent().datagrams, 2U);
}

TEST_P(UdpSocketTest, CountsADatagramThatNoUdpHeaderCanDescribe) {
    const std::string impossible(65'536, 'x');
    send_now(*sender_, to(target(), impossible));
    EXPECT_EQ(sender_->drops()[SocketDrop::kTooBig], 1U);
}

TEST_P(UdpSocketTest, DropsWhatIsLongerThanItsBuffers) {
    send_now(*sender_, to(target(), std::string(kReceiveBytesMax + 1, 'x')));
    send_now(*sender_, to(target(), std::string(kReceiveBytesMax, 'y')));
    const auto arrivals = receive_texts(*receiver_, 1);
    ASSERT_EQ(arrivals.size(), 1U);
    EXPECT_EQ(arrivals[0].text, std::string(kReceiveBytesMax, 'y'));
    EXPECT_EQ(receiver_->drops()[SocketDrop::kTruncated], 1U);
}

TEST_P(UdpSocketTest, DropsWhatIsTooLongInARunAndKeepsItsFittingEnd) {
    constexpr std::uint16_t kLong = kReceiveBytesMax + 1;
    send_now(*sender_, run_to(target(), std::string(2 * kLong, 'x') + "fits", kLong));
    send_now(*sender_, run_to(target(), std::string(2 * kLong, 'x'), kLong));
    send_now(*sender_, to(target(), "after"));
    EXPECT_THAT(texts_of(receive_texts(*receiver_, 2)), ElementsAre("fits", "after"));
    EXPECT_EQ(receiver_->drops()[SocketDrop::kTruncated], 4U);
    EXPECT_EQ(receiver_->received(), (Traffic{2, 9}));
}

TEST_P(UdpSocketTest, ReportsAClosedPortAndLosesNothingElseToIt) {
    const ClosedPort closed_port{GetParam()};
    const Endpoint closed = closed_port.endpoint();
    for (int i = 0; i < 3; ++i) {
        send_now(*sender_, to(closed, "anybody?"));
        send_now(*sender_, to(target(), "still here"));
    }
    EXPECT_EQ(receive_texts(*receiver_, 3).size(), 3U);
    EXPECT_EQ(sender_->drops().total(), 0U);

    std::vector<Endpoint> destinations;
    sender_->drain_errors([&](const Endpoint& destination, IcmpError::Kind kind) {
        EXPECT_EQ(kind, IcmpError::Kind::kPortUnreachable);
        destinations.push_back(destination);
    });
    EXPECT_THAT(destinations, ElementsAre(closed, closed, closed));
}

TEST_P(UdpSocketTest, ReceivesAfterAnIcmpErrorWithoutDrainingIt) {
    const ClosedPort closed_port{GetParam()};
    const Endpoint closed = closed_port.endpoint();
    send_now(*sender_, to(closed, "anybody?"));
    send_now(*receiver_, to(sender_->local(), "answer"));
    ASSERT_TRUE(wait_readable(sender_->fd()));
    ReceiveArena arena;
    EXPECT_EQ(sender_->receive(arena).size(), 1U);
}

TEST_P(UdpSocketTest, CountsADestinationOfTheOtherFamily) {
    const Endpoint other = loopback(v4() ? Family::kV6 : Family::kV4);
    send_now(*sender_, to({other.ip, 9}, "lost"));
    EXPECT_EQ(sender_->drops()[SocketDrop::kRefused], 1U);
}

TEST_P(UdpSocketTest, NeverFragmentsAndNeverObeysAnIcmpPathMtu) {
    if (v4()) {
        EXPECT_EQ(option_of(*sender_, IPPROTO_IP, IP_MTU_DISCOVER), IP_PMTUDISC_PROBE);
    } else {
        EXPECT_EQ(option_of(*sender_, IPPROTO_IPV6, IPV6_MTU_DISCOVER), IPV6_PMTUDISC_PROBE);
        EXPECT_EQ(option_of(*sender_, IPPROTO_IPV6, IPV6_V6ONLY), 1);
    }
}

TEST_P(UdpSocketTest, HasALargerReceiveBufferThanAnUntouchedSocketAndSaysHowLarge) {
    const UniqueFd plain{::socket(AF_INET, SOCK_DGRAM, 0)};
    int untouched = 0;
    socklen_t size = sizeof untouched;
    ASSERT_EQ(::getsockopt(plain.get(), SOL_SOCKET, SO_RCVBUF, &untouched, &size), 0);
    const int granted = option_of(*receiver_, SOL_SOCKET, SO_RCVBUF);
    EXPECT_EQ(receiver_->receive_buffer(), static_cast<std::size_t>(granted));
    EXPECT_GT(granted, untouched) << "is net.core.rmem_max as small as rmem_default?";
    EXPECT_GE(option_of(*receiver_, SOL_SOCKET, SO_SNDBUF), granted);
}

TEST_P(UdpSocketTest, SaysWhichEndpointCouldNotBeOpened) {
    EXPECT_FALSE(UdpSocket::try_open(target()));
    try {
        static_cast<void>(UdpSocket::open(target()));
        FAIL() << "the port is taken";
    } catch (const std::system_error& error) {
        EXPECT_EQ(error.code(), std::errc::address_in_use);
        EXPECT_THAT(error.what(), HasSubstr(target().to_string()));
    }
}

INSTANTIATE_TEST_SUITE_P(Families, UdpSocketTest, ::testing::Values(Family::kV4, Family::kV6),
                         [](const auto& param_info) {
                             return param_info.param == Family::kV4 ? "v4" : "v6";
                         });

TEST(UdpSocketV4, ARefusedDatagramDoesNotHoldUpItsBatch) {
    UdpSocket receiver = UdpSocket::open(loopback(Family::kV4));
    UdpSocket sender = UdpSocket::open(loopback(Family::kV4));
    SendBatch batch;
    sender.enqueue(batch, to(receiver.local(), "before"));
    // Broadcast without SO_BROADCAST: the kernel refuses it for good.
    sender.enqueue(batch, to({IpAddress::v4(0xffffffff), 9}, "refused"));
    sender.enqueue(batch, to(receiver.local(), "after"));
    sender.flush(batch);
    EXPECT_THAT(texts_of(receive_texts(receiver, 2)), ElementsAre("before", "after"));
    EXPECT_EQ(sender.drops()[SocketDrop::kRefused], 1U);
}

}  // namespace
}  // namespace pinhole::net::test
