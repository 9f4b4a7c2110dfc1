#include "peer/forward/udp_flow.hpp"

#include <utility>

namespace pinhole::peer {
namespace {

/// Datagrams that wait until the other side is ready.
constexpr std::size_t kEarlyMax = 16;

}  // namespace

UdpFlow::UdpFlow(Desk& desk, Carried what, Deliver deliver, std::function<void()> on_end)
    : desk_(desk),
      what_(std::move(what)),
      deliver_(std::move(deliver)),
      on_end_(std::move(on_end)),
      used_at_(desk.now()) {}

void UdpFlow::start(const StreamName& stream) {
    stream_ = stream;
    is_started_ = true;
    desk_.opened(what_);
    for (const ByteVector& bytes : std::exchange(early_, {})) send(bytes);
}

void UdpFlow::take(Bytes bytes) {
    if (is_gone_) return;
    used_at_ = desk_.now();
    if (is_started_) return send(bytes);
    if (early_.size() >= kEarlyMax) return count_dropped();
    early_.push_back(to_vector(bytes));
}

void UdpFlow::send(Bytes bytes) {
    if (bytes.size() > kStreamDatagramMax ||
        !desk_.links(Transport::kUdp).hub().send_datagram(stream_, bytes)) {
        return count_dropped();
    }
    totals_.sent += bytes.size();
}

void UdpFlow::on_datagram(Bytes bytes) {
    used_at_ = desk_.now();
    if (!deliver_(bytes)) return count_dropped();
    totals_.received += bytes.size();
}

void UdpFlow::on_data(Bytes bytes) {
    // Nothing of ours says anything here; it is only not left to pile up.
    desk_.links(Transport::kUdp).hub().consume(stream_, bytes.size());
}

void UdpFlow::on_finished() {
    desk_.links(Transport::kUdp).hub().finish(stream_);
}

void UdpFlow::on_refused(Refusal /*reason*/, std::string_view text) {
    desk_.refused(what_, text);
    end();
}

void UdpFlow::end() {
    if (std::exchange(is_gone_, true)) return;
    if (is_started_) desk_.closed(what_, totals_);
    on_end_();
}

}  // namespace pinhole::peer
