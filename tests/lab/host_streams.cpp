#include "tests/lab/host_streams.hpp"

#include "shared/base/cursor.hpp"

namespace pinhole::lab {
namespace {

constexpr std::size_t kSegmentHeader = 5;

}  // namespace

// ---- the program's side

void HostStreams::open(const OpenStream& request) {
    const auto source = host_.source_for(request.remote.ip);
    if (!source) return host_.tell(StreamClosed{request.socket});
    const Endpoint local{*source, next_port_++};
    Stream& stream = streams_[next_serial_++];
    stream = {.id = request.socket, .local = local, .remote = request.remote};
    push(stream, What::kOpen);
}

void HostStreams::close(SocketId id) {
    Stream* stream = find(id);
    if (stream == nullptr) return;
    stream->is_lingering = true;
    if (!stream->is_open) return end(serial_of(*stream), false);
    push(*stream, What::kClose);
}

void HostStreams::send(const Path& path, Bytes message) {
    Stream* stream = find(path.socket);
    if (stream == nullptr || !stream->is_open || stream->remote != path.remote) return;
    assert(!message.empty() && message.size() <= kStreamMessageMax);
    push(*stream, What::kData, to_vector(message));
}

void HostStreams::kill() {
    for (const auto& [serial, stream] : streams_) {
        emit(stream, {.what = What::kReset, .number = 0, .message = {}, .since = {}});
    }
    streams_.clear();
}

// ---- the network's side

void HostStreams::receive(const Packet& packet) {
    if (packet.icmp || packet.payload.size() < kSegmentHeader) return;
    Reader reader{packet.payload};
    const auto what = static_cast<What>(reader.u8());
    const std::uint32_t number = reader.u32();
    Stream* stream = find(packet.destination, packet.source);
    if (what == What::kOpen) return accept(packet);
    if (stream == nullptr) {
        const Stream unknown{.id = {}, .local = packet.destination, .remote = packet.source};
        const bool wants_answer = what == What::kData || what == What::kClose;
        if (wants_answer) {
            emit(unknown, {.what = What::kReset, .number = 0, .message = {}, .since = {}});
        }
        return;
    }
    switch (what) {
        case What::kOpen: return;
        case What::kReset: return end(serial_of(*stream), true);
        case What::kAccept:
            if (stream->is_open) return;
            stream->is_open = true;
            std::erase_if(stream->unacknowledged,
                          [](const Segment& sent) { return sent.what == What::kOpen; });
            return host_.tell(StreamOpened{
                .socket = stream->id, .local = stream->local, .remote = stream->remote});
        case What::kAcknowledge:
            std::erase_if(stream->unacknowledged,
                          [&](const Segment& sent) { return sent.number < number; });
            if (stream->is_lingering && stream->unacknowledged.empty()) {
                end(serial_of(*stream), false);
            }
            return;
        case What::kData:
        case What::kClose:
            return take(*stream, {.what = what,
                                  .number = number,
                                  .message = to_vector(reader.take_rest()),
                                  .since = queue_.now()});
    }
}

void HostStreams::accept(const Packet& packet) {
    Stream* stream = find(packet.destination, packet.source);
    const bool is_new = stream == nullptr;
    if (is_new && !(host_.has_program() && listening_.contains(packet.destination.port))) {
        const Stream refused{.id = {}, .local = packet.destination, .remote = packet.source};
        return emit(refused, {.what = What::kReset, .number = 0, .message = {}, .since = {}});
    }
    if (is_new) {
        stream = &streams_[next_serial_++];
        *stream = {.id = SocketId{kStreamBit | kAcceptedBit | next_accepted_++},
                   .local = packet.destination,
                   .remote = packet.source,
                   .is_open = true,
                   .next_out = 1};
    }
    emit(*stream, {.what = What::kAccept, .number = 0, .message = {}, .since = {}});
    if (!is_new) return;
    host_.tell(StreamOpened{.socket = stream->id,
                            .local = stream->local,
                            .remote = stream->remote,
                            .is_accepted = true});
}

void HostStreams::take(Stream& stream, Segment segment) {
    const Serial serial = serial_of(stream);
    if (segment.number >= stream.next_in) {
        const std::uint32_t number = segment.number;
        stream.early.emplace(number, std::move(segment));
    }
    // Whoever is told may close the stream.
    Stream* current = &stream;
    while (current->early.contains(current->next_in)) {
        const Segment next = std::move(current->early.extract(current->next_in).mapped());
        ++current->next_in;
        if (next.what == What::kClose) {
            emit(*current, {.what = What::kAcknowledge,
                            .number = current->next_in,
                            .message = {},
                            .since = {}});
            return end(serial, true);
        }
        if (!current->is_lingering) {
            host_.deliver({{current->id, current->remote}, next.message});
        }
        const auto found = streams_.find(serial);
        if (found == streams_.end()) return;
        current = &found->second;
    }
    emit(*current,
         {.what = What::kAcknowledge, .number = current->next_in, .message = {}, .since = {}});
}

void HostStreams::end(Serial serial, bool is_news) {
    const Stream stream = streams_.at(serial);
    streams_.erase(serial);
    if (is_news && !stream.is_lingering) host_.tell(StreamClosed{stream.id});
}

// ---- segments and time

void HostStreams::push(Stream& stream, What what, ByteVector message) {
    stream.unacknowledged.push_back({.what = what,
                                     .number = stream.next_out++,
                                     .message = std::move(message),
                                     .since = queue_.now()});
    emit(stream, stream.unacknowledged.back());
    set_timer(stream);
}

void HostStreams::emit(const Stream& stream, const Segment& segment) {
    Packet packet{.source = stream.local, .destination = stream.remote, .payload = {}};
    packet.transport = Transport::kTcp;
    packet.payload.resize(kSegmentHeader + segment.message.size());
    Writer{packet.payload}
        .u8(static_cast<std::uint8_t>(segment.what))
        .u32(segment.number)
        .bytes(segment.message);
    host_.emit(std::move(packet));
}

void HostStreams::set_timer(Stream& stream) {
    if (std::exchange(stream.is_timer_set, true)) return;
    queue_.schedule(queue_.now() + kSegmentRepeat, *this, serial_of(stream));
}

void HostStreams::handle_event(Instant now, std::uint64_t token) {
    const auto found = streams_.find(token);
    if (found == streams_.end()) return;
    Stream& stream = found->second;
    stream.is_timer_set = false;
    if (stream.unacknowledged.empty()) return;
    if (now - stream.unacknowledged.front().since >= kSegmentPatience) return end(token, true);
    for (const Segment& segment : stream.unacknowledged) {
        if (now - segment.since >= kSegmentRepeat) emit(stream, segment);
    }
    set_timer(stream);
}

HostStreams::Stream* HostStreams::find(SocketId id) {
    const auto found = std::ranges::find_if(streams_, [id](const auto& entry) {
        return entry.second.id == id && !entry.second.is_lingering;
    });
    return found == streams_.end() ? nullptr : &found->second;
}

HostStreams::Stream* HostStreams::find(const Endpoint& local, const Endpoint& remote) {
    const auto found = std::ranges::find_if(streams_, [&](const auto& entry) {
        return entry.second.local == local && entry.second.remote == remote;
    });
    return found == streams_.end() ? nullptr : &found->second;
}

HostStreams::Serial HostStreams::serial_of(const Stream& stream) const {
    return std::ranges::find_if(streams_,
                                [&](const auto& entry) { return &entry.second == &stream; })
        ->first;
}

}  // namespace pinhole::lab
