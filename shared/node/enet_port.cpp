#include "shared/node/enet_port.hpp"

#include <utility>

namespace pinhole::node {

VirtualAddress EnetPort::allocate(PeerNumber peer) {
    // ENet reads 0xFFFFFFFF as broadcast; four thousand million connections a process come first.
    assert(next_address_ != 0xffffffffU);
    const VirtualAddress address{next_address_++};
    peers_.emplace(address, peer);
    return address;
}

void EnetPort::release(VirtualAddress address) {
    host_.reset(address);
    peers_.erase(address);
    std::erase_if(stash_, [&](const Stashed& stashed) { return stashed.to == address; });
}

std::optional<PeerNumber> EnetPort::peer_of(VirtualAddress address) const {
    const auto found = peers_.find(address);
    return found == peers_.end() ? std::nullopt : std::optional{found->second};
}

HandshakeEnet EnetPort::connect(Instant now, VirtualAddress to, Duration round_trip_time) {
    if (!host_.connect(now, to, round_trip_time)) return {};
    return catch_first(to);
}

HandshakeEnet EnetPort::accept(Instant now, VirtualAddress from, Bytes connect) {
    host_.handle_datagram(now, from, connect);
    return catch_first(from);
}

HandshakeEnet EnetPort::catch_first(VirtualAddress address) {
    HandshakeEnet caught;
    while (const auto transmit = host_.poll_transmit()) {
        if (transmit->to == address && caught.empty() &&
            transmit->bytes.size() <= HandshakeEnet::capacity()) {
            caught.assign(transmit->bytes);
        } else {
            stash_.push_back({transmit->to, to_vector(transmit->with_headroom)});
        }
    }
    return caught;
}

std::optional<reliable::EnetTransmit> EnetPort::poll_transmit() {
    if (stash_.empty()) return host_.poll_transmit();
    leaving_ = std::move(stash_.front().bytes);
    const VirtualAddress to = stash_.front().to;
    stash_.pop_front();
    return reliable::EnetTransmit{.to = to,
                                  .bytes = Bytes{leaving_}.subspan(reliable::kEnetHeadroom),
                                  .with_headroom = leaving_};
}

}  // namespace pinhole::node
