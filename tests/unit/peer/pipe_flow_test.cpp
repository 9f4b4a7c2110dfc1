// Two flows with a pair of hubs between them, and pipes where standard input and output would be.
#include "peer/pipe_flow.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <deque>
#include <string>
#include <utility>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "shared/net/unique_fd.hpp"
#include "tests/support/seeded_random.hpp"

namespace pinhole::peer {
namespace {

const Id kA = *Id::parse("alice");
const Id kB = *Id::parse("bob");

/// Both ends of a pipe; ours does not wait.
struct TestPipe {
    net::UniqueFd ours;
    net::UniqueFd theirs;

    static TestPipe to_read() {
        std::array<int, 2> ends{};
        EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
        ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
        return {net::UniqueFd{ends[0]}, net::UniqueFd{ends[1]}};
    }
    static TestPipe to_write() {
        std::array<int, 2> ends{};
        EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
        ::fcntl(ends[1], F_SETFL, O_NONBLOCK);
        return {net::UniqueFd{ends[1]}, net::UniqueFd{ends[0]}};
    }
};

class Side final : public StreamService {
  public:
    explicit Side(const Id& other)
        : hub({.send = [this](const Id&, std::uint8_t channel,
                              Bytes message) { return take(channel, message); },
               .has_room = [this](const Id&) { return sent.size() < 16; }}) {
        hub.on_connected(other);
        hub.serve(ServiceKind::kPipe, *this);
    }

    void begin(asio::io_context& io, const StreamName& stream, PipeWays ways) {
        flow.emplace(
            PipeFlow::Place{
                .io = io, .hub = hub, .ends = {.in = in.theirs.get(), .out = out.theirs.get()}},
            stream, ways,
            PipeFlow::Callbacks{.on_turn = [] {},
                                .on_end =
                                    [this](PipeEnd why, int number) {
                                        ++ends;
                                        end = why;
                                        error = number;
                                    }});
        flow->start();
    }

    /// What the reader of our output got, and whether it is at its end.
    void read_output() {
        std::array<char, 65536> chunk{};
        long got = -1;
        while ((got = ::read(out.ours.get(), chunk.data(), chunk.size())) > 0) {
            output.append(chunk.data(), static_cast<std::size_t>(got));
        }
        if (got == 0) output_ended = true;
    }
    void feed_input() {
        while (!input.empty()) {
            const long done = ::write(in.ours.get(), input.data(), input.size());
            if (done <= 0) return;
            input.erase(0, static_cast<std::size_t>(done));
        }
        if (ends_input) in.ours = net::UniqueFd{};
    }

    void on_opened(const StreamName& stream, Bytes /*argument*/) override { hub.accept(stream); }
    void on_accepted(const StreamName& /*stream*/) override {}
    void on_refused(const StreamName&, Refusal, std::string_view) override {}
    void on_data(const StreamName&, Bytes bytes) override {
        flow->on_data(bytes);
        flow->plan_receipt(now);
    }
    void on_room(const StreamName&) override { flow->on_room(); }
    void on_finished(const StreamName&) override { flow->on_finished(); }
    void on_done(const StreamName&) override { flow->on_done(); }
    void on_closed(const StreamName&) override { flow->on_closed(); }
    void on_lost(const StreamName&, StreamEnd why) override { flow->on_lost(why); }
    void on_datagram(const StreamName&, Bytes bytes) override { flow->on_datagram(bytes); }

  private:
    bool take(std::uint8_t channel, Bytes message) {
        if (sent.size() >= 64) return false;
        sent.emplace_back(channel, to_vector(message));
        return true;
    }

