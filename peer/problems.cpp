#include "peer/problems.hpp"

#include <fmt/format.h>

#include "peer/text_sanitizer.hpp"

namespace pinhole::peer {
namespace {

using node::CloseReason;
using node::ServerTrouble;

/// The port and the one after it, for a firewall.
std::string ports_of(const std::string& via) {
    const std::string port = via.substr(via.rfind(':') + 1);
    return fmt::format("{}:{}", port, std::stoul(port) + 1);
}

Problem server_key_changed(const ServerTroubleFacts& facts) {
    const auto text_of = [](const crypto::PublicKey& key) {
        return key.to_string(crypto::kServerKeyPrefix);
    };
    const std::string known =
        facts.known
            ? fmt::format("known since {}: {}", facts.known->first_seen, text_of(facts.known->key))
            : "the key of the first contact was another";
    const std::string shown = facts.shown ? text_of(*facts.shown) : "rv:KEY";
    return {ExitCode::kIdentity,
            fmt::format("rendezvous {0} shows another key; somebody may be in between, or it was "
                        "set up anew\n  {1}; shown now: {2}\n"
                        "  if the new key is right: peer trust replace {0} {2}",
                        facts.via, known, shown)};
}

}  // namespace

Problem name_not_resolved(const std::string& sentence) {
    return {ExitCode::kRendezvousUnreachable, sanitized(sentence)};
}

Problem server_trouble(const ServerTroubleFacts& facts) {
    switch (facts.trouble) {
        case ServerTrouble::kNoAnswer:
            return {
                ExitCode::kRendezvousUnreachable,
                fmt::format("rendezvous {} did not answer (UDP)\n  is the address right, and "
                            "does it run there? On the server: sudo ufw allow {}/udp\n  if this "
                            "network blocks UDP: the server takes TCP with rendezvous --tcp",
                            facts.via, ports_of(facts.via))};
        case ServerTrouble::kKeyChanged: return server_key_changed(facts);
        case ServerTrouble::kIdTaken:
            return {ExitCode::kIdentity,
                    fmt::format("the name {} belongs to another key at {}\n  choose another one: "
                                "peer --id NAME ; or bring the key file of the first machine here",
                                facts.self, facts.via)};
        case ServerTrouble::kReplaced:
            return {
                ExitCode::kOther,
                fmt::format("another process with the key of {} took over at {}\n  a copied key "
                            "file? Give this machine its own name: peer --id NAME",
                            facts.self, facts.via)};
        case ServerTrouble::kFlapping:
            return {ExitCode::kOther,
                    fmt::format("two processes with the key of {} displace each other at {}\n  end "
                                "one of them, or give it its own name: peer --id NAME",
                                facts.self, facts.via)};
        case ServerTrouble::kStorage:
            return {
                ExitCode::kOther,
                fmt::format("rendezvous {} cannot store new names\n  tell who runs it: its disk "
                            "may be full; trying again",
                            facts.via)};
        case ServerTrouble::kLimit:
            return {ExitCode::kRefused,
                    fmt::format(
                        "rendezvous {} refused: too many requests from here\n  many peers behind "
                        "this address, or a script that starts again and again? Trying again "
                        "later",
                        facts.via)};
        case ServerTrouble::kShutdown:
            return {ExitCode::kRendezvousUnreachable,
                    fmt::format("rendezvous {} is shutting down; coming back to it when it does",
                                facts.via)};
    }
    return {};
}

Problem peer_key_changed(const KeyChange& change) {
    return {
        ExitCode::kIdentity,
        fmt::format("{0} shows another key; somebody else may have the name now, or {0} was set "
                    "up anew\n  known since {1}: {2}; shown now: {3}\n"
                    "  if {0} confirms the new key: peer trust replace {4} {3}",
                    change.name.id, change.known.first_seen, change.known.key, change.announced,
                    change.word)};
}

Problem not_connected(const Id& peer, CloseReason reason, const std::string& via) {
    switch (reason) {
        case CloseReason::kUnknownPeer:
        case CloseReason::kDone:
        case CloseReason::kLocal:
        case CloseReason::kPeerRestarted:
            return {ExitCode::kPeerOffline,
                    fmt::format("{0} is not online at {1}, or takes no calls of yours\n  on its "
                                "machine run: peer --id {0} --via {1} ; or wait here with --wait",
                                peer, via)};
        case CloseReason::kUnreachable:
            return {ExitCode::kPeerOffline,
                    fmt::format("{0} is registered at {1} but does not answer it; it may have just "
                                "lost its network\n  try again, or wait here with --wait",
                                peer, via)};
        case CloseReason::kKeyMismatch:
            return {ExitCode::kIdentity,
                    fmt::format("the key of {} is not the one that we know\n  "
                                "somebody else has the name, or it was set up anew; the known "
                                "one: peer trust list",
                                peer)};
        case CloseReason::kGroupKey:
            return {
                ExitCode::kIdentity,
                fmt::format("{} has another group key, or none\n  both sides need the same file: "
                            "peer --psk-file FILE",
                            peer)};
        case CloseReason::kNoAnswer:
            return {ExitCode::kTimeout,
                    fmt::format("{0} was found at {1}, but its answer does not get through\n  try "
                                "again; on its machine: peer ping NAME --via {1}",
                                peer, via)};
        case CloseReason::kRefused:
            return {ExitCode::kRefused,
                    fmt::format("rendezvous {} refused the call to {}: too many requests\n  wait a "
                                "minute and try again",
                                via, peer)};
    }
    return {};
}

Problem room_refused(const Id& room, node::RoomTrouble why, const std::string& via) {
    switch (why) {
        case node::RoomTrouble::kFull:
            return {ExitCode::kRefused,
                    fmt::format("room {} is full\n  choose another one, or wait here with --wait "
                                "until somebody leaves",
                                room)};
        case node::RoomTrouble::kLimit:
            return {ExitCode::kRefused,
                    fmt::format("rendezvous {} does not let us into room {}: too many rooms, or "
                                "too many joins from here\n  wait a minute and try again",
                                via, room)};
        case node::RoomTrouble::kNoAnswer:
            return {ExitCode::kTimeout,
                    fmt::format("rendezvous {} knows no rooms\n  it is an older one; name the "
                                "peers instead: peer --via {} NAME...",
                                via, via)};
    }
    return {};
}

Problem nobody_in_room(const Id& room, const std::string& via) {
    return {ExitCode::kPeerOffline,
            fmt::format("nobody is in room {0} at {1}, or nobody takes calls of ours\n  on another "
                        "machine run: peer --id NAME --via {1} --room {0} ; or wait here with "
                        "--wait",
                        room, via)};
}

Problem room_message_timed_out(const Id& room, std::size_t unconfirmed) {
    return {ExitCode::kTimeout,
            unconfirmed > 0
                ? fmt::format("{} of room {} did not confirm the message in time\n  give them "
                              "longer: --timeout SECONDS",
                              unconfirmed, room)
                : fmt::format("nobody came to room {} in time, nothing was sent\n  give them "
                              "longer: --timeout SECONDS",
                              room)};
}

Problem message_timed_out(const Id& peer, bool was_connected) {
    return {
        ExitCode::kTimeout,
        was_connected
            ? fmt::format("{0} did not confirm the message in time; it may or may not have been "
                          "shown\n  look at the path: peer ping {0}",
                          peer)
            : fmt::format("no connection to {0} in time, nothing was sent\n  try: peer ping {0}"
                          " ; or give it longer: --timeout SECONDS",
                          peer)};
}

Problem ping_timed_out(const Id& peer, bool was_connected) {
    return {
        ExitCode::kTimeout,
        was_connected
            ? fmt::format("{0} is connected, but does not answer\n  is its machine asleep, or its "
                          "process stopped? Give it longer: --timeout SECONDS",
                          peer)
            : fmt::format("{0} did not answer\n  is `peer --id {0}` still running there? Give it "
                          "longer: --timeout SECONDS",
                          peer)};
}

Problem only_a_relay(const Id& peer, std::string_view why) {
    return {ExitCode::kOnlyRelay,
            fmt::format("{} is reached by the relay only: {}\n  texts get through all the same; "
                        "a direct path needs one side to open UDP or to have IPv6",
                        peer, why)};
}

}  // namespace pinhole::peer
