#include "tests/vnet/interface.hpp"

namespace pinhole::vnet {

void Interface::plug_into(lab::Router& router, lab::Attachment attachment,
                          const std::vector<IpAddress>& addresses) {
    router_ = &router;
    cable_ = attachment.cable;
    addresses_ = addresses;
    for (const IpAddress& address : addresses) {
        router.route({address, address.is_v4() ? 32U : 128U}, attachment.id);
    }
}

void Interface::send(Instant now, Bytes raw) {
    if (tap_) tap_(now, raw);
    auto packet = parse_ip(raw);
    if (!packet) {
        refused_.add(packet.error());
        return;
    }
    if (packet->transport == lab::Transport::kUdp && !packet->icmp) {
        sent_.add(packet->payload.size());
        sent_to_[packet->destination.ip].add(packet->payload.size());
    }
    world_.trace.record({now, host_, *packet, lab::Fate::kSent});
    cable_->up.send(now, std::move(*packet));
}

void Interface::receive(Instant now, lab::CableId, lab::Packet packet) {
    if (packet.transport == lab::Transport::kUdp && !packet.icmp)
        received_.add(packet.payload.size());
    world_.trace.record({now, host_, packet, lab::Fate::kDelivered});
    if (!emit_ && !tap_) return;
    const ByteVector raw = write_ip(packet);
    if (tap_) tap_(now, raw);
    if (emit_) emit_(raw);
}

std::string Interface::full_name() const {
    return number_ == 0 ? host_ : fmt::format("{}.{}", host_, number_);
}

}  // namespace pinhole::vnet
