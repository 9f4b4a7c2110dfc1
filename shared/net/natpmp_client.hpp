// Asks a gateway for one mapping by NAT-PMP (RFC 6886), through libnatpmp: first for its public
// address, then for the port. The library keeps the protocol, we lend it our loop and our patience.
#pragma once

#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <natpmp.h>

#include "shared/net/deadline_timer.hpp"
#include "shared/net/mapping_client.hpp"

namespace pinhole::net {

class NatPmpClient final : public MappingClient {
  public:
    /// Must not be destroyed between two turns of a loop that keeps running.
    explicit NatPmpClient(asio::io_context& io);
    ~NatPmpClient() override;

    void ask(const MappingWish& wish, MappingDone done) override;
    void cancel() override;

  private:
    void open(const Gateway& gateway);
    void close();
    void send_mapping_request();
    void wait();
    void arm();
    /// Lets the library read, or repeat its request when it is time to.
    void turn();
    void take(const natpmpresp_t& response);
    void finish(const MappingOutcome& outcome);

    /// Whether the gateway's clock (RFC 6886 3.6) says that it forgot its mappings.
    bool note_epoch(std::uint32_t epoch_s);

    natpmp_t natpmp_{};
    bool is_open_ = false;
    asio::posix::stream_descriptor watcher_;
    DeadlineTimer timer_;
    MappingWish wish_;
    MappingDone done_;
    Instant give_up_at_ = kNever;
    std::optional<IpAddress> public_ip_;
    bool gateway_restarted_ = false;
    struct Epoch {
        IpAddress gateway;
        std::uint32_t server_s = 0;
        Instant heard_at;
    };
    std::optional<Epoch> epoch_;
};

}  // namespace pinhole::net
