// Asks a gateway for one mapping by PCP (RFC 6887), over a UDP socket of its own.
//
// Owns the nonce that proves the mapping to be ours. Ignores whatever is no answer to the open
// question. An answer in version 0, or an ICMP error, means that nobody there speaks PCP.
#pragma once

#include <asio/io_context.hpp>
#include <asio/ip/udp.hpp>

#include "shared/base/random.hpp"
#include "shared/net/deadline_timer.hpp"
#include "shared/net/mapping_client.hpp"
#include "shared/wire/pcp.hpp"

namespace pinhole::net {

class PcpClient final : public MappingClient {
  public:
    /// `port` is where gateways listen; tests bring their own. `random` must outlive this. Must not
    /// be destroyed between two turns of a loop that keeps running.
    PcpClient(asio::io_context& io, Random& random, std::uint16_t port = wire::kPcpServerPort);

    void ask(const MappingWish& wish, MappingDone done) override;
    void cancel() override;

  private:
    void open(const Gateway& gateway);
    void send();
    void wait();
    void on_readable();
    void on_due();
    void take(const wire::PcpMapResponse& response);
    /// Tells from the epoch whether the gateway lost its mappings since its last answer.
    bool note_epoch(Instant at, std::uint32_t epoch_s);
    void finish(const MappingOutcome& outcome);

    asio::ip::udp::socket socket_;
    DeadlineTimer retry_;
    Random& random_;
    std::uint16_t port_;
    wire::PcpMapRequest request_;
    unsigned tries_ = 0;
    MappingDone done_;
    std::optional<wire::PcpEpoch> epoch_;
    std::optional<IpAddress> epoch_of_;
    Gateway gateway_;
};

}  // namespace pinhole::net
