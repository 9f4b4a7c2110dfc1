// Asks a gateway for one mapping by UPnP (Internet Gateway Device), through miniupnpc.
//
// That library blocks, so one thread of its own runs it; questions go to the thread and answers
// come back through the loop. This is the one place below `peer/` with a thread. What both sides
// touch is behind one lock and belongs to both: a device that drips its answer can hold the thread
// for many seconds, and whoever ends the program does not wait for that.
#pragma once

#include <memory>
#include <thread>

#include <asio/io_context.hpp>

#include "shared/net/mapping_client.hpp"

namespace pinhole::net {

/// How long the destructor waits for the thread before it leaves it to itself.
inline constexpr Duration kUpnpThreadPatience = 250ms;

class UpnpClient final : public MappingClient {
  public:
    /// The thread starts with the first question. Must not be destroyed between two turns of a loop
    /// that keeps running.
    explicit UpnpClient(asio::io_context& io);
    ~UpnpClient() override;

    void ask(const MappingWish& wish, MappingDone done) override;
    /// An answer that is on its way meets nobody; a mapping that it made is removed by the thread.
    void cancel() override;

  private:
    class Errand;

    std::shared_ptr<Errand> errand_;
    std::thread thread_;
};

}  // namespace pinhole::net
