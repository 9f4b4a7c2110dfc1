// From what a user types, `host[:port]`, to endpoints.
//
// Literal addresses never reach DNS. Both families are asked for; the order is the system's
// (RFC 6724). Addresses that can never be a peer's (0.0.0.0, multicast) are refused.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <asio/io_context.hpp>
#include <asio/ip/udp.hpp>

#include "shared/base/endpoint.hpp"
#include "shared/base/result.hpp"

namespace pinhole::net {

/// Why a text gave no endpoint, as one sentence for the user with the likely cure.
struct ResolveFailure {
    std::string sentence;
};

/// A host, not yet resolved, and a port.
struct HostPort {
    std::string host;
    std::uint16_t port = 0;

    /// Reads `host`, `host:port`, `192.0.2.1[:port]`, `2001:db8::1`, `[2001:db8::1]` and
    /// `[2001:db8::1]:port`.
    [[nodiscard]] static Result<HostPort, ResolveFailure> parse(std::string_view text,
                                                                std::uint16_t default_port);
};

/// At least one endpoint, without repetitions, or why there is none.
using Resolved = Result<std::vector<Endpoint>, ResolveFailure>;

class Resolver {
  public:
    explicit Resolver(asio::io_context& io) : resolver_(io) {}

    /// Calls `answered` once from inside the loop, never from inside this call; not at all after
    /// `cancel`, or when the loop or this resolver ends first.
    void resolve(std::string_view text, std::uint16_t default_port,
                 std::function<void(const Resolved&)> answered);

    /// Forgets all questions that are still open.
    void cancel();

  private:
    /// Lives until the questions that know it are forgotten.
    struct Interest {};

    /// `done`, as long as somebody wants to know.
    [[nodiscard]] std::function<void(const Resolved&)> while_wanted(
        std::function<void(const Resolved&)> done) const;

    asio::ip::udp::resolver resolver_;
    std::shared_ptr<Interest> interest_ = std::make_shared<Interest>();
};

}  // namespace pinhole::net
