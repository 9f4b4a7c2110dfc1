#include "shared/node/event_queue.hpp"

#include <set>
#include <string>

#include <gtest/gtest.h>

namespace pinhole::node {
namespace {

constexpr PeerNumber kBob{7};

/// The text of the next event, which must be a message.
std::string next_text(EventQueue& queue) {
    const auto event = queue.poll();
    const auto* message = event ? std::get_if<MessageReceived>(&*event) : nullptr;
    if (message == nullptr) return "no message";
    EXPECT_EQ(message->peer, kBob);
    return std::string{as_text(message->bytes)};
}

TEST(EventQueue, KeepsEventsAndMessagesInOneOrder) {
    EventQueue queue;
    EXPECT_FALSE(queue.poll());
    queue.push_message(kBob, 1, as_bytes("one"));
    PathChanged changed{};
    changed.peer = kBob;
    queue.emplace_back(changed);
    queue.push_message(kBob, 2, as_bytes("two"));
    EXPECT_EQ(next_text(queue), "one");
    EXPECT_TRUE(std::holds_alternative<PathChanged>(*queue.poll()));
    EXPECT_EQ(next_text(queue), "two");
    EXPECT_FALSE(queue.poll());
}

TEST(EventQueue, AMessageStaysUntilTheNextPollWhateverIsRaisedMeanwhile) {
    EventQueue queue;
    queue.push_message(kBob, 1, as_bytes("first"));
    const auto event = queue.poll();
    for (int i = 0; i < 100; ++i) queue.push_message(kBob, 1, as_bytes("later"));
    EXPECT_EQ(as_text(std::get<MessageReceived>(*event).bytes), "first");
    for (int i = 0; i < 100; ++i) EXPECT_EQ(next_text(queue), "later");
}

TEST(EventQueue, UsesTheMemoryOfOneMessageForALaterOne) {
    EventQueue queue;
    const std::string text(1000, 'x');
    std::set<const std::byte*> places;
    for (int i = 0; i < 100; ++i) {
        queue.push_message(kBob, 1, as_bytes(text));
        places.insert(std::get<MessageReceived>(*queue.poll()).bytes.data());
    }
    // One is with whoever polled while the next one comes in.
    EXPECT_LE(places.size(), 2U);
}

}  // namespace
}  // namespace pinhole::node
