// The guessing half of `PeerLink`: what the agent needs of the node when plain checks are in vain.
#include "shared/node/peer_link.hpp"

namespace pinhole::node {

traversal::OurNat PeerLink::our_nat() const {
    const traversal::NatReport& report = shared_.nat.report();
    traversal::OurNat out{.behavior = report.behavior};
    out.behavior.refuses_sprays = !shared_.config.sprays;
    if (report.external && report.external->ip.is_v4()) out.external = report.external;
    out.opener_ttl = report.opener_ttl;
    return out;
}

void PeerLink::on_nat_changed(Instant now, bool is_asked_for) {
    agent_.set_nat(now, our_nat(), is_asked_for);
}

void PeerLink::on_lifetime_changed() {
    const traversal::NatReport& report = shared_.nat.report();
    std::optional<traversal::Lived> lived;
    if (report.mapping_lived && report.external) {
        lived = {.family = report.external->ip.family(), .time = *report.mapping_lived};
    }
    agent_.set_lived(lived);
}

void PeerLink::open_spare(Instant now, const traversal::OpenSpare& wanted) {
    if (!shared_.spares.open({number_}, wanted.family, wanted.port)) agent_.on_spare_failed(now);
}

}  // namespace pinhole::node
