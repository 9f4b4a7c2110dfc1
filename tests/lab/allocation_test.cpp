// No datagram costs an allocation: two real nodes with a direct path, thousands of datagrams, and
// an `operator new` that counts. ENet has memory of its own, which counts by itself.
//
// Its own program, because it replaces `operator new`.
#include <cstdlib>
#include <new>

#include <gtest/gtest.h>

#include "shared/net/udp_socket.hpp"
#include "shared/reliable/enet_platform.hpp"
#include "tests/lab/town.hpp"

namespace {

std::uint64_t allocations = 0;

}  // namespace

// The array forms and those that do not throw call these.
void* operator new(std::size_t size) {
    ++allocations;
    if (void* const memory = std::malloc(size == 0 ? 1 : size)) return memory;
    throw std::bad_alloc{};
}
void* operator new(std::size_t size, std::align_val_t alignment) {
    ++allocations;
    const auto unit = static_cast<std::size_t>(alignment);
    if (void* const memory = std::aligned_alloc(unit, (size + unit - 1) / unit * unit)) {
        return memory;
    }
    throw std::bad_alloc{};
}
void operator delete(void* memory) noexcept {
    std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
    std::free(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept {
    std::free(memory);
}
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
    std::free(memory);
}

namespace pinhole::lab {
namespace {

/// As many as the queue of a node holds.
constexpr std::size_t kInFlightMax = 4096;

/// Carries datagrams between two nodes by hand, in memory that it has from the beginning.
class Ferry {
  public:
    explicit Ferry(Peer& alice, Peer& bob, Instant now)
        : ends_{End{&alice.node(), endpoint_of(alice)}, End{&bob.node(), endpoint_of(bob)}},
          now_(now) {}

    void pass(Duration time) { now_ += time; }
    [[nodiscard]] Instant now() const { return now_; }

    /// One round: both ends say what they have to, then both hear it.
    void round() {
        now_ += 1ms;
        for (End& end : ends_) {
            const std::uint64_t before = allocations;
            if (end.node->next_timeout() <= now_) end.node->handle_timeout(now_);
            in_timeouts += allocations - before;
            collect(end);
        }
        deliver(ends_[0], ends_[1]);
        deliver(ends_[1], ends_[0]);
        for (End& end : ends_) take_events(end);
    }

    /// Datagrams that arrived, messages that were handed out.
    std::size_t datagrams = 0;
    std::size_t runs = 0;
    std::size_t messages = 0;
    /// Allocations when a timer went off: they come with time, not with datagrams.
    std::uint64_t in_timeouts = 0;
    /// Whom the second end sends each message back to.
    std::optional<node::PeerNumber> answers_to;
    /// Longer datagrams get lost.
    std::size_t datagram_max = kUdpPayloadProbed;
    /// The longest that arrived.
    std::size_t longest = 0;

  private:
    struct Waiting {
        std::size_t size = 0;
        FixedBytes<kUdpPayloadProbed> bytes{};
    };
    struct End {
        node::Node* node;
        Endpoint endpoint;
        std::vector<Waiting> sent = std::vector<Waiting>(kInFlightMax);
        std::size_t sent_count = 0;
    };

    static Endpoint endpoint_of(Peer& peer) {
        return {peer.host().address(Family::kV4), *peer.host().port_of(kSocketV4)};
    }

    void collect(End& end) {
        const Endpoint& other = ends_[&end == ends_.data() ? 1 : 0].endpoint;
        while (const auto transmit = end.node->poll_transmit()) {
            // What is for the server gets lost.
            if (transmit->path.remote != other) continue;
            ++runs;
            for_each_datagram(transmit->bytes, transmit->segment_size, [&](Bytes datagram) {
                Waiting& waiting = end.sent.at(end.sent_count++);
                waiting.size = datagram.size();
                std::ranges::copy(datagram, waiting.bytes.begin());
            });
        }
    }

    void deliver(End& from, End& to) {
        for (std::size_t i = 0; i < from.sent_count; ++i) {
            const Bytes bytes = Bytes{from.sent[i].bytes}.first(from.sent[i].size);
            if (bytes.size() > datagram_max) continue;
            longest = std::max(longest, bytes.size());
            to.node->handle_datagram(now_, {{kSocketV4, from.endpoint}, bytes});
            ++datagrams;
        }
        from.sent_count = 0;
    }

    void take_events(End& end) {
        while (const auto event = end.node->poll_event()) {
            const auto* message = std::get_if<node::MessageReceived>(&*event);
            if (message == nullptr) continue;
            ++messages;
            if (!answers_to || &end != &ends_[1]) continue;
            EXPECT_TRUE(end.node->send(now_, *answers_to, {.channel = 1, .bytes = message->bytes}));
        }
    }

    std::array<End, 2> ends_;
    Instant now_;
};

class Allocations : public ::testing::Test {
  protected:
    void SetUp() override {
        town_.emplace(1);
        alice_ = &town_->add_peer("alice", town_->home("a", "open"));
        bob_ = &town_->add_peer("bob", town_->home("b", "open"));
        ASSERT_TRUE(town_->register_all());
        town_->connect(*alice_, *bob_);
        ASSERT_TRUE(
            town_->run_until([&] { return alice_->is_direct() && bob_->is_direct(); }, 10s));
        // Whatever a new connection still has to say.
        town_->run_for(10s);
        ferry_.emplace(*alice_, *bob_, town_->lab().now());
        peer_ = alice_->node().peers().at(0).peer;
    }

    /// Sends messages of `size` bytes until `count` arrived.
    void carry(std::size_t size, std::size_t count) {
        const ByteVector message(size, std::byte{0x5a});
        const std::size_t end = ferry_->messages + count;
        for (int rounds = 0; ferry_->messages < end; ++rounds) {
            ASSERT_LT(rounds, 100'000) << "nothing moves";
            for (int i = 0; i < 400 && unacknowledged_ + size <= kAhead; ++i) send(message);
            ferry_->round();
            unacknowledged_ = acknowledged_lately() ? 0 : unacknowledged_;
        }
    }

    static constexpr std::size_t kAhead = 256 * 1024;

    void send(Bytes message) {
        if (alice_->node().send(ferry_->now(), peer_, {.channel = 1, .bytes = message})) {
            unacknowledged_ += message.size();
        }
    }
    // `status` allocates nothing but the ids that it copies, which fit into the string itself.
    [[nodiscard]] bool acknowledged_lately() {
        return alice_->node().status(peer_)->bytes_unacknowledged == 0;
    }

    /// What `carry` costs, per datagram and in total, once everything has its working size.
    void expect_none(std::size_t size, std::size_t count) {
        for (int i = 0; i < 3; ++i) carry(size, count);
        const std::uint64_t ours = allocations - ferry_->in_timeouts;
        const std::uint64_t enets = reliable::enet_allocations();
        const std::size_t datagrams = ferry_->datagrams;
        carry(size, count);
        const std::size_t carried = ferry_->datagrams - datagrams;
        EXPECT_GT(carried, 1000U);
        // The one message that this test makes, and nothing else.
        EXPECT_EQ(allocations - ferry_->in_timeouts - ours, 1U) << "in " << carried << " datagrams";
        RecordProperty("datagrams", static_cast<int>(carried));
        EXPECT_EQ(reliable::enet_allocations() - enets, 0U) << "in " << carried << " datagrams";
    }

    std::optional<Town> town_;
    Peer* alice_ = nullptr;
    Peer* bob_ = nullptr;
    std::optional<Ferry> ferry_;
    node::PeerNumber peer_;
    std::size_t unacknowledged_ = 0;
};

TEST_F(Allocations, TheCounterCounts) {
    const std::uint64_t before = allocations;
    const auto one = std::make_unique<int>(1);
    EXPECT_EQ(allocations, before + 1);
    EXPECT_EQ(*one, 1);
}

TEST_F(Allocations, LargeMessagesCostNonePerDatagram) {
    ferry_->datagram_max = 1472;
    expect_none(std::size_t{64} * 1024, 100);
    EXPECT_EQ(ferry_->longest, 1472U);
}

TEST_F(Allocations, LargeMessagesInJumboFramesCostNonePerDatagram) {
    expect_none(std::size_t{64} * 1024, 100);
    EXPECT_EQ(ferry_->longest, kUdpPayloadProbed);
}

TEST_F(Allocations, SmallMessagesCostNonePerDatagram) {
    expect_none(64, 40'000);
}

TEST_F(Allocations, MessagesOfOneDatagramCostNonePerDatagram) {
    expect_none(1000, 4'000);
}

TEST_F(Allocations, MessagesThatAreSentTogetherShareDatagrams) {
    carry(64, 8'000);
    // Sixteen fit into one, and two such are acknowledged by another.
    EXPECT_GT(ferry_->messages, 9 * ferry_->datagrams);
}

TEST_F(Allocations, AnAnswerSharesItsDatagramWithTheAcknowledgement) {
    carry(64, 100);
    for (int i = 0; i < 10; ++i) ferry_->round();
    ferry_->answers_to = bob_->node().peers().at(0).peer;
    const std::size_t datagrams = ferry_->datagrams;
    const std::size_t messages = ferry_->messages;
    send(ByteVector(64));
    for (int i = 0; i < 10; ++i) ferry_->round();
    EXPECT_EQ(ferry_->messages - messages, 2U);
    // The question, the answer, and the acknowledgement of that.
    EXPECT_EQ(ferry_->datagrams - datagrams, 3U);
}

TEST_F(Allocations, DatagramsLeaveInRuns) {
    carry(std::size_t{64} * 1024, 100);
    EXPECT_GT(ferry_->datagrams, 2 * ferry_->runs);
}

TEST(SocketAllocations, SendingAndReceivingRunsCostsNone) {
    const Endpoint any{IpAddress::v4(0x7f000001), 0};
    net::UdpSocket receiver = net::UdpSocket::open(any);
    net::UdpSocket sender = net::UdpSocket::open(any);
    net::ReceiveArena arena;
    net::SendBatch batch;
    const ByteVector run(32 * std::size_t{1232}, std::byte{0x5a});
    std::size_t received = 0;
    const std::uint64_t before = allocations;
    for (int i = 0; i < 200; ++i) {
        sender.enqueue(batch,
                       {.path = {kSocketV4, receiver.local()}, .bytes = run, .segment_size = 1232});
        sender.flush(batch);
        for (const net::Received& in : receiver.receive(arena)) {
            for_each_datagram(in.bytes, in.segment_size, [&](Bytes) { ++received; });
        }
    }
    EXPECT_EQ(allocations, before);
    EXPECT_GT(received, 1000U);
}

}  // namespace
}  // namespace pinhole::lab
