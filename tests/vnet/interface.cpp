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
    std::optional<Reassembly::Whole> whole;
    if (Reassembly::concerns(raw)) {
        whole = reassembly_.add(raw);
        if (!whole) return;
    }
    auto packet = parse_ip(whole ? Bytes{whole->packet} : raw);
    if (!packet) {
        refused_.add(packet.error());
        return;
    }
    if (packet->transport == lab::Transport::kUdp && !packet->icmp) {
        sent_.add(packet->payload.size());
        sent_to_[packet->destination.ip].add(packet->payload.size());
    }
    if (whole) packet->fragment_size = whole->fragment_size;
    world_.trace.record({now, host_, *packet, lab::Fate::kSent});
    lab::Link& link = cable_->up;
    if (!link.fits(*packet)) {
        if (packet->may_fragment) {
            packet->fragment_size = link.quality().mtu;
        } else if (link.quality().reports_too_big && !packet->icmp) {
            refuse(now, *packet);
        }
    }
    link.send(now, std::move(*packet));
}

void Interface::receive(Instant now, lab::CableId, lab::Packet packet) {
    const lab::Fate fate = packet.has_lost_tail ? lab::Fate::kIncomplete : lab::Fate::kDelivered;
    const bool is_datagram = packet.transport == lab::Transport::kUdp && !packet.icmp;
    if (is_datagram && !packet.has_lost_tail) received_.add(packet.payload.size());
    world_.trace.record({now, host_, packet, fate});
    hand_over(now, packet);
}

void Interface::refuse(Instant now, const lab::Packet& packet) {
    lab::Packet error = lab::icmp_error(IcmpError::Kind::kTooBig, packet, cable_->up.quality().mtu);
    error.source.ip = packet.destination.ip;
    hand_over(now, error);
}

void Interface::hand_over(Instant now, const lab::Packet& packet) {
    if (!emit_ && !tap_) return;
    for (const ByteVector& raw : write_pieces(packet, ++last_fragment_id_)) {
        if (tap_) tap_(now, raw);
        if (emit_) emit_(raw);
    }
}

std::string Interface::full_name() const {
    return number_ == 0 ? host_ : fmt::format("{}.{}", host_, number_);
}

}  // namespace pinhole::vnet
