#include "tests/unit/wire/describe.hpp"

#include "tests/unit/wire/vectors.hpp"

namespace pinhole::wire::test {
namespace {

using nlohmann::json;

json text_of(const std::optional<Endpoint>& endpoint) {
    return endpoint ? json(endpoint->to_string()) : json(nullptr);
}

json text_of(const CandidateList& candidates) {
    json out = json::array();
    for (const Candidate& candidate : candidates) {
        out.push_back({{"type", static_cast<int>(candidate.type)},
                       {"endpoint", candidate.endpoint.to_string()},
                       {"proof", candidate.proof ? json(to_hex(*candidate.proof)) : json()}});
    }
    return out;
}

json text_of(const Id& id) {
    return std::string{id.text()};
}

json text_of(const NatBehavior& behavior) {
    return {{"mapping", static_cast<int>(behavior.mapping)},
            {"filtering", static_cast<int>(behavior.filtering)},
            {"allocation", static_cast<int>(behavior.allocation)},
            {"has_low_ports", behavior.has_low_ports},
            {"refuses_sprays", behavior.refuses_sprays},
            {"is_udp_blocked", behavior.is_udp_blocked},
            {"step", behavior.step},
            {"first_port", behavior.first_port},
            {"last_port", behavior.last_port},
            {"newest_port", behavior.newest_port}};
}

}  // namespace

json describe(const BindingRequest& message) {
    return {{"wants_server_key", message.wants_server_key},
            {"from_other_port", message.from_other_port},
            {"from_other_address", message.from_other_address},
            {"transaction", to_hex(message.transaction)},
            {"cookie", to_hex(message.cookie)},
            {"answer_to", text_of(message.answer_to)}};
}

json describe(const BindingResponse& message) {
    json others = json::array();
    for (const Endpoint& other : message.other_endpoints) others.push_back(other.to_string());
    return {{"transaction", to_hex(message.transaction)},
            {"mapped", message.mapped.to_string()},
            {"cookie", to_hex(message.cookie)},
            {"other_endpoints", others},
            {"server_key", message.server_key ? json(to_hex(*message.server_key)) : json()}};
}

json describe(const HandshakeInitiation& message) {
    return {{"sender", message.sender.value()}, {"nonce_tag", to_hex(message.nonce_tag)},
            {"noise", to_hex(message.noise)},   {"mac1", to_hex(message.mac1)},
            {"cookie", to_hex(message.cookie)}, {"covered", to_hex(message.covered)}};
}

json describe(const HandshakeResponse& message) {
    return {{"sender", message.sender.value()},
            {"receiver", message.receiver.value()},
            {"noise", to_hex(message.noise)},
            {"mac1", to_hex(message.mac1)},
            {"covered", to_hex(message.covered)}};
}

json describe(const Retry& message) {
    return {{"receiver", message.receiver.value()}, {"cookie", to_hex(message.cookie)}};
}

json describe(const HandshakePayload& payload) {
    return {{"features", payload.features},
            {"incarnation", fmt::format("{:016x}", payload.incarnation.value())},
            {"enet", to_hex(payload.enet)}};
}

json describe(const TransportHeader& header) {
    return {{"receiver", header.receiver.value()},
            {"counter", fmt::format("{:016x}", header.counter)}};
}

json describe(const Opener& message) {
    return {{"mac", to_hex(message.mac)}};
}

json describe(const Gone& message) {
    return {{"index", message.index.value()}, {"token", to_hex(message.token)}};
}

json describe(const StunRequest& request) {
    return {{"transaction", to_hex(request.transaction)},
            {"has_fingerprint", request.has_fingerprint}};
}

json describe(const Id& id) {
    return {{"text", text_of(id)}};
}

json describe(const Keepalive& frame) {
    return {{"frame", "keepalive"},
            {"wants_ack", frame.wants_ack},
            {"is_ack", frame.is_ack},
            {"sequence", frame.sequence},
            {"observed", text_of(frame.observed)}};
}

json describe(const Challenge& frame) {
    return {{"frame", "challenge"},
            {"id", to_hex(frame.id)},
            {"selected", frame.selected},
            {"padding", frame.padding}};
}

json describe(const Response& frame) {
    return {{"frame", "response"}, {"id", to_hex(frame.id)}};
}

json describe(const Rekey& frame) {
    return {{"frame", "rekey"},
            {"step", static_cast<int>(frame.step)},
            {"sender", frame.sender.value()},
            {"receiver", frame.receiver.value()},
            {"noise", to_hex(frame.noise)}};
}

json describe(const Close& frame) {
    return {{"frame", "close"},
            {"reason", static_cast<int>(frame.reason)},
            {"rejoin_window_s", frame.rejoin_window_s}};
}

json describe(const EnetFrame& frame) {
    return {{"frame", "enet"}, {"datagram", to_hex(frame.datagram)}};
}

json describe(const CandidatesFrame& frame) {
    return {{"frame", "candidates"}, {"candidates", text_of(frame.candidates)}};
}

json describe(const Part& frame) {
    return {{"frame", "part"},
            {"id", frame.id},
            {"index", frame.index},
            {"count", frame.count},
            {"piece", to_hex(frame.piece)}};
}

json describe(const SprayOk& frame) {
    return {{"frame", "spray_ok"},
            {"datagrams", frame.datagrams},
            {"behavior", text_of(frame.nat.behavior)},
            {"external", text_of(frame.nat.external)}};
}

json describe(const NatBehaviorFrame& frame) {
    return {{"frame", "nat_behavior"},
            {"behavior", text_of(frame.behavior)},
            {"external", text_of(frame.external)}};
}

json describe(const Register& frame) {
    return {{"frame", "register"},
            {"request", frame.request},
            {"accept", static_cast<int>(frame.accept)},
            {"id", text_of(frame.id)},
            {"behavior", text_of(frame.behavior)}};
}

json describe(const Connect& frame) {
    return {{"frame", "connect"},
            {"nonce", to_hex(frame.nonce)},
            {"resume", frame.resume},
            {"target", text_of(frame.target)},
            {"candidates", text_of(frame.candidates)},
            {"handshake", to_hex(frame.handshake)}};
}

json describe(const Accept& frame) {
    return {{"frame", "accept"},
            {"nonce", to_hex(frame.nonce)},
            {"candidates", text_of(frame.candidates)}};
}

json describe(const Refuse& frame) {
    return {{"frame", "refuse"}, {"nonce", to_hex(frame.nonce)}};
}

json describe(const Trickle& frame) {
    return {{"frame", "trickle"},
            {"nonce", to_hex(frame.nonce)},
            {"candidates", text_of(frame.candidates)}};
}

json describe(const Relay& frame) {
    return {
        {"frame", "relay"}, {"handle", frame.handle.value()}, {"message", to_hex(frame.message)}};
}

json describe(const Join& frame) {
    return {{"frame", "join"}, {"room", text_of(frame.room)}, {"version", frame.version}};
}

json describe(const Leave& frame) {
    return {{"frame", "leave"}, {"room", text_of(frame.room)}};
}

json describe(const Release& frame) {
    return {{"frame", "release"}, {"id", text_of(frame.id)}};
}

json describe(const Registered& frame) {
    return {{"frame", "registered"},
            {"request", frame.request},
            {"observed", text_of(frame.observed)},
            {"gone_token", to_hex(frame.gone_token)},
            {"rejoin_window_s", frame.rejoin_window_s}};
}

json describe(const Introduction& frame) {
    return {{"frame", "introduction"},
            {"role", static_cast<int>(frame.role)},
            {"nonce", to_hex(frame.nonce)},
            {"resume", frame.resume},
            {"answer_first", frame.answer_first},
            {"id", text_of(frame.id)},
            {"key", to_hex(frame.key)},
            {"handle", frame.handle.value()},
            {"technique", static_cast<int>(frame.technique)},
            {"fire_in_us", frame.fire_in_us},
            {"candidates", text_of(frame.candidates)},
            {"handshake", to_hex(frame.handshake)}};
}

json describe(const Members& frame) {
    json members = json::array();
    for (const Members::Member& member : frame.members) {
        members.push_back({{"id", text_of(member.id)}, {"key", to_hex(member.key)}});
    }
    return {{"frame", "members"},
            {"room", text_of(frame.room)},
            {"version", frame.version},
            {"members", members}};
}

json describe(const Error& frame) {
    return {{"frame", "error"},
            {"code", static_cast<int>(frame.code)},
            {"request", frame.request},
            {"nonce", to_hex(frame.nonce)},
            {"room", text_of(frame.room)}};
}

}  // namespace pinhole::wire::test
