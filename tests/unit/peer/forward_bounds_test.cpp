// What forwarding carries at once, and for how long: with bounds of two, a clock that stands still,
// and a connection that keeps what it is given.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "peer/forward/entrance.hpp"
#include "peer/forward/exit.hpp"
#include "tests/support/reserved_ports.hpp"
#include "tests/unit/peer/captured_screen.hpp"

namespace pinhole::peer {
namespace {

using asio::ip::tcp;
using asio::ip::udp;
using ::testing::HasSubstr;
using ::testing::SizeIs;

const Id kBob = *Id::parse("bob");
const Id kCarol = *Id::parse("carol");
constexpr std::string_view kTarget = "127.0.0.1:9";

class ForwardBoundsTest : public testing::Test {
  protected:
    ForwardBoundsTest() {
        hub.on_connected(kBob);
        hub.on_connected(kCarol);
    }
    ~ForwardBoundsTest() override {
        for (const auto& entrance : entrances) entrance->close();
        tcp_links.stop_all();
        udp_links.stop_all();
        io().poll();
    }

    [[nodiscard]] asio::io_context& io() { return captured.io; }

    /// The peer's answer to the last stream that we opened.
    void accept(std::uint32_t number) {
        hub.on_message(kBob, kStreamChannel,
                       encode(StreamAccept{{.is_ours = false, .number = number}, 1000}));
    }
    /// A peer opens a stream to a target of ours.
    void open_from(const Id& peer, ServiceKind kind, std::uint32_t number) {
        hub.on_message(
            peer, kStreamChannel,
            encode(StreamOpen{{.is_ours = true, .number = number}, kind, 1000, as_bytes(kTarget)}));
    }
    /// The frames of one kind that were sent, as the other side reads them.
    template <class Frame>
    [[nodiscard]] std::vector<Frame> said() const {
        std::vector<Frame> out;
        for (const ByteVector& message : sent) {
            const auto frame = parse_stream_frame(message);
            EXPECT_TRUE(frame);
            if (frame && std::holds_alternative<Frame>(*frame)) {
                out.push_back(std::get<Frame>(*frame));
            }
        }
        return out;
    }

    /// Where the entrance that it opens listens.
    [[nodiscard]] Endpoint listen(Transport transport) {
        const Endpoint place{*IpAddress::parse("127.0.0.1"), port.first()};
        const ForwardSpec spec{.transport = transport,
                               .bind = "127.0.0.1",
                               .port = place.port,
                               .target = {.host = "127.0.0.1", .port = 9}};
        auto entrance = Entrance::open(desk, kBob, spec, {place});
        EXPECT_TRUE(entrance) << entrance.error();
        if (entrance) entrances.push_back(std::move(*entrance));
        return place;
    }
    /// Turns the loop until something holds that is bound to.
    template <class Condition>
    void run_until(Condition condition) {
        while (!condition() && io().run_one_for(std::chrono::seconds{10}) > 0) io().restart();
        EXPECT_TRUE(condition());
    }

    [[nodiscard]] std::shared_ptr<UdpFlow> open_flow() {
        auto flow = std::make_shared<UdpFlow>(
            desk, Carried{.peer = kBob, .transport = Transport::kUdp, .target = "t:9"},
            [](Bytes) { return true; }, [this] { ++flow_ends; });
        flow->expect(udp_links.open(kBob, kTarget, flow));
        return flow;
    }

