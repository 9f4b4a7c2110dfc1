// Is TCP on the virtual internet what a core may expect of TCP?
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/lab/lab.hpp"

namespace pinhole::lab {
namespace {

using ::testing::ElementsAre;

constexpr SocketId kStream{kStreamBit};
constexpr std::uint16_t kPort = 443;

/// Remembers what it is told, and says what it was given.
class Talker {
  public:
    void handle_datagram(Instant, const Datagram& in) {
        heard.emplace_back(as_text(in.bytes));
        from = in.path;
    }
    void handle_timeout(Instant) {}
    void handle_io_event(Instant, const IoEvent& event) {
        if (const auto* opened = std::get_if<StreamOpened>(&event)) streams.push_back(*opened);
        if (std::holds_alternative<StreamClosed>(event)) ++closed;
    }
    std::optional<Transmit> poll_transmit() {
        if (words.empty()) return std::nullopt;
        saying = std::move(words.front());
        words.pop_front();
        return Transmit{.path = to, .bytes = as_bytes(saying)};
    }
    std::optional<IoRequest> poll_io_request() {
        if (requests.empty()) return std::nullopt;
        const IoRequest out = requests.front();
        requests.pop_front();
        return out;
    }
    [[nodiscard]] Instant next_timeout() const { return kNever; }

    std::vector<std::string> heard;
    Path from;
    std::vector<StreamOpened> streams;
    int closed = 0;
    Path to;
    std::deque<std::string> words;
    std::string saying;
    std::deque<IoRequest> requests;
};

class HostStreamsTest : public ::testing::Test {
  protected:
    HostStreamsTest() {
        vps_.listen(kPort);
        vps_.start(server_);
        alice_.start(client_);
    }
    void ask(const IoRequest& request) {
        alice_.mutate([&](Instant) { client_.requests.push_back(request); });
        lab_.run_for(1s);
    }
    void connect() {
        ask(OpenStream{kStream, there_});
        ASSERT_EQ(client_.streams.size(), 1U);
        ASSERT_EQ(server_.streams.size(), 1U);
        client_.to = {kStream, there_};
        server_.to = {server_.streams[0].socket, server_.streams[0].remote};
    }
    void say(Host& host, Talker& talker, std::string text) {
        host.mutate([&](Instant) { talker.words.push_back(std::move(text)); });
    }

    Lab lab_{5};
    Host& vps_ = lab_.add_public_host("vps", {"198.51.100.10"});
    NatBox& home_ = lab_.add_nat("home", udp_blocked(), {"203.0.113.1"});
    Host& alice_ = lab_.add_host("alice", home_);
    Endpoint there_{vps_.address(), kPort};
    Talker server_;
    Talker client_;
};

TEST_F(HostStreamsTest, PassesANatThatBlocksUdpAndIsTranslated) {
    connect();
    EXPECT_FALSE(client_.streams[0].is_accepted);
    EXPECT_TRUE(server_.streams[0].is_accepted);
    EXPECT_EQ(server_.streams[0].remote.ip, home_.wan());
    say(alice_, client_, "hello");
    say(vps_, server_, "welcome");
    lab_.run_for(1s);
    EXPECT_THAT(server_.heard, ElementsAre("hello"));
    EXPECT_EQ(server_.from, server_.to);
    EXPECT_THAT(client_.heard, ElementsAre("welcome"));
}

TEST_F(HostStreamsTest, KeepsOrderThroughLossJitterAndACut) {
    connect();
    home_.uplink().set_quality({.delay = 20ms, .jitter = 30ms, .loss = 0.3});
    std::vector<std::string> said;
    for (int i = 0; i < 200; ++i) {
        said.push_back(fmt::format("{}", i));
        say(alice_, client_, said.back());
        if (i == 100) home_.uplink().set_up(false);
        lab_.run_for(10ms);
    }
    lab_.run_for(3s);
    home_.uplink().set_up(true);
    lab_.run_for(20s);
    EXPECT_EQ(server_.heard, said) << lab_.where();
    EXPECT_EQ(client_.closed + server_.closed, 0);
}

TEST_F(HostStreamsTest, ALongCutEndsIt) {
    connect();
    home_.uplink().set_up(false);
    say(alice_, client_, "anybody?");
    lab_.run_for(kSegmentPatience + 1s);
    EXPECT_EQ(client_.closed, 1);
}

TEST_F(HostStreamsTest, AClosedPortRefuses) {
    ask(OpenStream{kStream, {vps_.address(), 444}});
    EXPECT_EQ(client_.closed, 1);
    ask(OpenStream{SocketId{kStreamBit | 1U}, endpoint("[2001:db8::1]:443")});
    EXPECT_EQ(client_.closed, 2) << "there is no way to IPv6 from here";
}

TEST_F(HostStreamsTest, AnEndComesAfterTheLastWords) {
    connect();
    say(alice_, client_, "goodbye");
    ask(CloseSocket{kStream});
    EXPECT_THAT(server_.heard, ElementsAre("goodbye"));
    EXPECT_EQ(server_.closed, 1);
    EXPECT_EQ(client_.closed, 0);
}

TEST_F(HostStreamsTest, TheEndOfAProcessEndsItsStreams) {
    connect();
    vps_.kill();
    lab_.run_for(1s);
    EXPECT_EQ(client_.closed, 1);
    ask(OpenStream{SocketId{kStreamBit | 1U}, there_});
    EXPECT_EQ(client_.closed, 2) << "nobody is there to accept";
}

}  // namespace
}  // namespace pinhole::lab