  public:
    std::deque<std::pair<std::uint8_t, ByteVector>> sent;
    StreamHub hub;
    TestPipe in = TestPipe::to_write();
    TestPipe out = TestPipe::to_read();
    std::string input;
    bool ends_input = false;
    bool reads = true;
    std::string output;
    bool output_ended = false;
    int ends = 0;
    PipeEnd end = PipeEnd::kLost;
    int error = 0;
    Instant now{};
    std::optional<PipeFlow> flow;
};

class PipeFlows : public testing::Test {
  protected:
    void SetUp() override { std::signal(SIGPIPE, SIG_IGN); }

    void begin(PipeWays ways_of_a = {}, PipeWays ways_of_b = {}) {
        const StreamName name = a.hub.open(kB, ServiceKind::kPipe, {}, a);
        carry();
        b.begin(io, {kA, {.is_ours = false, .number = name.number.number}}, ways_of_b);
        a.begin(io, name, ways_of_a);
    }

    bool carry() {
        bool carried = false;
        for (const auto& [from, to, name] : {std::tuple{&a, &b, kA}, std::tuple{&b, &a, kB}}) {
            if (from->sent.empty()) continue;
            carried = true;
            const auto [channel, message] = std::move(from->sent.front());
            from->sent.pop_front();
            to->hub.on_message(name, channel, message);
            from->hub.on_room(name == kA ? kB : kA);
        }
        return carried;
    }

    /// Until nothing moves any more. The loop's own word does not count: a full pipe that somebody
    /// tries to write to wakes its watchers.
    void run() {
        constexpr int kQuietRounds = 5;
        for (int quiet = 0; quiet < kQuietRounds; ++quiet) {
            const auto before = progress();
            for (Side* side : {&a, &b}) {
                side->feed_input();
                if (side->reads) side->read_output();
            }
            io.poll();
            io.restart();
            while (carry()) quiet = 0;
            if (progress() != before) quiet = 0;
        }
    }
    [[nodiscard]] std::array<std::size_t, 4> progress() const {
        return {a.input.size(), b.input.size(), a.output.size(), b.output.size()};
    }

