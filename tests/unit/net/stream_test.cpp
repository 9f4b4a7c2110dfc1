// Streams over loopback: drivers on both sides, or a driver and bytes by hand.
#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include "shared/net/driver.hpp"
#include "shared/net/sockaddr.hpp"
#include "tests/unit/net/fake_core.hpp"
#include "tests/unit/net/loopback.hpp"

namespace pinhole::net::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr SocketId kStream{kStreamBit | 5U};

/// A connection made of plain calls, as somebody might make it who has not read our code.
class RawConnection {
  public:
    explicit RawConnection(const Endpoint& server)
        : fd_(::socket(server.ip.is_v4() ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        const SocketAddress address = SocketAddress::from(server);
        EXPECT_EQ(::connect(fd_.get(), address.get(), address.size), 0);
    }

    void write(std::string_view bytes) const {
        EXPECT_EQ(::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
                  static_cast<ssize_t>(bytes.size()));
    }
    /// Whatever is there; empty at the end of the connection, or when nothing comes.
    [[nodiscard]] std::string read(int patience_ms) const {
        std::string out(65536, '\0');
        pollfd waiting{fd_.get(), POLLIN, 0};
        if (::poll(&waiting, 1, patience_ms) != 1) return {};
        const auto size = ::recv(fd_.get(), out.data(), out.size(), 0);
        out.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
        return out;
    }

  private:
    UniqueFd fd_;
};

std::string framed(std::string_view text) {
    std::string out{static_cast<char>(text.size() >> 8U), static_cast<char>(text.size() & 0xffU)};
    return out.append(text);
}

/// A core, its driver, and what it heard.
struct Side {
    explicit Side(asio::io_context& io)
        : driver(io, core, [this](const FakeCore::Event& event) { heard.push_back(event.text); }) {}

    void ask(const IoRequest& request) {
        core.requests.push_back(request);
        driver.drain();
    }
    void say(const Path& path, std::string text) {
        core.say(path, std::move(text));
        driver.drain();
    }
    [[nodiscard]] std::vector<StreamOpened> opened() const { return core.told<StreamOpened>(); }
    [[nodiscard]] std::size_t closed() const { return core.told<StreamClosed>().size(); }
    /// The path of the latest stream that was opened here.
    [[nodiscard]] Path path() const { return {opened().back().socket, opened().back().remote}; }
    [[nodiscard]] std::uint64_t drops(StreamDrop why) const {
        return driver.stream_totals().drops[why];
    }

    FakeCore core;
    std::vector<std::string> heard;
    Driver<FakeCore> driver;
};

class StreamTest : public ::testing::Test {
  protected:
    StreamTest() {
        where_ = server_.driver.listen(loopback(Family::kV4));
        server_.driver.start();
        client_.driver.start();
    }
    bool run_until(const std::function<bool()>& done) {
        const Instant patience = now() + 10s;
        while (!done() && now() < patience) io_.run_one_for(std::chrono::milliseconds{100});
        return done();
    }
    void connect() {
        client_.ask(OpenStream{kStream, where_});
        ASSERT_TRUE(
            run_until([&] { return !client_.opened().empty() && !server_.opened().empty(); }));
    }
    void accept() {
        const std::size_t before = server_.opened().size();
        ASSERT_TRUE(run_until([&] { return server_.opened().size() > before; }));
    }

