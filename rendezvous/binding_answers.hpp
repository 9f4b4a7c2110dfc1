// Answers binding requests (and, if switched on, STUN's) without any state: where do you see me?
//
// Knows the server's sockets, because an answer names the other places to ask and may come from
// the other port. A place whose address the server does not know for sure (it stands behind a NAT
// of its own) is named by the unspecified address, which means: the address that you asked.
#pragma once

#include <optional>
#include <vector>

#include "rendezvous/identity.hpp"
#include "rendezvous/outbox.hpp"
#include "shared/base/io.hpp"
#include "shared/crypto/cookie.hpp"
#include "shared/wire/binding.hpp"

namespace pinhole::rendezvous {

class BindingAnswers {
  public:
    /// All of it must outlive the answers.
    BindingAnswers(const Identity& identity, crypto::CookieJar& jar, Outbox& outbox,
                   Metrics& metrics)
        : identity_(identity), jar_(jar), outbox_(outbox), metrics_(metrics) {}

    void handle_io_event(const IoEvent& event);

    /// Drops as the parser, and kBadCookie when the answer is wanted from the other port and the
    /// request has no valid cookie.
    Parsed<void> handle_request(Instant now, const Datagram& in);

    /// STUN's own Binding request, from any STUN client.
    Parsed<void> handle_stun(const Datagram& in);

    [[nodiscard]] std::size_t sockets() const { return sockets_.size(); }

  private:
    struct Socket {
        SocketId id;
        Endpoint local;
    };

    [[nodiscard]] const Socket* find(SocketId id) const;
    /// The socket with the same address and another port, or null.
    [[nodiscard]] const Socket* other_port(SocketId id) const;
    /// Where clients that see us as `mapped` can reach `socket`, if that can be told.
    [[nodiscard]] std::optional<Endpoint> public_endpoint(const Socket& socket,
                                                          const Endpoint& mapped) const;

    const Identity& identity_;
    crypto::CookieJar& jar_;
    Outbox& outbox_;
    Metrics& metrics_;
    std::vector<Socket> sockets_;
    std::vector<IpAddress> addresses_;
};

}  // namespace pinhole::rendezvous
