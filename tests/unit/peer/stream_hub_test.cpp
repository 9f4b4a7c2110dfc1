// Two hubs and a connection between them that takes as much as it is told to.

#include "peer/stream_hub.hpp"

#include <deque>

#include <gtest/gtest.h>

#include "tests/support/seeded_random.hpp"

namespace pinhole::peer {
namespace {

using test::SeededRandom;

ByteVector random_bytes(std::uint64_t seed, std::size_t size) {
    ByteVector out(size);
    SeededRandom{seed}.fill(out);
    return out;
}

/// A side: its hub, and a service that writes what it is told to and keeps what it reads.
class Side final : public StreamService {
  public:
    explicit Side(std::string_view other)
        : other_(*Id::parse(other)),
          hub({.send = [this](const Id&, std::uint8_t channel,
                              Bytes message) { return take(channel, message); },
               .has_room = [this](const Id&) { return sent.size() < room; }}) {}

    void on_opened(const StreamName& stream, Bytes argument) override {
        opened.push_back(to_vector(argument));
        last = stream;
        if (accepts) hub.accept(stream);
    }
    void on_accepted(const StreamName& stream) override {
        ++accepted;
        push(stream);
    }
    void on_refused(const StreamName&, Refusal reason, std::string_view text) override {
        refusals.emplace_back(reason, text);
    }
    void on_data(const StreamName& stream, Bytes bytes) override {
        ByteVector& all = read[stream.number];
        all.insert(all.end(), bytes.begin(), bytes.end());
        order.push_back(stream.number.number);
        if (consumes) hub.consume(stream, bytes.size());
    }
    void on_room(const StreamName& stream) override { push(stream); }
    void on_finished(const StreamName&) override { ++finished; }
    void on_done(const StreamName&) override { ++done; }
    void on_closed(const StreamName&) override { ++closed; }
    void on_lost(const StreamName&, StreamEnd why) override { lost.push_back(why); }
    void on_datagram(const StreamName&, Bytes bytes) override {
        datagrams.push_back(to_vector(bytes));
    }

    StreamName open(ServiceKind kind = ServiceKind::kPipe) {
        return hub.open(other_, kind, as_bytes(std::string_view{"what for"}), *this);
    }
    void say(const StreamName& stream, ByteVector bytes) {
        unwritten[stream.number] = std::move(bytes);
        push(stream);
    }
    /// Writes what the hub takes, and finishes after the last byte.
    void push(const StreamName& stream) {
        const auto found = unwritten.find(stream.number);
        if (found == unwritten.end()) return;
        const std::size_t taken = hub.write(stream, found->second);
        found->second.erase(found->second.begin(),
                            found->second.begin() + static_cast<std::ptrdiff_t>(taken));
        if (!found->second.empty()) return;
        unwritten.erase(found);
        hub.finish(stream);
    }

  private:
    bool take(std::uint8_t channel, Bytes message) {
        if (sent.size() >= 2 * room) return false;
        sent.emplace_back(channel, to_vector(message));
        return true;
    }

    Id other_;

  public:
    std::deque<std::pair<std::uint8_t, ByteVector>> sent;
    /// Messages under way that leave room for more; twice as many are taken.
    std::size_t room = 8;
    bool accepts = true;
    bool consumes = true;
    std::map<StreamNumber, ByteVector> unwritten;
    std::map<StreamNumber, ByteVector> read;
    std::vector<std::uint32_t> order;
    std::vector<ByteVector> opened;
    std::vector<ByteVector> datagrams;
    std::vector<std::pair<Refusal, std::string>> refusals;
    std::vector<StreamEnd> lost;
    std::optional<StreamName> last;
    int accepted = 0;
    int finished = 0;
    int done = 0;
    int closed = 0;
    StreamHub hub;
};

class Streams : public testing::Test {
  protected:
    Streams() {
        a.hub.on_connected(kB);
        b.hub.on_connected(kA);
        b.hub.serve(ServiceKind::kPipe, b);
    }

    /// Carries one message in each direction, if there is one; false when there was none.
    bool step() {
        const bool there = carry(a, b, kA, kB);
        const bool back = carry(b, a, kB, kA);
        return there || back;
    }
    void run() {
        while (step()) {
        }
    }
    static bool carry(Side& from, Side& to, const Id& from_id, const Id& to_id) {
        if (from.sent.empty()) return false;
        const auto [channel, message] = from.sent.front();
        from.sent.pop_front();
        to.hub.on_message(from_id, channel, message);
        if (from.sent.size() < from.room) from.hub.on_room(to_id);
        return true;
    }

