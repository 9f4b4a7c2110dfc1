#include "shared/net/driver.hpp"

#include <functional>
#include <map>
#include <set>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/net/fake_core.hpp"
#include "tests/unit/net/loopback.hpp"

namespace pinhole::net::test {
namespace {

using ::testing::ElementsAre;

static_assert(Drivable<FakeCore>);

class DriverTest : public ::testing::Test {
  protected:
    void start() {
        UdpSocket socket = UdpSocket::open(loopback(Family::kV4));
        address_ = socket.local();
        driver_.add_socket(kSocketV4, std::move(socket));
        driver_.start();
    }

    /// Runs the loop until `done`; false when it never is.
    bool run_until(const std::function<bool()>& done) {
        const Instant patience = now() + 10s;
        while (!done() && now() < patience) io_.run_one_for(std::chrono::milliseconds{100});
        return done();
    }

    [[nodiscard]] bool heard(const std::string& text) const {
        return std::ranges::find(heard_, text) != heard_.end();
    }

    /// A path from the driver's first socket to the test's.
    [[nodiscard]] Path to_friend() const { return {kSocketV4, friend_.local()}; }

    asio::io_context io_;
    FakeCore core_;
    std::vector<std::string> heard_;
    /// What a test does with an event besides noting it.
    std::function<void(const std::string&)> on_event_ = [](const std::string&) {};
    Driver<FakeCore> driver_{io_, core_, [this](const FakeCore::Event& event) {
                                 heard_.push_back(event.text);
                                 on_event_(event.text);
                             }};
    UdpSocket friend_ = UdpSocket::open(loopback(Family::kV4));
    Endpoint address_;
};

TEST_F(DriverTest, TellsTheCoreItsSocketsAndAddressesAtTheStart) {
    start();
    const auto opened = core_.told<SocketOpened>();
    ASSERT_EQ(opened.size(), 1U);
    EXPECT_EQ(opened[0].socket, kSocketV4);
    EXPECT_EQ(opened[0].local, address_);
    const auto changes = core_.told<InterfacesChanged>();
    ASSERT_EQ(changes.size(), 1U);
    EXPECT_EQ(changes[0].addresses, list_local_addresses());
}

TEST_F(DriverTest, HandsOnADatagramAndSendsTheAnswer) {
    start();
    const Instant before = now();
    send_now(friend_, to(address_, "echo hello"));
    EXPECT_TRUE(run_until([&] { return heard("echo hello"); }));
    EXPECT_GE(core_.last_now, before);
    const auto answers = receive_texts(friend_, 1);
    ASSERT_EQ(answers.size(), 1U);
    EXPECT_EQ(answers[0].text, "hello");
    EXPECT_EQ(answers[0].remote, address_);
}

TEST_F(DriverTest, ReportsEventsBeforeItSendsSoThatTheirAnswersLeaveWithTheRest) {
    start();
    std::size_t unsent = 0;
    on_event_ = [&](const std::string&) { unsent = core_.outgoing.size(); };
    send_now(friend_, to(address_, "echo hello"));
    EXPECT_TRUE(run_until([&] { return heard("echo hello"); }));
    EXPECT_EQ(unsent, 1U);
    EXPECT_EQ(receive_texts(friend_, 1).size(), 1U);
}

TEST_F(DriverTest, SendsBurstAfterBurst) {
    start();
    core_.burst = 3;
    for (int i = 0; i < 10; ++i) core_.say(to_friend(), fmt::format("{}", i));
    driver_.drain();
    const auto texts = receive_texts(friend_, 10);
    ASSERT_EQ(texts.size(), 10U);
    EXPECT_EQ(texts[9].text, "9");
}

TEST_F(DriverTest, ReceivesABurstThatIsLongerThanATurn) {
    start();
    constexpr std::size_t kBurst = kBatchesPerTurn * kBatchDatagrams * 2 + 7;
    for (std::size_t i = 0; i < kBurst; ++i) send_now(friend_, to(address_, fmt::format("{}", i)));
    EXPECT_TRUE(run_until([&] { return heard_.size() == kBurst; })) << heard_.size();
    EXPECT_EQ(heard_.back(), fmt::format("{}", kBurst - 1));
    EXPECT_EQ(driver_.totals().received.datagrams, kBurst);
}

TEST_F(DriverTest, ATurnEndsBeforeALongBurstDoes) {
    start();
    constexpr std::size_t kTurn = kBatchesPerTurn * kBatchDatagrams;
    for (std::size_t i = 0; i < kTurn + 1; ++i) send_now(friend_, to(address_, "x"));
    io_.run_one_for(std::chrono::seconds{10});
    EXPECT_EQ(heard_.size(), kTurn);
}

TEST_F(DriverTest, LetsTheCoreForeseeAWholeBatchButNoLoneDatagram) {
    start();
    send_now(friend_, to(address_, "a"));
    EXPECT_TRUE(run_until([&] { return heard("a"); }));
    EXPECT_TRUE(core_.foreseen.empty());
    for (const char* text : {"b", "c"}) send_now(friend_, to(address_, text));
    EXPECT_TRUE(run_until([&] { return heard("c"); }));
    using enum FakeCore::Foresight;
    const std::vector<std::pair<FakeCore::Foresight, std::string>> expected{
        {kIndex, "b"}, {kIndex, "c"}, {kSession, "b"}, {kSession, "c"}};
    EXPECT_EQ(core_.foreseen, expected);
}

TEST_F(DriverTest, HandsOnEachDatagramOfARun) {
    start();
    send_now(friend_, run_to(address_, "aaaabbbbcc", 4));
    EXPECT_TRUE(run_until([&] { return heard_.size() == 3; })) << heard_.size();
    EXPECT_EQ(heard_, (std::vector<std::string>{"aaaa", "bbbb", "cc"}));
}

TEST_F(DriverTest, ATurnEndsBeforeALongBurstOfRunsDoes) {
    // 64 datagrams of 1000 bytes in each; a batch may bring twice the bytes of a turn.
    const std::string run(64'000, 'x');
    constexpr std::size_t kRuns = 4 * kBytesPerTurn / 64'000;
    start();
    const std::size_t buffer = core_.told<SocketOpened>().at(0).receive_buffer;
    if (buffer < 6 * kBytesPerTurn) {
        GTEST_SKIP() << "the system grants a receive buffer of " << buffer << " bytes only";
    }
    for (std::size_t i = 0; i < kRuns; ++i) send_now(friend_, run_to(address_, run, 1000));
    io_.run_one_for(std::chrono::seconds{10});
    EXPECT_GE(heard_.size(), kBytesPerTurn / 1000);
    EXPECT_LT(heard_.size(), kRuns * 64);
    EXPECT_TRUE(run_until([&] { return heard_.size() == kRuns * 64; })) << heard_.size();
}

TEST_F(DriverTest, FiresTheDeadlineOfTheCore) {
    core_.deadline = now() + 2ms;
    const Instant deadline = core_.deadline;
    start();
    EXPECT_TRUE(run_until([&] { return heard("timeout"); }));
    EXPECT_GE(core_.last_now, deadline);
}

TEST_F(DriverTest, FollowsADeadlineThatMovesWithAMutation) {
    core_.deadline = now() + 1h;
    start();
    core_.deadline = now();
    driver_.drain();
    EXPECT_TRUE(run_until([&] { return heard("timeout"); }));
}

TEST_F(DriverTest, SendsAfterTheUserMutatedTheCore) {
    start();
    core_.say(to_friend(), "typed");
    core_.say(to_friend(), "twice");
    driver_.drain();
    const auto arrivals = receive_texts(friend_, 2);
    ASSERT_EQ(arrivals.size(), 2U);
    EXPECT_EQ(arrivals[0].text, "typed");
    EXPECT_EQ(arrivals[1].text, "twice");
}

TEST_F(DriverTest, AnEventCallbackMayMutateTheCoreAndDrain) {
    start();
    on_event_ = [&](const std::string& text) {
        if (text != "first") return;
        core_.events.push_back({"second"});
        core_.say(to_friend(), "from the callback");
        driver_.drain();
        EXPECT_FALSE(heard("second")) << "the outer drain goes on, the inner one does nothing";
    };
    core_.events.push_back({"first"});
    driver_.drain();
    EXPECT_THAT(heard_, ElementsAre("first", "second"));
    EXPECT_EQ(receive_texts(friend_, 1).size(), 1U);
}

TEST_F(DriverTest, OpensASocketThatTheCoreAskedFor) {
    start();
    core_.requests.push_back(OpenSocket{SocketId{7}, Family::kV4, 0});
    driver_.drain();
    const auto opened = core_.told<SocketOpened>();
    ASSERT_EQ(opened.size(), 2U);
    EXPECT_EQ(opened[1].socket, SocketId{7});
    EXPECT_NE(opened[1].local.port, 0);

    send_now(friend_, to({address_.ip, opened[1].local.port}, "echo spare"));
    EXPECT_TRUE(run_until([&] { return heard("echo spare"); }));
    const auto answers = receive_texts(friend_, 1);
    ASSERT_EQ(answers.size(), 1U);
    EXPECT_EQ(answers[0].remote.port, opened[1].local.port);
}

TEST_F(DriverTest, SaysWhenASocketCannotBeOpened) {
    start();
    const UdpSocket taken = UdpSocket::open({IpAddress::any(Family::kV4), 0});
    core_.requests.push_back(OpenSocket{SocketId{7}, Family::kV4, taken.local().port});
    driver_.drain();
    const auto failed = core_.told<SocketFailed>();
    ASSERT_EQ(failed.size(), 1U);
    EXPECT_EQ(failed[0].socket, SocketId{7});
}

TEST_F(DriverTest, ClosesASocketAfterItsLastWords) {
    start();
    core_.requests.push_back(OpenSocket{SocketId{7}, Family::kV4, 0});
    driver_.drain();
    const Endpoint spare = core_.told<SocketOpened>().back().local;
    core_.requests.push_back(CloseSocket{SocketId{7}});
    core_.say({SocketId{7}, friend_.local()}, "goodbye");
    driver_.drain();
    const auto arrivals = receive_texts(friend_, 1);
    ASSERT_EQ(arrivals.size(), 1U);
    EXPECT_EQ(arrivals[0].remote.port, spare.port);
    EXPECT_TRUE(UdpSocket::try_open(spare)) << "the port is free again";
}

TEST_F(DriverTest, AClosedSocketsReadinessDoesNotReachItsSuccessor) {
    start();
    std::map<std::string, SocketId> sockets{{"a", SocketId{7}}, {"b", SocketId{8}}};
    for (const auto& [text, socket] : sockets) {
        core_.requests.push_back(OpenSocket{socket, Family::kV4, 0});
        driver_.drain();
        const std::uint16_t port = core_.told<SocketOpened>().back().local.port;
        send_now(friend_, to({address_.ip, port}, text));
    }
    // Both are readable in one turn of the loop; whichever is heard first replaces the other.
    on_event_ = [&](const std::string& text) {
        const SocketId other = sockets.at(text == "a" ? "b" : "a");
        core_.requests.push_back(CloseSocket{other});
        core_.requests.push_back(OpenSocket{other, Family::kV4, 0});
    };
    io_.poll();
    ASSERT_EQ(heard_.size(), 1U);

    on_event_ = [](const std::string&) {};
    const Endpoint fresh{address_.ip, core_.told<SocketOpened>().back().local.port};
    send_now(friend_, to(fresh, "to the new one"));
    EXPECT_EQ(io_.run_one_for(std::chrono::seconds{10}), 1U);
    EXPECT_EQ(heard_.back(), "to the new one");
    EXPECT_EQ(io_.poll(), 0U) << "the new socket is waited for twice";
}

TEST_F(DriverTest, CountsATransmitForASocketThatDoesNotExist) {
    start();
    core_.say({SocketId{9}, friend_.local()}, "nowhere");
    core_.say(to_friend(), "somewhere");
    driver_.drain();
    EXPECT_EQ(receive_texts(friend_, 1).size(), 1U);
    EXPECT_EQ(driver_.totals().unknown_socket, 1U);
}

TEST_F(DriverTest, KeepsTheOrderOfDatagramsAcrossSockets) {
    start();
    core_.requests.push_back(OpenSocket{SocketId{7}, Family::kV4, 0});
    for (int i = 0; i < 6; ++i) {
        const SocketId socket = i % 2 == 0 ? kSocketV4 : SocketId{7};
        core_.say({socket, friend_.local()}, fmt::format("{}", i));
    }
    driver_.drain();
    std::vector<std::string> texts;
    std::set<std::uint16_t> ports;
    for (const Arrival& arrival : receive_texts(friend_, 6)) {
        texts.push_back(arrival.text);
        ports.insert(arrival.remote.port);
    }
    EXPECT_THAT(texts, ElementsAre("0", "1", "2", "3", "4", "5"));
    EXPECT_EQ(ports.size(), 2U);
}

TEST_F(DriverTest, HandsOnAnIcmpErrorAsAHint) {
    start();
    const ClosedPort closed_port{Family::kV4};
    const Endpoint closed = closed_port.endpoint();
    core_.say({kSocketV4, closed}, "anybody?");
    driver_.drain();
    EXPECT_TRUE(run_until([&] { return heard("icmp"); }));
    const auto errors = core_.told<IcmpError>();
    ASSERT_EQ(errors.size(), 1U);
    EXPECT_EQ(errors[0].path, (Path{kSocketV4, closed}));
    EXPECT_EQ(errors[0].kind, IcmpError::Kind::kPortUnreachable);
}

TEST_F(DriverTest, SurvivesTheLossOfOneFamily) {
    driver_.start();  // no socket at all
    core_.deadline = now();
    driver_.drain();
    EXPECT_TRUE(run_until([&] { return heard("timeout"); }));
}

TEST_F(DriverTest, StopSendsLastWordsAndLetsTheLoopEnd) {
    start();
    core_.say(to_friend(), "bye");
    driver_.stop();
    io_.run_for(std::chrono::seconds{10});
    EXPECT_TRUE(io_.stopped());
    EXPECT_EQ(receive_texts(friend_, 1).size(), 1U);
    EXPECT_TRUE(UdpSocket::try_open(address_)) << "its socket is closed";
}

TEST_F(DriverTest, StopTellsFromTheLoopWhenAllIsDone) {
    start();
    bool has_stopped = false;
    driver_.stop([&] { has_stopped = true; });
    EXPECT_FALSE(has_stopped) << "from inside the call";
    io_.run_for(std::chrono::seconds{10});
    EXPECT_TRUE(io_.stopped());
    EXPECT_TRUE(has_stopped);
}

TEST_F(DriverTest, AnswersThatAPortOfNoSocketIsNotMapped) {
    start();
    core_.requests.push_back(MapPort{SocketId{9}});
    driver_.drain();
    EXPECT_TRUE(run_until([&] { return !core_.told<PortUnmapped>().empty(); }));
    EXPECT_EQ(core_.told<PortUnmapped>()[0].socket, SocketId{9});
    core_.requests.push_back(UnmapPort{SocketId{9}});
    driver_.drain();
    bool has_stopped = false;
    driver_.stop([&] { has_stopped = true; });
    io_.run_for(std::chrono::seconds{10});
    EXPECT_TRUE(io_.stopped());
    EXPECT_TRUE(has_stopped);
}

TEST_F(DriverTest, StopsFromInsideAnEventCallback) {
    start();
    on_event_ = [&](const std::string& text) {
        if (text != "quit") return;
        driver_.stop();
        core_.say(to_friend(), "said after stop");
    };
    send_now(friend_, to(address_, "quit"));
    io_.run_for(std::chrono::seconds{10});
    EXPECT_TRUE(io_.stopped());
    EXPECT_EQ(receive_texts(friend_, 1).size(), 1U);
}

}  // namespace
}  // namespace pinhole::net::test
