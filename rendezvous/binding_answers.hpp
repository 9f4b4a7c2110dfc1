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

    /// Drops as the parser; kBadCookie when the answer is wanted from elsewhere, or to another
    /// endpoint, without a valid cookie of the endpoint that gets it; kUnexpected when there is no
    /// such socket, or that endpoint has another address than the sender.
    Parsed<void> handle_request(Instant now, const Datagram& in);

    /// STUN's own Binding request, from any STUN client.
    Parsed<void> handle_stun(const Datagram& in);

    [[nodiscard]] std::size_t sockets() const { return sockets_.size(); }

  private:
    struct Socket {
        SocketId id;
        Endpoint local;
    };

    /// On a stream: the server's key for whoever wants it, and nothing else.
    Parsed<void> answer_with_key(const Datagram& in, const wire::BindingRequest& request);
    [[nodiscard]] const Socket* find(SocketId id) const;
    /// The socket that a request to `asked` wants its answer from, or null.
    [[nodiscard]] const Socket* answering(const wire::BindingRequest& request,
                                          SocketId asked) const;
    /// Where else a client that is seen as `mapped`, and asked on `asked`, can ask: the other port
    /// first, then other addresses of its family, then the other family.
    [[nodiscard]] BoundedVector<Endpoint, 3> other_endpoints(SocketId asked,
                                                             const Endpoint& mapped) const;
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
