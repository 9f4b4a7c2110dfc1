// How a client's path moves: by a challenge that is answered from the new place, never by a mere
// source address. Until then everything goes to the old path.
#pragma once

#include "rendezvous/metrics.hpp"
#include "rendezvous/outbox.hpp"
#include "shared/base/random.hpp"

namespace pinhole::rendezvous {

class Roaming {
  public:
    /// All of it must outlive the object.
    Roaming(Random& random, Outbox& outbox, Metrics& metrics)
        : random_(random), outbox_(outbox), metrics_(metrics) {}

    /// The datagram under way came from `source` and is valid. Elsewhere than the client's path, it
    /// gets a challenge, if that is not longer than the datagram was.
    void note_source(Instant now, Client& client, const Path& source);

    /// A response came from `source`. Drops kUnexpected when it answers no challenge to there.
    Parsed<void> handle_response(Instant now, Client& client, const Path& source,
                                 const wire::Response& frame);

  private:
    Random& random_;
    Outbox& outbox_;
    Metrics& metrics_;
};

}  // namespace pinhole::rendezvous
