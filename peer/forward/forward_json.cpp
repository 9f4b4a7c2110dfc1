#include "peer/forward/forward_json.hpp"

#include <nlohmann/json.hpp>

namespace pinhole::peer::json {
namespace {

using Object = nlohmann::ordered_json;

std::string line(const Object& object) {
    constexpr int kCompact = -1;
    constexpr bool kEnsureAscii = true;
    return object.dump(kCompact, ' ', kEnsureAscii, Object::error_handler_t::replace);
}

void add(Object& object, const Carried& what) {
    object["peer"] = what.peer.text();
    object["transport"] = name_of(what.transport);
    object["target"] = what.target;
    object["way"] = what.is_ours ? "out" : "in";
}

}  // namespace

std::string forward_listening(const Id& peer, const ForwardSpec& spec, bool is_here) {
    Object object{{"v", 1}, {"event", "forward_listening"}};
    add(object, {.peer = peer,
                 .transport = spec.transport,
                 .target = text_of(spec.target),
                 .is_ours = is_here});
    object["entrance"] = spec.entrance();
    return line(object);
}

std::string forward_opened(const Carried& what) {
    Object object{{"v", 1}, {"event", "forward_opened"}};
    add(object, what);
    return line(object);
}

std::string forward_closed(const Carried& what, const Desk::Totals& totals) {
    Object object{{"v", 1}, {"event", "forward_closed"}};
    add(object, what);
    object["sent"] = totals.sent;
    object["received"] = totals.received;
    if (what.transport == Transport::kUdp) object["dropped"] = totals.dropped;
    return line(object);
}

std::string forward_refused(const Carried& what, std::string_view text) {
    Object object{{"v", 1}, {"event", "forward_refused"}};
    add(object, what);
    object["why"] = text;
    return line(object);
}

}  // namespace pinhole::peer::json