    static inline const Id kA = *Id::parse("alice");
    static inline const Id kB = *Id::parse("bob");
    Side a{"bob"};
    Side b{"alice"};
};

TEST_F(Streams, CarryBytesBothWaysAndCloseInOrder) {
    const StreamName stream = a.open();
    run();
    ASSERT_EQ(a.accepted, 1);
    EXPECT_EQ(as_text(b.opened.at(0)), "what for");
    const ByteVector there = random_bytes(1, 700'000);
    const ByteVector back = random_bytes(2, 300'000);
    a.say(stream, there);
    run();
    EXPECT_EQ(b.finished, 1) << "half-closed";
    EXPECT_EQ(a.done, 1);
    EXPECT_EQ(a.closed + b.closed, 0) << "the other way goes on";
    b.say(*b.last, back);
    run();
    EXPECT_EQ(b.read[b.last->number], there);
    EXPECT_EQ(a.read[stream.number], back);
    EXPECT_EQ(a.closed, 1);
    EXPECT_EQ(b.closed, 1);
    EXPECT_EQ(a.hub.size() + b.hub.size(), 0U);
    EXPECT_TRUE(a.lost.empty() && b.lost.empty());
}

TEST_F(Streams, StopTheWriterOfWhatNobodyReads) {
    b.consumes = false;
    const StreamName slow = a.open();
    const StreamName quick = a.open();
    run();
    const ByteVector bytes = random_bytes(3, 20'000'000);
    a.say(slow, bytes);
    run();
    const std::size_t unread = b.read.begin()->second.size();
    EXPECT_GT(unread, 1'000'000U);
    EXPECT_LE(unread, kUnreadBytesMax / 2);
    // Nobody else has to wait for that.
    a.say(quick, random_bytes(4, 50'000));
    run();
    EXPECT_EQ(b.read.rbegin()->second.size(), 50'000U);
    EXPECT_EQ(a.done, 0) << "read, but not out of memory";
    b.consumes = true;
    b.hub.consume({kA, b.read.begin()->first}, unread);
    b.hub.consume({kA, b.read.rbegin()->first}, 50'000);
    run();
    EXPECT_EQ(b.read.begin()->second, bytes);
    EXPECT_EQ(a.done, 2);
}

TEST_F(Streams, TakeTurns) {
    std::vector<StreamName> streams;
    for (int i = 0; i < 3; ++i) streams.push_back(a.open());
    run();
    for (const StreamName& stream : streams) a.say(stream, random_bytes(5, 1'000'000));
    run();
    // In any stretch of the middle each has its share.
    const std::size_t third = b.order.size() / 3;
    for (std::uint32_t number = 1; number <= 3; ++number) {
        const auto count =
            std::count(b.order.begin() + static_cast<std::ptrdiff_t>(third),
                       b.order.begin() + static_cast<std::ptrdiff_t>(2 * third), number);
        EXPECT_GT(count, static_cast<std::ptrdiff_t>(third / 4)) << number;
    }
}

TEST_F(Streams, AreRefusedByNameAndReason) {
    static_cast<void>(a.open(ServiceKind::kFiles));
    run();
    ASSERT_EQ(a.refusals.size(), 1U);
    EXPECT_EQ(a.refusals[0].first, Refusal::kNoSuchService);
    b.accepts = false;
    static_cast<void>(a.open());
    run();
    b.hub.refuse(*b.last, Refusal::kNotAllowed, "not you");
    run();
    ASSERT_EQ(a.refusals.size(), 2U);
    EXPECT_EQ(a.refusals[1], (std::pair{Refusal::kNotAllowed, std::string{"not you"}}));
    EXPECT_EQ(a.hub.size() + b.hub.size(), 0U);
}

TEST_F(Streams, TellOfAReset) {
    const StreamName stream = a.open();
    run();
    a.hub.reset(stream, ResetReason::kFailed);
    EXPECT_EQ(a.hub.write(stream, random_bytes(6, 10)), 0U);
    run();
    EXPECT_EQ(b.lost, std::vector{StreamEnd::kFailed});
    EXPECT_TRUE(a.lost.empty()) << "who resets knows it";
    // A stream that we took back before the answer came.
    a.hub.reset(a.open(), ResetReason::kCancelled);
    run();
    EXPECT_EQ(b.lost.back(), StreamEnd::kCancelled);
    EXPECT_EQ(a.hub.size() + b.hub.size(), 0U);
}

TEST_F(Streams, AreLostWithTheirConnection) {
    static_cast<void>(a.open());
    static_cast<void>(a.open());
    run();
    a.hub.on_closed(kB);
    EXPECT_EQ(a.lost, (std::vector{StreamEnd::kConnection, StreamEnd::kConnection}));
    EXPECT_EQ(a.hub.size(), 0U);
    // The next connection begins with nothing.
    b.hub.on_connected(kA);
    EXPECT_EQ(b.lost.size(), 2U);
    a.hub.on_connected(kB);
    a.sent.clear();
    b.sent.clear();
    static_cast<void>(a.open());
    run();
    EXPECT_EQ(a.accepted, 3);
}

TEST_F(Streams, BreakWithWhoSendsMoreThanHeMay) {
    b.consumes = false;
    const StreamName stream = a.open();
    run();
    const ByteVector piece = encode(StreamData{stream.number, ByteVector(kStreamPieceMax)});
    for (int i = 0; i < 1000 && b.lost.empty(); ++i) {
        b.hub.on_message(kA, kStreamChannel, piece);
    }
    EXPECT_EQ(b.lost, std::vector{StreamEnd::kViolation});
    EXPECT_LE(b.read.begin()->second.size(), kUnreadBytesMax / 2);
    run();
    EXPECT_EQ(a.lost, std::vector{StreamEnd::kViolation});
}

TEST_F(Streams, BreakWithWhoGoesOnAfterTheEnd) {
    const StreamName stream = a.open();
    run();
    a.hub.finish(stream);
    run();
    b.hub.on_message(kA, kStreamChannel, encode(StreamData{stream.number, random_bytes(7, 1)}));
    EXPECT_EQ(b.lost, std::vector{StreamEnd::kViolation});
    static_cast<void>(a.open());
    run();
    // Done with what was never finished.
    b.hub.on_message(kA, kStreamChannel, encode(StreamDone{{.is_ours = true, .number = 2}}));
    EXPECT_EQ(b.lost.size(), 2U);
}

TEST_F(Streams, HaveABoundOnHowManyOthersOpen) {
    b.room = 2 * kStreamsMax;
    for (std::size_t i = 0; i <= kStreamsMax; ++i) {
        static_cast<void>(a.open());
        run();
    }
    ASSERT_EQ(a.refusals.size(), 1U);
    EXPECT_EQ(a.refusals[0].first, Refusal::kBusy);
    EXPECT_EQ(b.hub.size(), kStreamsMax);
}

TEST_F(Streams, CarryDatagramsThatNeverWait) {
    const StreamName stream = a.open();
    run();
    EXPECT_TRUE(a.hub.send_datagram(stream, random_bytes(8, 1200)));
    run();
    ASSERT_EQ(b.datagrams.size(), 1U);
    EXPECT_EQ(b.datagrams[0], random_bytes(8, 1200));
    // On the other channel it is no datagram, and a reliable frame is none here.
    b.hub.on_message(kA, kStreamChannel, encode(StreamDatagram{stream.number, {}}));
    b.hub.on_message(kA, kStreamDatagramChannel, encode(StreamFinish{stream.number}));
    EXPECT_EQ(b.datagrams.size(), 1U);
    EXPECT_EQ(b.finished, 0);
}

TEST_F(Streams, CountDatagramsThatTheConnectionDoesNotTake) {
    const StreamName stream = a.open();
    EXPECT_FALSE(a.hub.send_datagram(stream, random_bytes(8, 100)));  // It does not stand yet.
    run();
    EXPECT_EQ(a.hub.datagrams_dropped(), 1U);
    std::size_t taken = 0;
    while (a.hub.send_datagram(stream, random_bytes(taken, 100))) ++taken;
    EXPECT_EQ(taken, 2 * a.room);
    EXPECT_EQ(a.hub.datagrams_dropped(), 2U);
    run();
    EXPECT_EQ(b.datagrams.size(), taken);
    a.hub.on_closed(kB);
    EXPECT_FALSE(a.hub.send_datagram(stream, {}));
    EXPECT_EQ(a.hub.datagrams_dropped(), 3U);
}

TEST_F(Streams, LoseNothingWhenEvenSmallFramesHaveToWait) {
    a.room = 1;
    b.room = 1;
    std::vector<StreamName> streams;
    for (int i = 0; i < 50; ++i) streams.push_back(a.open());
    run();
    ASSERT_EQ(a.accepted, 50);
    for (const StreamName& stream : streams)
        a.say(stream, random_bytes(stream.number.number, 9'000));
    run();
    EXPECT_EQ(a.done, 50);
    for (const auto& [number, bytes] : b.read) {
        EXPECT_EQ(bytes, random_bytes(number.number, 9'000)) << number.number;
    }
}

}  // namespace
}  // namespace pinhole::peer
