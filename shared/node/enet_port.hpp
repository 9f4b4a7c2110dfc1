// The node's ENet host and the virtual addresses on it.
//
// Owns the `EnetHost`, hands out virtual addresses (a counter, never reused) and knows which peer
// each belongs to. CONNECT and VERIFY_CONNECT travel inside the handshake's payloads, so this is
// also where those two are caught before they would leave like any other ENet datagram.
#pragma once

#include <deque>
#include <unordered_map>

#include "shared/node/config.hpp"
#include "shared/reliable/enet_host.hpp"
#include "shared/wire/handshake.hpp"

namespace pinhole::node {

/// An ENet datagram small enough to ride in a handshake; empty when there is none.
using HandshakeEnet = ByteBuffer<wire::kHandshakeEnetMax>;

class EnetPort {
  public:
    EnetPort(const reliable::EnetOptions& options, Random& random) : host_(options, random) {}

    /// A new virtual address of `peer`.
    [[nodiscard]] VirtualAddress allocate(PeerNumber peer);
    /// Forgets the address and, silently, the ENet peer behind it.
    void release(VirtualAddress address);
    [[nodiscard]] std::optional<PeerNumber> peer_of(VirtualAddress address) const;

    /// Begins an ENet connection and catches its CONNECT. Empty when ENet's slots are all taken.
    [[nodiscard]] HandshakeEnet connect(Instant now, VirtualAddress to, Duration round_trip_time);
    /// Shows a CONNECT to ENet and catches its VERIFY_CONNECT.
    [[nodiscard]] HandshakeEnet accept(Instant now, VirtualAddress from, Bytes connect);

    /// Valid until the next non-const call.
    [[nodiscard]] std::optional<reliable::EnetTransmit> poll_transmit();

    [[nodiscard]] reliable::EnetHost& host() { return host_; }
    [[nodiscard]] const reliable::EnetHost& host() const { return host_; }

  private:
    struct Stashed {
        VirtualAddress to;
        ByteVector bytes;  ///< with the headroom
    };

    HandshakeEnet catch_first(VirtualAddress address);

    reliable::EnetHost host_;
    std::unordered_map<VirtualAddress, PeerNumber> peers_;
    std::uint32_t next_address_ = 1;
    /// Datagrams of others that came up while one was being caught; they leave first.
    std::deque<Stashed> stash_;
    ByteVector leaving_;
};

}  // namespace pinhole::node
