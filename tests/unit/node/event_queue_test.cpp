#include "shared/node/event_queue.hpp"

#include <string>

#include <gtest/gtest.h>

namespace pinhole::node {
namespace {

constexpr PeerNumber kBob{7};

int alive = 0;

/// A message whose memory is counted.
reliable::OwnedMessage owned(std::string_view text) {
    ++alive;
    auto* const copy = new std::string{text};
    return {.bytes = as_bytes(*copy), .memory = {copy, [](void* memory) {
                                                     --alive;
                                                     delete static_cast<std::string*>(memory);
                                                 }}};
}

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
    queue.push_message(kBob, 1, owned("one"));
    PathChanged changed{};
    changed.peer = kBob;
    queue.emplace_back(changed);
    queue.push_message(kBob, 2, owned("two"));
    EXPECT_EQ(next_text(queue), "one");
    EXPECT_TRUE(std::holds_alternative<PathChanged>(*queue.poll()));
    EXPECT_EQ(next_text(queue), "two");
    EXPECT_FALSE(queue.poll());
}

TEST(EventQueue, AMessageStaysUntilTheNextPollWhateverIsRaisedMeanwhile) {
    EventQueue queue;
    queue.push_message(kBob, 1, owned("first"));
    const auto event = queue.poll();
    for (int i = 0; i < 100; ++i) queue.push_message(kBob, 1, owned("later"));
    EXPECT_EQ(as_text(std::get<MessageReceived>(*event).bytes), "first");
    for (int i = 0; i < 100; ++i) EXPECT_EQ(next_text(queue), "later");
}

TEST(EventQueue, ReleasesAMessageAtThePollAfterItsOwn) {
    alive = 0;
    {
        EventQueue queue;
        for (int i = 0; i < 3; ++i) queue.push_message(kBob, 1, owned("x"));
        EXPECT_EQ(alive, 3);
        for (int left : {3, 2, 1}) {
            EXPECT_EQ(next_text(queue), "x");
            EXPECT_EQ(alive, left);
        }
        EXPECT_FALSE(queue.poll());
        EXPECT_EQ(alive, 0);
        queue.push_message(kBob, 1, owned("nobody asks for it"));
    }
    EXPECT_EQ(alive, 0);
}

}  // namespace
}  // namespace pinhole::node
