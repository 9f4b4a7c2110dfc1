#include "peer/forward/links.hpp"

#include <algorithm>
#include <utility>

namespace pinhole::peer {

Links::Links(StreamHub& hub, ServiceKind kind, OnOpened on_opened)
    : hub_(hub), kind_(kind), on_opened_(std::move(on_opened)) {
    hub_.serve(kind_, *this);
}

StreamName Links::open(const Id& peer, std::string_view argument, std::shared_ptr<Link> link) {
    const StreamName stream = hub_.open(peer, kind_, as_bytes(argument), *this);
    put(stream, std::move(link));
    return stream;
}

void Links::put(const StreamName& stream, std::shared_ptr<Link> link) {
    links_.insert_or_assign(stream, std::move(link));
}

void Links::stop_all() {
    const auto links = std::exchange(links_, {});
    for (const auto& [stream, link] : links) {
        hub_.reset(stream, ResetReason::kCancelled);
        link->stop();
    }
}

void Links::stop_old(Instant now) {
    for (auto at = links_.begin(); at != links_.end();) {
        if (at->second->is_alive(now)) {
            ++at;
            continue;
        }
        const auto [stream, link] = *at;
        at = links_.erase(at);
        hub_.reset(stream, ResetReason::kCancelled);
        link->stop();
    }
}

void Links::on_opened(const StreamName& stream, Bytes argument) {
    on_opened_(stream, as_text(argument));
}

void Links::on_accepted(const StreamName& stream) {
    if (const auto link = find(stream)) link->on_accepted();
}

void Links::on_refused(const StreamName& stream, Refusal reason, std::string_view text) {
    if (const auto link = take(stream)) link->on_refused(reason, text);
}

void Links::on_data(const StreamName& stream, Bytes bytes) {
    if (const auto link = find(stream)) link->on_data(bytes);
}

void Links::on_room(const StreamName& stream) {
    if (const auto link = find(stream)) link->on_room();
}

void Links::on_finished(const StreamName& stream) {
    if (const auto link = find(stream)) link->on_finished();
}

void Links::on_closed(const StreamName& stream) {
    if (const auto link = take(stream)) link->on_closed();
}

void Links::on_lost(const StreamName& stream, StreamEnd why) {
    if (const auto link = take(stream)) link->on_lost(why);
}

void Links::on_datagram(const StreamName& stream, Bytes bytes) {
    if (const auto link = find(stream)) link->on_datagram(bytes);
}

std::size_t Links::count(const Id& peer) const {
    return static_cast<std::size_t>(
        std::ranges::count_if(links_, [&](const auto& entry) { return entry.first.peer == peer; }));
}

std::shared_ptr<Link> Links::find(const StreamName& stream) const {
    const auto found = links_.find(stream);
    return found == links_.end() ? nullptr : found->second;
}

std::shared_ptr<Link> Links::take(const StreamName& stream) {
    const auto found = links_.find(stream);
    if (found == links_.end()) return nullptr;
    auto link = std::move(found->second);
    links_.erase(found);
    return link;
}

}  // namespace pinhole::peer
