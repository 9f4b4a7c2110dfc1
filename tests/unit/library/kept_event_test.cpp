#include "shared/library/kept_event.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "shared/traversal/action.hpp"
#include "tests/support/seeded_random.hpp"

namespace pinhole::library {
namespace {

using node::CloseReason;
using node::PathState;
using node::PeerNumber;
using node::ServerTrouble;
using testing::HasSubstr;

class KeptEvents : public testing::Test {
  protected:
    KeptEvents() { peer_ = node_.connect(Instant{1s}, alice_, true); }

    const pinhole_event& show(const node::NodeEvent& event) {
        kept_.emplace(event, node_);
        return kept_->shown();
    }

    test::SeededRandom random_{1};
    node::Id alice_ = *wire::Id::parse("alice");
    node::Node node_{{.id = *wire::Id::parse("bob"), .keys = crypto::KeyPair::generate(random_)},
                     random_};
    PeerNumber peer_;
    std::optional<KeptEvent> kept_;
};

// C's numbers are those of the C++ sets: a set that grows must grow here.
TEST_F(KeptEvents, HaveACodeForEachReason) {
    for (int i = 0; i <= static_cast<int>(CloseReason::kRefused); ++i) {
        const auto reason = static_cast<CloseReason>(i);
        const pinhole_event& event = show(node::ConnectFailed{peer_, alice_, reason, false});
        EXPECT_EQ(event.type, PINHOLE_EVENT_CONNECT_FAILED);
        EXPECT_EQ(event.as.end.reason, i);
        EXPECT_EQ(event.as.end.text, node::name_of(reason));
    }
}

TEST_F(KeptEvents, HaveACodeForEachTroubleAndWordsForIt) {
    std::set<std::string> texts;
    for (int i = 0; i <= static_cast<int>(ServerTrouble::kShutdown); ++i) {
        const auto trouble = static_cast<ServerTrouble>(i);
        const pinhole_event& event = show(node::ServerLost{trouble, {}});
        EXPECT_EQ(event.type, PINHOLE_EVENT_SERVER_LOST);
        EXPECT_EQ(event.as.server_lost.trouble, i);
        EXPECT_STRNE(event.as.server_lost.text, "");
        texts.insert(event.as.server_lost.text);
    }
    EXPECT_EQ(texts.size(), static_cast<std::size_t>(ServerTrouble::kShutdown) + 1);
}

TEST_F(KeptEvents, ShowTheKeyThatAServerHasNow) {
    const crypto::PublicKey key = node_.key();
    const pinhole_event& event = show(node::ServerLost{ServerTrouble::kKeyChanged, key});
    EXPECT_THAT(event.as.server_lost.text, HasSubstr(key.to_string("rv")));
}

TEST_F(KeptEvents, HaveACodeForEachPath) {
    for (int i = 0; i <= static_cast<int>(PathState::kLost); ++i) {
        const auto state = static_cast<PathState>(i);
        const pinhole_event& event =
            show(node::PathChanged{.peer = peer_, .state = state, .remote = {}});
        EXPECT_EQ(event.type, PINHOLE_EVENT_PATH);
        EXPECT_EQ(event.as.path.state, i);
        EXPECT_EQ(event.as.path.state_text, traversal::name_of(state));
        EXPECT_STREQ(event.as.path.remote, "");
    }
}

TEST_F(KeptEvents, SayWhereAndWhy) {
    const pinhole_event& event = show(node::PathChanged{.peer = peer_,
                                                        .state = PathState::kDirect,
                                                        .reason = node::Reason::kSelected,
                                                        .remote = Endpoint::parse("192.0.2.1:7"),
                                                        .round_trip_time = 1234us});
    EXPECT_STREQ(event.as.path.remote, "192.0.2.1:7");
    EXPECT_STREQ(event.as.path.reason, "selected");
    EXPECT_STREQ(event.as.path.text, "both sides send directly");
    EXPECT_EQ(event.as.path.round_trip_us, 1234U);
}

TEST_F(KeptEvents, BoundWhatDoesNotFitIntoTheNumberOfC) {
    EXPECT_EQ(show(node::PathChanged{.peer = peer_, .remote = {}, .round_trip_time = 2h})
                  .as.path.round_trip_us,
              UINT32_MAX);
}

TEST_F(KeptEvents, KeepACopyOfTheBytesAndNameTheSender) {
    ByteVector bytes = to_vector(as_bytes("hello"));
    const pinhole_event& event = show(node::MessageReceived{peer_, 9, bytes});
    std::ranges::fill(bytes, std::byte{0});
    EXPECT_EQ(event.type, PINHOLE_EVENT_MESSAGE);
    EXPECT_EQ(event.peer, peer_.value());
    EXPECT_STREQ(event.id, "alice");
    EXPECT_EQ(event.as.message.channel, 9);
    EXPECT_EQ(
        as_text({static_cast<const std::byte*>(event.as.message.data), event.as.message.size}),
        "hello");
}

TEST_F(KeptEvents, NameAPeerWithTheLongestId) {
    const std::string longest(node::Id::kSizeMax, 'x');
    const pinhole_event& event =
        show(node::CallRefused{.id = *wire::Id::parse(longest), .key = node_.key()});
    EXPECT_EQ(event.type, PINHOLE_EVENT_CALL_REFUSED);
    EXPECT_EQ(event.peer, 0U);
    EXPECT_EQ(event.id, longest);
    EXPECT_EQ(event.as.identity.key, node_.key().to_string());
}

TEST_F(KeptEvents, TellWhetherTheNumberLivesOn) {
    EXPECT_EQ(show(node::PeerClosed{peer_, alice_, CloseReason::kPeerRestarted}).as.end.gone, 0);
    EXPECT_EQ(show(node::PeerClosed{peer_, alice_, CloseReason::kDone}).as.end.gone, 1);
    EXPECT_EQ(show(node::ConnectFailed{peer_, alice_, CloseReason::kDone, true}).as.end.gone, 0);
    EXPECT_EQ(show(node::ConnectFailed{peer_, alice_, CloseReason::kDone, false}).as.end.gone, 1);
}

TEST_F(KeptEvents, ShowBothKeysOfAMismatch) {
    const crypto::PublicKey other = crypto::KeyPair::generate(random_).public_key;
    const pinhole_event& event = show(node::KeyMismatch{peer_, alice_, node_.key(), other, false});
    EXPECT_EQ(event.type, PINHOLE_EVENT_KEY_MISMATCH);
    EXPECT_EQ(event.as.mismatch.pinned, node_.key().to_string());
    EXPECT_EQ(event.as.mismatch.announced, other.to_string());
}

TEST_F(KeptEvents, TellOfRegistrationOverTcpWithoutAnObservedAddress) {
    const node::Registered registered{.server = *Endpoint::parse("[2001:db8::1]:3478"),
                                      .observed = {},
                                      .server_key = node_.key(),
                                      .over_tcp = true};
    const pinhole_event& event = show(registered);
    EXPECT_EQ(event.type, PINHOLE_EVENT_REGISTERED);
    EXPECT_STREQ(event.as.registered.server, "[2001:db8::1]:3478");
    EXPECT_STREQ(event.as.registered.observed, "");
    EXPECT_EQ(event.as.registered.server_key, node_.key().to_string("rv"));
    EXPECT_EQ(event.as.registered.over_tcp, 1);
}

TEST_F(KeptEvents, LeaveOutWhatTheRegistrationTellsAgain) {
    EXPECT_FALSE(KeptEvent::is_shown(node::ServerProven{node_.key()}));
    EXPECT_TRUE(KeptEvent::is_shown(node::RoomToSend{peer_}));
    EXPECT_EQ(show(node::RoomToSend{peer_}).type, PINHOLE_EVENT_ROOM);
}

TEST_F(KeptEvents, NameEverybodyInARoom) {
    node::RoomMembers room{.room = *wire::Id::parse("garden"), .members = {}};
    EXPECT_EQ(show(room).as.members.count, 0U);
    for (const char* id : {"bob", "carol", "dave"}) {
        room.members.push_back({.id = *wire::Id::parse(id), .key = node_.key()});
    }
    const pinhole_event& event = show(room);
    EXPECT_EQ(event.type, PINHOLE_EVENT_MEMBERS);
    EXPECT_STREQ(event.as.members.room, "garden");
    ASSERT_EQ(event.as.members.count, 3U);
    EXPECT_STREQ(event.as.members.list[0].id, "bob");
    EXPECT_STREQ(event.as.members.list[2].id, "dave");
    EXPECT_EQ(event.as.members.list[2].key, node_.key().to_string());
}

TEST_F(KeptEvents, HaveACodeForEachTroubleWithARoom) {
    for (int i = 0; i <= static_cast<int>(node::RoomTrouble::kNoAnswer); ++i) {
        const auto why = static_cast<node::RoomTrouble>(i);
        const pinhole_event& event = show(node::RoomRefused{*wire::Id::parse("garden"), why});
        EXPECT_EQ(event.type, PINHOLE_EVENT_ROOM_REFUSED);
        EXPECT_STREQ(event.as.room_refused.room, "garden");
        EXPECT_EQ(event.as.room_refused.trouble, i);
        EXPECT_EQ(event.as.room_refused.text, node::name_of(why));
    }
}

}  // namespace
}  // namespace pinhole::library
