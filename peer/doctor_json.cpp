#include "peer/doctor_json.hpp"

#include <cmath>

#include "peer/json_lines.hpp"
#include "peer/json_object.hpp"

namespace pinhole::peer::json {
namespace {

using wire::Allocation;
using wire::Dependence;

std::int64_t seconds(Duration duration) {
    return duration / Duration{1s};
}

std::string_view token_of(Dependence dependence) {
    switch (dependence) {
        case Dependence::kUnknown: return "unknown";
        case Dependence::kEndpointIndependent: return "endpoint_independent";
        case Dependence::kPortIndependent: return "port_independent";
        case Dependence::kAddressDependent: return "address_dependent";
        case Dependence::kAddressAndPortDependent: return "address_and_port_dependent";
    }
    return "?";
}

std::string_view token_of(Allocation allocation) {
    switch (allocation) {
        case Allocation::kUnknown: return "unknown";
        case Allocation::kPreserving: return "preserving";
        case Allocation::kSequential: return "sequential";
        case Allocation::kRandom: return "random";
    }
    return "?";
}

std::string_view token_of(MappingProtocol protocol) {
    switch (protocol) {
        case MappingProtocol::kPcp: return "pcp";
        case MappingProtocol::kNatPmp: return "nat_pmp";
        case MappingProtocol::kUpnp: return "upnp";
    }
    return "?";
}

std::string_view token_of(PortUnmapped::Reason reason) {
    switch (reason) {
        case PortUnmapped::Reason::kNoGateway: return "no_gateway";
        case PortUnmapped::Reason::kRefused: return "refused";
        case PortUnmapped::Reason::kDoubleNat: return "double_nat";
        case PortUnmapped::Reason::kTooShort: return "too_short";
        case PortUnmapped::Reason::kLost: return "lost";
    }
    return "?";
}

std::string_view token_of(node::MappingState state) {
    switch (state) {
        case node::MappingState::kOff: return "off";
        case node::MappingState::kNotNeeded: return "not_needed";
        case node::MappingState::kAsked: return "asked";
        case node::MappingState::kMapped: return "mapped";
        case node::MappingState::kUnmapped: return "none";
    }
    return "?";
}

Object behavior_of(const wire::NatBehavior& behavior) {
    Object object{{"mapping", token_of(behavior.mapping)},
                  {"filtering", token_of(behavior.filtering)},
                  {"allocation", token_of(behavior.allocation)}};
    if (behavior.allocation == Allocation::kSequential) object["step"] = behavior.step;
    if (behavior.first_port != 0) {
        object["first_port"] = behavior.first_port;
        object["last_port"] = behavior.last_port;
    }
    return object;
}

template <class Value>
void add_known(Object& object, const char* name, const std::optional<Value>& value) {
    if (value) object[name] = *value;
}

Object rendezvous_of(const DoctorReport& report) {
    Object object{{"via", report.via}, {"answers", report.server.has_value()}};
    if (!report.server) return object;
    object["server"] = report.server->address.to_string();
    if (report.server->observed) object["observed"] = report.server->observed->to_string();
    object["rtt_ms"] = milliseconds(report.server->round_trip_time);
    object["transport"] = report.server->over_tcp ? "tcp" : "udp";
    return object;
}

Object nat_of(const DoctorReport& report) {
    const auto& nat = report.nat;
    const NatClass kind = class_of(report);
    Object object{{"class", name_of(kind)}, {"words", words_of(kind)}};
    object.update(behavior_of(nat.behavior));
    if (nat.external) object["external"] = nat.external->to_string();
    add_known(object, "layers", nat_layers(report));
    add_known(object, "suffers_first_packet_race", nat.suffers_first_packet_race);
    add_known(object, "hairpins", nat.hairpins);
    add_known(object, "keeps_low_ports", nat.keeps_low_ports);
    if (nat.mapping_lifetime) object["lifetime_s"] = seconds(*nat.mapping_lifetime);
    object["complete"] = nat.is_complete;
    return object;
}

Object port_mapping_of(const node::PortMapping& mapping) {
    Object object{{"state", token_of(mapping.state)}};
    if (mapping.via) object["protocol"] = token_of(*mapping.via);
    if (mapping.external && mapping.external->port != 0) {
        object["external"] = mapping.external->to_string();
    } else if (mapping.external) {
        object["external"] = mapping.external->ip.to_string();
    }
    if (mapping.reason) object["reason"] = token_of(*mapping.reason);
    return object;
}

Object pair_of(const DoctorReport::Pair& pair) {
    Object object{{"peer", pair.peer.text()}, {"connected", pair.path.has_value()}};
    if (pair.path) {
        object["path"] = json::token_of(pair.path->state);
        if (pair.path->state == node::PathState::kDirect && pair.path->remote) {
            object["remote"] = pair.path->remote->to_string();
        }
        object["rtt_ms"] = milliseconds(pair.path->round_trip_time);
        object["reason"] = traversal::name_of(pair.path->reason);
        object["why"] = traversal::sentence_of(pair.path->reason);
    }
    if (pair.theirs) {
        object["nat"] = behavior_of(*pair.theirs);
        object["nat"]["class"] = name_of(class_of(*pair.theirs));
    }
    if (pair.plan) {
        object["technique"] = traversal::name_of(pair.plan->technique);
        object["technique_words"] = traversal::sentence_of(*pair.plan);
    }
    return object;
}

}  // namespace

std::string doctor(const DoctorReport& report) {
    Object object = begin("doctor");
    object["id"] = report.self.text();
    object["rendezvous"] = rendezvous_of(report);
    object["addresses"] = Object::array();
    for (const LocalAddress& address : report.addresses) {
        object["addresses"].push_back(
            {{"ip", address.ip.to_string()}, {"interface", address.interface_name}});
    }
    object["ipv6"] = public_v6(report).has_value();
    object["nat"] = nat_of(report);
    object["port_mapping"] = port_mapping_of(report.port_mapping);
    if (report.pair) object["pair"] = pair_of(*report.pair);
    object["advice"] = Object::array();
    for (const Advice& advice : advice_for(report)) {
        object["advice"].push_back({{"about", advice.about}, {"text", advice.text}});
    }
    return line(object);
}

}  // namespace pinhole::peer::json
