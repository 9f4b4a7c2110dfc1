// One UDP socket that speaks for a million machines: each datagram leaves from an address of its
// own in 127.0.0.0/8, and whatever is sent to any of them arrives here.
//
// That is how one process plays peers whom a server must not mistake for one subscriber. Linux
// takes all of 127.0.0.0/8 as its own, so nothing needs to be configured. Loopback only.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>

#include "shared/base/bytes.hpp"

namespace pinhole::bench {

/// The most peers that have an address: 127.1.0.0 and up.
inline constexpr std::uint32_t kSourcesMax = 8'000'000;
/// Datagrams of one system call.
inline constexpr std::size_t kLoadBatch = 64;
inline constexpr std::size_t kLoadDatagramMax = 1500;

class ManySources {
  public:
    /// Sends to 127.0.0.1:`server_port`. Throws std::system_error.
    explicit ManySources(std::uint16_t server_port);
    ~ManySources();
    ManySources(const ManySources&) = delete;
    ManySources& operator=(const ManySources&) = delete;

    /// Room for the next datagram; `send` says how much of it was written, and for whom. It leaves
    /// with the batch: at `flush`, or when the batch is full.
    [[nodiscard]] MutableBytes room();
    void send(std::uint32_t source, std::size_t size);
    void flush();

    /// Hands over what arrived, waiting at most `wait_ms` for the first datagram. Returns how many.
    std::size_t receive(int wait_ms, const std::function<void(MutableBytes)>& take);

    [[nodiscard]] std::uint64_t sent() const { return sent_; }

  private:
    struct Buffers;
    int fd_;
    std::unique_ptr<Buffers> buffers_;
    std::size_t waiting_ = 0;
    std::uint64_t sent_ = 0;
};

}  // namespace pinhole::bench
