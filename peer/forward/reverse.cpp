#include "peer/forward/reverse.hpp"

#include <utility>

namespace pinhole::peer {
namespace {

/// The listeners that a peer asked for, as long as its question stands.
class ReverseEntrance final : public Link {
  public:
    explicit ReverseEntrance(std::shared_ptr<Entrance> entrance) : entrance_(std::move(entrance)) {}

    void on_closed() override { entrance_->close(); }
    void on_lost(StreamEnd /*why*/) override { entrance_->close(); }
    void on_data(Bytes /*bytes*/) override {}
    void stop() override { entrance_->close(); }

  private:
    std::shared_ptr<Entrance> entrance_;
};

}  // namespace

void answer_reverse(Desk& desk, Links& reverses, const AllowList& rules, const StreamName& stream,
                    std::string_view argument) {
    Carried what{.peer = stream.peer, .target = std::string{argument}};
    const auto refuse = [&](Refusal reason, const std::string& text) {
        reverses.hub().refuse(stream, reason, text);
        desk.refused(what, text);
    };
    const auto spec = parse_forward_spec(argument);
    if (!spec) return refuse(Refusal::kFailed, "that is no forward");
    what.transport = spec->transport;
    if (reverses.count(stream.peer) >= kReversesMax) {
        return refuse(Refusal::kBusy, "too many listeners");
    }
    std::vector<Endpoint> endpoints = spec->endpoints();
    std::erase_if(endpoints, [&](const Endpoint& endpoint) { return !rules.allows(endpoint); });
    if (endpoints.empty()) {
        return refuse(Refusal::kNotAllowed, "no --allow-bind covers it");
    }
    const auto entrance = Entrance::open(desk, stream.peer, *spec, endpoints);
    if (!entrance) return refuse(Refusal::kFailed, entrance.error());
    reverses.put(stream, std::make_shared<ReverseEntrance>(*entrance));
    reverses.hub().accept(stream);
    desk.listening(stream.peer, *spec, true);
}

}  // namespace pinhole::peer
