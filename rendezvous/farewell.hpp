// The goodbye of a server that stops: one `close` for each client, at a pace the uplink bears.
#pragma once

#include <vector>

#include "rendezvous/clients.hpp"
#include "rendezvous/outbox.hpp"

namespace pinhole::rendezvous {

class Farewell {
  public:
    /// Both must outlive the object.
    Farewell(Clients& clients, Outbox& outbox) : clients_(clients), outbox_(outbox) {}

    /// `window_s` is when clients may try again. The first goodbyes leave at once.
    void begin(Instant now, std::uint16_t window_s);
    /// Says the goodbyes that are due. True once, after the last one.
    [[nodiscard]] bool handle_timeout(Instant now);

    [[nodiscard]] bool has_begun() const { return has_begun_; }
    [[nodiscard]] Instant next_timeout() const { return next_; }

  private:
    Clients& clients_;
    Outbox& outbox_;
    std::vector<ClientId> left_;
    std::uint16_t window_s_ = 0;
    Instant next_ = kNever;
    bool has_begun_ = false;
};

}  // namespace pinhole::rendezvous