    asio::io_context io_;
    Side server_{io_};
    Side client_{io_};
    Endpoint where_;
};

TEST_F(StreamTest, TellsBothSidesWhoIsThere) {
    connect();
    const StreamOpened ours = client_.opened()[0];
    EXPECT_EQ(ours.socket, kStream);
    EXPECT_EQ(ours.remote, where_);
    EXPECT_FALSE(ours.is_accepted);
    const StreamOpened theirs = server_.opened()[0];
    EXPECT_TRUE(is_stream(theirs.socket));
    EXPECT_TRUE(theirs.is_accepted);
    EXPECT_EQ(theirs.remote, ours.local);
    EXPECT_EQ(theirs.local, where_);
}

TEST_F(StreamTest, CarriesMessagesBothWays) {
    connect();
    client_.core.say(client_.path(), "echo one");
    client_.say(client_.path(), "echo two");
    ASSERT_TRUE(run_until([&] { return client_.heard.size() == 2; }));
    EXPECT_THAT(client_.heard, ElementsAre("one", "two"));
    EXPECT_EQ(server_.driver.stream_totals().received.datagrams, 2U);
    EXPECT_EQ(server_.driver.stream_totals().sent.bytes, 6U);
}

TEST_F(StreamTest, AMessageOfFullSizeFits) {
    connect();
    client_.core.say(client_.path(), std::string(kStreamMessageMax, 'x'));
    client_.driver.drain();
    ASSERT_TRUE(run_until([&] { return server_.heard.size() == 1; }));
    EXPECT_EQ(server_.heard[0].size(), kStreamMessageMax);
}

TEST_F(StreamTest, AMessageIsWholeHoweverItsBytesArrive) {
    const RawConnection raw{where_};
    ASSERT_NO_FATAL_FAILURE(accept());
    for (const char byte : framed("slowly")) {
        raw.write(std::string_view{&byte, 1});
        io_.run_for(std::chrono::milliseconds{1});
    }
    raw.write(framed("two") + framed("at once") + std::string{'\0'});
    ASSERT_TRUE(run_until([&] { return server_.heard.size() == 3; }));
    EXPECT_THAT(server_.heard, ElementsAre("slowly", "two", "at once"));
}

TEST_F(StreamTest, AMessageLargerThanOneReadArrives) {
    const RawConnection raw{where_};
    ASSERT_NO_FATAL_FAILURE(accept());
    std::string bytes;
    for (int i = 0; i < 40; ++i) bytes += framed(std::string(1999, static_cast<char>('a' + i % 7)));
    raw.write(bytes);
    ASSERT_TRUE(run_until([&] { return server_.heard.size() == 40; }));
    EXPECT_EQ(server_.heard[39], std::string(1999, static_cast<char>('a' + 39 % 7)));
}

TEST_F(StreamTest, WrongFramingEndsTheConnectionAndIsCounted) {
    const std::string too_long{static_cast<char>((kStreamMessageMax + 1) >> 8U), 1, 'x'};
    for (const std::string& wrong : {std::string(2, '\0'), too_long}) {
        const RawConnection raw{where_};
        ASSERT_NO_FATAL_FAILURE(accept());
        const std::size_t closed = server_.closed();
        raw.write(framed("good") + wrong);
        ASSERT_TRUE(run_until([&] { return server_.closed() > closed; }));
        EXPECT_EQ(raw.read(kPatienceMs), "");
    }
    EXPECT_EQ(server_.drops(StreamDrop::kBadFraming), 2U);
    EXPECT_THAT(server_.heard, ElementsAre("good", "good"));
}

TEST_F(StreamTest, SaysWhenNobodyIsThere) {
    // Bound, so that nobody else gets the port, but nobody listens.
    const UniqueFd bound{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    SocketAddress address = SocketAddress::from(loopback(Family::kV4));
    ASSERT_EQ(::bind(bound.get(), address.get(), address.size), 0);
    address.size = sizeof address.storage;
    ASSERT_EQ(
        ::getsockname(bound.get(), reinterpret_cast<sockaddr*>(&address.storage), &address.size),
        0);
    const Endpoint nobody = endpoint_from(address.get()).value();
    client_.ask(OpenStream{kStream, nobody});
    ASSERT_TRUE(run_until([&] { return client_.closed() == 1; }));
    EXPECT_TRUE(client_.opened().empty());
    client_.say({kStream, nobody}, "to nobody");
    EXPECT_EQ(client_.drops(StreamDrop::kNotOpen), 1U);
}

TEST_F(StreamTest, TheEndOfOneSideIsNewsToTheOther) {
    connect();
    client_.ask(CloseSocket{kStream});
    ASSERT_TRUE(run_until([&] { return server_.closed() == 1; }));
    EXPECT_EQ(server_.core.told<StreamClosed>()[0].socket, server_.opened()[0].socket);
    io_.run_for(std::chrono::milliseconds{20});
    EXPECT_EQ(client_.closed(), 0U) << "whoever closed it needs not be told";
}

TEST_F(StreamTest, LastWordsLeaveBeforeTheEnd) {
    connect();
    client_.core.say(client_.path(), "goodbye");
    client_.ask(CloseSocket{kStream});
    ASSERT_TRUE(run_until([&] { return server_.closed() == 1; }));
    EXPECT_THAT(server_.heard, ElementsAre("goodbye"));
}

TEST_F(StreamTest, AConnectionThatIsClosedBeforeItStandsIsNoNews) {
    client_.core.requests.push_back(OpenStream{kStream, where_});
    client_.ask(CloseSocket{kStream});
    io_.run_for(std::chrono::milliseconds{50});
    EXPECT_TRUE(client_.opened().empty());
    EXPECT_EQ(client_.closed(), 0U);
}

TEST_F(StreamTest, ASlowReaderLosesMessagesAndNothingElse) {
    const RawConnection raw{where_};
    ASSERT_NO_FATAL_FAILURE(accept());
    // More than all buffers of the system hold, and the queue.
    constexpr int kMessages = 20'000;
    for (int i = 0; i < kMessages; ++i) {
        server_.core.say(server_.path(), fmt::format("{:06}", i) + std::string(1000, 'x'));
        if (i % 100 == 99) server_.driver.drain();
    }
    EXPECT_GT(server_.drops(StreamDrop::kQueueFull), 0U);
    const std::uint64_t taken = server_.driver.stream_totals().sent.datagrams;
    EXPECT_EQ(taken + server_.drops(StreamDrop::kQueueFull), static_cast<unsigned>(kMessages));

    // What was taken arrives, whole and in order.
    std::string bytes;
    const Instant patience = now() + 30s;
    while (bytes.size() < taken * 1008) {
        ASSERT_LT(now(), patience) << bytes.size() << " bytes came";
        bytes += raw.read(10);
        io_.poll();
    }
    int last = -1;
    for (std::size_t at = 0; at < bytes.size(); at += 1008) {
        ASSERT_EQ(bytes.substr(at, 2), "\x03\xee");
        const int number = std::stoi(bytes.substr(at + 2, 6));
        EXPECT_GT(number, last);
        last = number;
    }
    EXPECT_EQ(server_.closed(), 0U);
}

TEST_F(StreamTest, OneSubscriberHasItsShareAndNoMore) {
    std::vector<std::unique_ptr<RawConnection>> all;
    for (std::size_t i = 0; i < kStreamsPerSubscriber + 3; ++i) {
        all.push_back(std::make_unique<RawConnection>(where_));
    }
    ASSERT_TRUE(run_until([&] { return server_.drops(StreamDrop::kTooMany) == 3; }));
    EXPECT_EQ(server_.opened().size(), kStreamsPerSubscriber);
    EXPECT_EQ(all.back()->read(kPatienceMs), "");
    // A place that becomes free is given to the next.
    all.front().reset();
    ASSERT_TRUE(run_until([&] { return server_.closed() == 1; }));
    all.push_back(std::make_unique<RawConnection>(where_));
    EXPECT_TRUE(run_until([&] { return server_.opened().size() == kStreamsPerSubscriber + 1; }));
}

TEST_F(StreamTest, TakesASocketThatListensAlready) {
    Side other{io_};
    UniqueFd fd{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    const SocketAddress any = SocketAddress::from(loopback(Family::kV4));
    ASSERT_EQ(::bind(fd.get(), any.get(), any.size), 0);
    ASSERT_EQ(::listen(fd.get(), 8), 0);
    const Endpoint there = other.driver.listen(std::move(fd));
    EXPECT_NE(there.port, 0);
    other.driver.start();
    client_.ask(OpenStream{kStream, there});
    EXPECT_TRUE(run_until([&] { return other.opened().size() == 1; }));
}

TEST_F(StreamTest, StoppingEndsEverything) {
    connect();
    server_.driver.stop();
    client_.driver.stop();
    io_.run_for(std::chrono::seconds{5});
    EXPECT_TRUE(io_.stopped()) << "something still waits";
}

}  // namespace
}  // namespace pinhole::net::test
