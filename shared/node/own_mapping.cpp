#include "shared/node/own_mapping.hpp"

#include <algorithm>
#include <utility>

namespace pinhole::node {

void OwnMapping::handle_io_event(const IoEvent& event) {
    if (status_.state == MappingState::kOff) return;
    if (const auto* changed = std::get_if<InterfacesChanged>(&event)) {
        local_.clear();
        for (const LocalAddress& address : changed->addresses) local_.push_back(address.ip);
        judge();
    } else if (const auto* mapped = std::get_if<PortMapped>(&event)) {
        if (mapped->socket == kSocketV4 && is_requested_) take(*mapped);
    } else if (const auto* unmapped = std::get_if<PortUnmapped>(&event)) {
        if (unmapped->socket != kSocketV4 || !is_requested_) return;
        status_ = {.state = MappingState::kUnmapped,
                   .external = unmapped->found,
                   .reason = unmapped->reason};
    }
}

void OwnMapping::set_observed(const std::optional<Endpoint>& observed) {
    if (status_.state == MappingState::kOff || !observed || observed->ip == observed_) return;
    observed_ = observed->ip;
    judge();
}

void OwnMapping::judge() {
    // A server in our own network sees a private address, which says nothing about the gateway.
    const bool is_translated = observed_ && observed_->scope() == Scope::kPublic &&
                               std::ranges::find(local_, *observed_) == local_.end();
    if (is_translated) {
        status_ = {.state = MappingState::kAsked};
        is_requested_ = true;
        requests_.push_back(MapPort{kSocketV4});
    } else {
        status_ = {.state = MappingState::kNotNeeded};
        if (std::exchange(is_requested_, false)) requests_.push_back(UnmapPort{kSocketV4});
    }
}

void OwnMapping::take(const PortMapped& mapped) {
    status_ = {.state = MappingState::kMapped, .via = mapped.via, .external = mapped.external};
    if (mapped.external.ip == observed_) return;
    status_.state = MappingState::kUnmapped;
    status_.reason = PortUnmapped::Reason::kDoubleNat;
    is_requested_ = false;
    requests_.push_back(UnmapPort{kSocketV4});
}

std::optional<IoRequest> OwnMapping::poll_request() {
    if (requests_.empty()) return std::nullopt;
    const IoRequest request = requests_.front();
    requests_.pop_front();
    return request;
}

}  // namespace pinhole::node
