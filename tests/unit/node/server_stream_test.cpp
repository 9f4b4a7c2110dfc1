#include "shared/node/server_stream.hpp"

#include <gtest/gtest.h>

namespace pinhole::node {
namespace {

const Endpoint kV4 = *Endpoint::parse("198.51.100.10:3478");
const Endpoint kV6 = *Endpoint::parse("[2001:db8::10]:3478");

class ServerStreamTest : public ::testing::Test {
  protected:
    ServerStreamTest() { stream_.set_servers({kV4, kV6}); }

    void advance(Duration by) {
        const Instant end = now_ + by;
        while (stream_.next_timeout() <= end) {
            now_ = std::max(now_, stream_.next_timeout());
            stream_.handle_timeout(now_);
        }
        now_ = end;
    }
    /// What was asked for since the last call.
    std::vector<OpenStream> take_opens() {
        std::vector<OpenStream> out;
        while (const auto request = stream_.poll_io_request()) {
            if (const auto* open = std::get_if<OpenStream>(&*request)) out.push_back(*open);
            if (const auto* close = std::get_if<CloseSocket>(&*request)) {
                closed_.push_back(close->socket);
            }
        }
        return out;
    }
    std::vector<OpenStream> begin() {
        stream_.want(now_);
        advance({});
        return take_opens();
    }
    void refuse(const OpenStream& open) {
        stream_.handle_io_event(now_, StreamClosed{open.socket});
    }
    void answer(const OpenStream& open) {
        stream_.handle_io_event(
            now_, StreamOpened{.socket = open.socket, .local = {}, .remote = open.remote});
    }

    Instant now_{};
    ServerStream stream_;
    std::vector<SocketId> closed_;
};

TEST_F(ServerStreamTest, AsksForNothingUnlessItIsWanted) {
    advance(1min);
    EXPECT_TRUE(take_opens().empty());
    stream_.want(now_ + 2s);
    advance(2s - 1ms);
    EXPECT_TRUE(take_opens().empty());
    advance(1ms);
    EXPECT_EQ(take_opens().size(), 2U);
}

TEST_F(ServerStreamTest, KeepsTheFirstAddressThatAnswers) {
    const auto asked = begin();
    ASSERT_EQ(asked.size(), 2U);
    EXPECT_EQ(asked[0].remote, kV4);
    EXPECT_EQ(asked[1].remote, kV6);
    EXPECT_TRUE(is_stream(asked[0].socket));
    EXPECT_NE(asked[0].socket, asked[1].socket);
    answer(asked[1]);
    EXPECT_EQ(stream_.path(), (Path{asked[1].socket, kV6}));
    EXPECT_TRUE(stream_.take_opened());
    EXPECT_FALSE(stream_.take_opened());
    EXPECT_TRUE(take_opens().empty());
    EXPECT_EQ(closed_, std::vector{asked[0].socket});
    // An answer that crossed our closing changes nothing.
    answer(asked[0]);
    EXPECT_EQ(stream_.path()->socket, asked[1].socket);
    EXPECT_EQ(stream_.next_timeout(), kNever);
}

TEST_F(ServerStreamTest, TriesAgainAfterGrowingPauses) {
    auto asked = begin();
    for (const Duration pause : {1s, 2s, 4s, 8s, 16s, 30s, 30s}) {
        refuse(asked[0]);
        EXPECT_EQ(stream_.next_timeout(), now_ + kStreamOpenTime) << "the other one may answer";
        refuse(asked[1]);
        advance(pause - 1ms);
        EXPECT_TRUE(take_opens().empty());
        advance(1ms);
        asked = take_opens();
        ASSERT_EQ(asked.size(), 2U);
    }
    EXPECT_FALSE(stream_.take_closed());
}

TEST_F(ServerStreamTest, GivesUpOnSilence) {
    const auto asked = begin();
    advance(kStreamOpenTime);
    EXPECT_TRUE(take_opens().empty());
    EXPECT_EQ(closed_, (std::vector{asked[0].socket, asked[1].socket}));
    advance(kStreamPauseMin);
    const auto again = take_opens();
    ASSERT_EQ(again.size(), 2U);
    EXPECT_NE(again[0].socket, asked[0].socket) << "a name is never used twice";
}

TEST_F(ServerStreamTest, SaysWhenTheOpenOneEnds) {
    const auto asked = begin();
    answer(asked[0]);
    refuse(asked[0]);
    EXPECT_TRUE(stream_.take_closed());
    EXPECT_FALSE(stream_.take_closed());
    EXPECT_FALSE(stream_.path());
    EXPECT_EQ(stream_.next_timeout(), kNever)
        << "whether another one is wanted is not its business";
}

TEST_F(ServerStreamTest, AServerThatAcceptsAndHangsUpIsNotAskedFaster) {
    auto asked = begin();
    for (const Duration pause : {1s, 2s, 4s}) {
        answer(asked[0]);
        refuse(asked[0]);
        stream_.want(now_);
        EXPECT_EQ(stream_.next_timeout(), now_ + pause);
        advance(pause);
        asked = take_opens();
        ASSERT_EQ(asked.size(), 2U);
    }
    answer(asked[0]);
    stream_.confirm();
    refuse(asked[0]);
    stream_.want(now_);
    EXPECT_EQ(stream_.next_timeout(), now_ + kStreamPauseMin);
}

TEST_F(ServerStreamTest, ReleaseClosesWhateverThereIs) {
    auto asked = begin();
    stream_.release();
    EXPECT_EQ(stream_.next_timeout(), kNever);
    EXPECT_TRUE(take_opens().empty());
    EXPECT_EQ(closed_.size(), 2U);
    asked = begin();
    answer(asked[0]);
    stream_.release();
    EXPECT_FALSE(stream_.path());
    EXPECT_FALSE(stream_.take_opened());
    EXPECT_TRUE(take_opens().empty());
    EXPECT_EQ(closed_.back(), asked[0].socket);
}

}  // namespace
}  // namespace pinhole::node