    bool takes_messages = true;
    std::vector<ByteVector> sent;
    StreamHub hub{{.send =
                       [this](const Id&, std::uint8_t, Bytes message) {
                           if (takes_messages) sent.push_back(to_vector(message));
                           return takes_messages;
                       },
                   .has_room = [this](const Id&) { return takes_messages; }}};
    test::CapturedScreen captured;
    Narrator narrator{captured.screen, {}};
    Links tcp_links{hub, ServiceKind::kTcp,
                    [this](const StreamName& stream, std::string_view argument) {
                        exit.on_opened(Transport::kTcp, stream, argument);
                    }};
    Links udp_links{hub, ServiceKind::kUdp,
                    [this](const StreamName& stream, std::string_view argument) {
                        exit.on_opened(Transport::kUdp, stream, argument);
                    }};
    Instant now{};
    Desk desk{{.io = captured.io,
               .screen = captured.screen,
               .narrator = narrator,
               .json = true,
               .now = [this] { return now; },
               .is_connected = [](const Id&) { return true; },
               .settle = [] {}},
              tcp_links,
              udp_links,
              {.connections = 2, .udp_sources = 2}};
    net::Resolver resolver{captured.io};
    AllowList rules;
    Exit exit{desk, resolver, rules,
              [](const Id&, Transport, const net::HostPort&) { return false; }};
    pinhole::test::ReservedPorts port;
    std::vector<std::shared_ptr<Entrance>> entrances;
    int flow_ends = 0;
};

// ---- time

TEST_F(ForwardBoundsTest, AFlowEndsWhenNothingWasCarriedForTwoMinutes) {
    const auto flow = open_flow();
    accept(1);
    now += 119s;
    udp_links.stop_old(now);
    EXPECT_EQ(flow_ends, 0);
    EXPECT_TRUE(said<StreamReset>().empty());
    now += 1s;
    udp_links.stop_old(now);
    EXPECT_EQ(flow_ends, 1);
    EXPECT_EQ(udp_links.size(), 0U);
    EXPECT_EQ(hub.size(), 0U);
    EXPECT_THAT(said<StreamReset>(), SizeIs(1));
    EXPECT_THAT(captured.out.take(), HasSubstr(R"("event":"forward_closed")"));
    // What comes late finds nobody.
    flow->take({});
    EXPECT_TRUE(said<StreamDatagram>().empty());
}

TEST_F(ForwardBoundsTest, ADatagramOfEitherWayKeepsAFlow) {
    const auto flow = open_flow();
    accept(1);
    now += 100s;
    flow->take(as_bytes(std::string_view{"out"}));
    now += 100s;
    udp_links.stop_old(now);
    ASSERT_EQ(udp_links.size(), 1U);
    hub.on_message(
        kBob, kStreamDatagramChannel,
        encode(StreamDatagram{{.is_ours = false, .number = 1}, as_bytes(std::string_view{"in"})}));
    now += 119s;
    udp_links.stop_old(now);
    EXPECT_EQ(udp_links.size(), 1U);
    now += 1s;
    udp_links.stop_old(now);
    EXPECT_EQ(udp_links.size(), 0U);
}

// ---- loss

TEST_F(ForwardBoundsTest, DatagramsThatTheConnectionDoesNotTakeAreCountedAsDropped) {
    const auto flow = open_flow();
    accept(1);
    flow->take(as_bytes(std::string_view{"four"}));
    takes_messages = false;
    flow->take(as_bytes(std::string_view{"lost"}));
    flow->take(as_bytes(std::string_view{"lost"}));
    takes_messages = true;
    static_cast<void>(captured.out.take());
    udp_links.stop_all();
    const std::string line = captured.out.take();
    EXPECT_THAT(line, HasSubstr(R"("sent":4,"received":0,"dropped":2})"));
    EXPECT_THAT(captured.err.take(), HasSubstr("2 datagrams for t:9 were dropped"));
    EXPECT_EQ(hub.datagrams_dropped(), 2U);
}

// ---- how many

TEST_F(ForwardBoundsTest, MoreStreamsThanTheBoundAreRefusedToTheirPeerAlone) {
    for (const ServiceKind kind : {ServiceKind::kTcp, ServiceKind::kUdp}) {
        sent.clear();
        const std::uint32_t first = kind == ServiceKind::kTcp ? 1 : 11;
        for (std::uint32_t number = first; number < first + 3; ++number) {
            open_from(kBob, kind, number);
        }
        auto refusals = said<StreamRefuse>();
        ASSERT_THAT(refusals, SizeIs(1));
        EXPECT_EQ(refusals[0].stream.number, first + 2);
        EXPECT_EQ(refusals[0].reason, Refusal::kBusy);
        open_from(kCarol, kind, first);
        EXPECT_THAT(said<StreamRefuse>(), SizeIs(1));
        // One that is over makes room.
        hub.on_message(
            kBob, kStreamChannel,
            encode(StreamReset{{.is_ours = true, .number = first}, ResetReason::kCancelled}));
        open_from(kBob, kind, first + 3);
        EXPECT_THAT(said<StreamRefuse>(), SizeIs(1));
    }
}

TEST_F(ForwardBoundsTest, AConnectionBeyondTheBoundIsReset) {
    const Endpoint place = listen(Transport::kTcp);
    std::vector<tcp::socket> clients;
    for (int i = 0; i < 3; ++i) {
        clients.emplace_back(io()).connect({asio::ip::address_v4::loopback(), place.port});
    }
    std::optional<std::error_code> end;
    std::array<char, 1> byte{};
    clients[2].async_read_some(asio::buffer(byte),
                               [&](std::error_code error, std::size_t) { end = error; });
    run_until([&] { return end.has_value(); });
    EXPECT_EQ(*end, asio::error::connection_reset);
    EXPECT_EQ(tcp_links.count(kBob), 2U);
    EXPECT_THAT(said<StreamOpen>(), SizeIs(2));
    EXPECT_THAT(captured.err.take(), HasSubstr("too many connections at once"));
}

TEST_F(ForwardBoundsTest, DatagramsOfAClientBeyondTheBoundAreDroppedAndSaidOnce) {
    const Endpoint place = listen(Transport::kUdp);
    const udp::endpoint to{asio::ip::address_v4::loopback(), place.port};
    std::vector<udp::socket> clients;
    for (int i = 0; i < 3; ++i) {
        clients.emplace_back(io(), udp::endpoint{asio::ip::address_v4::loopback(), 0});
    }
    std::string words;
    for (int round = 0; round < 2; ++round) {
        for (auto& client : clients) client.send_to(asio::buffer("x", 1), to);
    }
    // The last one waits behind the others.
    run_until([&] {
        words += captured.err.take();
        return words.find("more than 2 clients of 127.0.0.1:") != std::string::npos;
    });
    io().poll();
    words += captured.err.take();
    EXPECT_EQ(words.find("more than 2 clients"), words.rfind("more than 2 clients"));
    EXPECT_THAT(said<StreamOpen>(), SizeIs(2));
    // A flow that is over makes room.
    now += kUdpLifetime;
    udp_links.stop_old(now);
    clients[2].send_to(asio::buffer("x", 1), to);
    run_until([&] { return said<StreamOpen>().size() == 3; });
}

}  // namespace
}  // namespace pinhole::peer