    asio::io_context io{1};
    Side a{kB};
    Side b{kA};
};

std::string random_text(std::uint64_t seed, std::size_t size) {
    ByteVector out(size);
    test::SeededRandom{seed}.fill(out);
    return std::string{as_text(out)};
}

TEST_F(PipeFlows, CarryBothWaysAndEndWhenBothInputsDo) {
    const std::string there = random_text(1, 3'000'000);
    const std::string back = random_text(2, 1'000'001);
    begin();
    a.input = there;
    b.input = back;
    a.ends_input = true;
    run();
    EXPECT_EQ(b.output, there);
    EXPECT_TRUE(b.output_ended) << "the end of one input is the end of one output";
    EXPECT_EQ(a.output, back);
    EXPECT_FALSE(a.output_ended);
    EXPECT_EQ(a.ends + b.ends, 0);
    EXPECT_TRUE(a.flow->waits_for_their_end());
    b.ends_input = true;
    run();
    EXPECT_TRUE(a.output_ended);
    EXPECT_EQ(a.ends, 1);
    EXPECT_EQ(b.ends, 1);
    EXPECT_EQ(a.end, PipeEnd::kComplete);
    EXPECT_EQ(b.end, PipeEnd::kComplete);
    EXPECT_EQ(a.flow->sent(), there.size());
    EXPECT_EQ(a.flow->confirmed(), there.size());
    EXPECT_EQ(a.flow->received(), back.size());
}

TEST_F(PipeFlows, AReaderThatStandsStillStopsTheWriter) {
    begin();
    b.reads = false;
    a.input = random_text(3, 12'000'000);
    a.ends_input = true;
    const std::string all = a.input;
    run();
    EXPECT_FALSE(a.input.empty()) << "not all was read";
    EXPECT_LT(a.flow->sent(), 6'000'000U);
    EXPECT_EQ(a.flow->confirmed(), 0U);
    b.reads = true;
    run();
    EXPECT_EQ(b.output, all);
    EXPECT_EQ(a.flow->confirmed(), all.size());
}

TEST_F(PipeFlows, SendOnlyEndsWhenItsInputIsThrough) {
    begin({.receives = false, .ends_with_input = true}, {});
    a.input = "all there is";
    a.ends_input = true;
    run();
    EXPECT_EQ(a.ends, 1);
    EXPECT_EQ(a.end, PipeEnd::kComplete);
    EXPECT_EQ(b.output, "all there is");
    EXPECT_EQ(b.ends, 1);
    EXPECT_EQ(b.end, PipeEnd::kComplete) << "it sent nothing, so nothing of it is lost";
}

TEST_F(PipeFlows, WhatASendOnlySideIsToldDoesNotStopIt) {
    begin({.receives = false, .ends_with_input = true}, {});
    b.input = random_text(4, 9'000'000);
    run();
    EXPECT_TRUE(b.input.empty());
    EXPECT_EQ(a.output, "");
}

TEST_F(PipeFlows, AnEndBeforeOurBytesAreThroughIsNoGoodEnd) {
    begin({.ends_with_input = true}, {});
    a.reads = false;
    b.input = random_text(5, 3'000'000);
    run();
    a.ends_input = true;
    run();
    EXPECT_EQ(a.end, PipeEnd::kComplete);
    EXPECT_EQ(b.end, PipeEnd::kCancelled);
    EXPECT_LT(b.flow->confirmed(), b.flow->sent());
}

TEST_F(PipeFlows, RecvOnlyReadsNoInput) {
    begin({.sends = false}, {});
    a.input = "never read";
    b.input = "hello";
    b.ends_input = true;
    run();
    EXPECT_EQ(a.output, "hello");
    EXPECT_EQ(b.output, "");
    EXPECT_TRUE(b.output_ended);
    EXPECT_EQ(a.end, PipeEnd::kComplete);
    EXPECT_EQ(b.end, PipeEnd::kComplete);
}

TEST_F(PipeFlows, AReaderThatLeavesEndsItAlsoWhenNothingIsWritten) {
    begin();
    b.reads = false;
    run();
    b.out.ours = net::UniqueFd{};
    run();
    EXPECT_EQ(b.ends, 1);
    EXPECT_EQ(b.end, PipeEnd::kOutput);
    EXPECT_EQ(b.error, EPIPE);
    EXPECT_EQ(a.end, PipeEnd::kCancelled);
}

TEST_F(PipeFlows, ReceiptsTellWhatIsThroughWhenTheConnectionIsLost) {
    begin();
    a.input = std::string(200'000, 'x');
    run();
    EXPECT_EQ(a.flow->confirmed(), 0U) << "not yet told";
    b.flow->handle_timeout(b.flow->next_timeout());
    run();
    EXPECT_EQ(a.flow->confirmed(), 200'000U);
    a.hub.on_closed(kB);
    EXPECT_EQ(a.ends, 1);
    EXPECT_EQ(a.end, PipeEnd::kLost);
}

TEST_F(PipeFlows, AReceiptForMoreThanWasSentIsIgnored) {
    begin();
    a.input = "12345";
    run();
    const FixedBytes<8> nonsense{std::byte{1}};
    a.flow->on_datagram(nonsense);
    a.flow->on_datagram(as_bytes(std::string_view{"short"}));
    EXPECT_EQ(a.flow->confirmed(), 0U);
}

TEST_F(PipeFlows, AnInputThatCannotBeReadIsNotAnEnd) {
    const net::UniqueFd folder{::open("/", O_RDONLY | O_CLOEXEC)};
    a.in.theirs = net::UniqueFd{::dup(folder.get())};
    begin();
    run();
    EXPECT_EQ(a.end, PipeEnd::kInput);
    EXPECT_EQ(a.error, EISDIR);
    EXPECT_EQ(b.end, PipeEnd::kFailed);
    EXPECT_FALSE(b.output_ended);
}

}  // namespace
}  // namespace pinhole::peer
