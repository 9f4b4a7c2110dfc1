#include "peer/status_report.hpp"

#include <gtest/gtest.h>

namespace pinhole::peer {
namespace {

crypto::PublicKey key(std::uint8_t seed) {
    crypto::PublicKey out;
    out.raw.fill(std::byte{seed});
    return out;
}

node::PeerStatus peer_called(std::string_view id) {
    node::PeerStatus out;
    out.peer = node::PeerNumber{1};
    out.id = *node::Id::parse(id);
    return out;
}

StatusReport report() {
    node::PeerStatus bob = peer_called("bob");
    bob.key = key(2);
    bob.is_connected = true;
    bob.path = node::PathChanged{.peer = bob.peer,
                                 .state = node::PathState::kDirect,
                                 .reason = node::Reason::kSelected,
                                 .remote = Endpoint::parse("198.51.100.4:40112")};
    bob.sent = {.bytes_delivered = 9'000, .bytes_lost = 1'000, .round_trip_time = 12'340us};
    bob.bytes_received = 5 << 20;
    node::PeerStatus carol = bob;
    carol.id = *node::Id::parse("carol");
    carol.path->state = node::PathState::kRelay;
    carol.path->reason = node::Reason::kChecking;
    carol.path->remote.reset();
    carol.sent = {};
    return {.id = *node::Id::parse("alice"),
            .key = key(1),
            .pid = 42,
            .via = "vps.example:3478",
            .is_registered = true,
            .server = node::Registered{.server = *Endpoint::parse("203.0.113.7:3478"),
                                       .observed = Endpoint::parse("192.0.2.9:1234"),
                                       .server_key = key(3)},
            .streams = 2,
            .peers = {bob, carol, peer_called("dave")}};
}

TEST(StatusReport, IsALineForEachPeerAndAReasonForEachRelay) {
    const std::string text = status_text(report());
    EXPECT_NE(text.find("alice pk:"), std::string::npos);
    EXPECT_NE(text.find("rendezvous vps.example:3478: registered, sees us at 192.0.2.9:1234"),
              std::string::npos)
        << text;
    EXPECT_NE(text.find("  bob              direct 198.51.100.4:40112                  12.3 ms  "
                        "10.0 %    8.8 KiB    5.0 MiB\n"),
              std::string::npos)
        << text;
    EXPECT_NE(text.find("  carol            relay                                            -  "
                        "     -    0 bytes    5.0 MiB\n                   why: "),
              std::string::npos)
        << text;
    EXPECT_NE(text.find("  dave             waiting"), std::string::npos) << text;
    EXPECT_EQ(text.find('\x1b'), std::string::npos);
}

TEST(StatusReport, SaysWhenTheRendezvousIsGone) {
    StatusReport gone = report();
    gone.is_registered = false;
    gone.peers.clear();
    const std::string text = status_text(gone);
    EXPECT_NE(text.find("rendezvous vps.example:3478: not reached now\n"), std::string::npos);
    EXPECT_NE(text.find("nobody is connected\n"), std::string::npos);
}

TEST(StatusReport, SaysHowManyDatagramsWereDroppedIfAnyWere) {
    StatusReport busy = report();
    EXPECT_EQ(status_text(busy).find("dropped"), std::string::npos);
    busy.datagrams_dropped = 3;
    EXPECT_NE(status_text(busy).find("\n  3 datagrams of forwarded ports were dropped: "),
              std::string::npos)
        << status_text(busy);
    EXPECT_NE(status_json(busy).find(R"("datagrams_dropped":3,)"), std::string::npos);
}

TEST(StatusReport, IsOneLineOfJsonWithFixedNames) {
    StatusReport two = report();
    two.peers.resize(1);
    EXPECT_EQ(
        status_json(two),
        R"({"v":1,"event":"status","id":"alice","key":")" + key(1).to_string() +
            R"(","pid":42,"via":"vps.example:3478","registered":true,)"
            R"("server":"203.0.113.7:3478","server_key":")" +
            key(3).to_string(crypto::kServerKeyPrefix) +
            R"(","over_tcp":false,"observed":"192.0.2.9:1234","streams":2,"datagrams_dropped":0,"peers":[)"
            R"({"peer":"bob","key":")" +
            key(2).to_string() + R"(","connected":true,"path":"direct","reason":")" +
            std::string{traversal::name_of(node::Reason::kSelected)} + R"(","why":")" +
            std::string{traversal::sentence_of(node::Reason::kSelected)} +
            R"(","remote":"198.51.100.4:40112","rtt_ms":12.3,"loss_percent":10.0,)"
            R"("bytes_delivered":9000,"bytes_unacknowledged":0,"bytes_received":5242880}]})"
            "\n");
}

}  // namespace
}  // namespace pinhole::peer
