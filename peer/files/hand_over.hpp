// What a sender or receiver of files has to say, into its stream.
#pragma once

#include "peer/stream_hub.hpp"

namespace pinhole::peer::files {

/// As much as the stream takes now; `StreamService::on_room` follows if that is not all.
template <class Session>
void hand_over(StreamHub& streams, const StreamName& stream, Session& session) {
    while (!session.outgoing().empty()) {
        const std::size_t taken = streams.write(stream, session.outgoing());
        if (taken == 0) return;
        session.on_sent(taken);
    }
}

}  // namespace pinhole::peer::files
