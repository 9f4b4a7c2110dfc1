#include "peer/forward/forward_json.hpp"

#include "peer/json_object.hpp"

namespace pinhole::peer::json {
namespace {

void add(Object& object, const Carried& what) {
    object["peer"] = what.peer.text();
    object["transport"] = name_of(what.transport);
    object["target"] = what.target;
    object["way"] = what.is_ours ? "out" : "in";
}

}  // namespace

std::string forward_listening(const Id& peer, const ForwardSpec& spec, bool is_here) {
    Object object = begin("forward_listening");
    add(object, {.peer = peer,
                 .transport = spec.transport,
                 .target = text_of(spec.target),
                 .is_ours = is_here});
    object["entrance"] = spec.entrance();
    return line(object);
}

std::string forward_opened(const Carried& what) {
    Object object = begin("forward_opened");
    add(object, what);
    return line(object);
}

std::string forward_closed(const Carried& what, const Desk::Totals& totals) {
    Object object = begin("forward_closed");
    add(object, what);
    object["sent"] = totals.sent;
    object["received"] = totals.received;
    if (what.transport == Transport::kUdp) object["dropped"] = totals.dropped;
    return line(object);
}

std::string forward_refused(const Carried& what, std::string_view text) {
    Object object = begin("forward_refused");
    add(object, what);
    object["why"] = text;
    return line(object);
}

}  // namespace pinhole::peer::json
