// Our side of the benchmarks: the real server and real nodes on the driver that the tool uses.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include <asio/io_context.hpp>

#include "shared/crypto/sodium.hpp"
#include "shared/net/driver.hpp"
#include "shared/node/node.hpp"
#include "tests/bench/load.hpp"
#include "tests/bench/serving.hpp"

namespace pinhole::bench {

/// The rendezvous at an address that somebody typed. Ends the program when it is none, or a
/// loopback one: those are no candidates.
[[nodiscard]] Endpoint server_at(const std::string& text);

/// One node with a connection to one other, for `run_sender` and `run_receiver`.
class Station {
  public:
    /// Begins to register at `server`.
    Station(std::string_view id, const Endpoint& server, bool offers_aes256gcm);

    /// Ends the program when that does not come true in time, as all below.
    void wait_until_registered();
    /// Waits until a session with `other` stands, whatever its path.
    void call(std::string_view other);
    /// Waits until a connection to `other` is direct on both sides.
    void connect(std::string_view other);
    /// Waits for a connection from anybody, whatever its path.
    void wait_for_caller();

    /// False when the node has no room for it now. Ends the program when nobody is there.
    [[nodiscard]] bool send(std::uint8_t channel, Octets bytes);
    [[nodiscard]] std::size_t bytes_ahead() const;

    template <class OnMessage>
    void turn(int wait_ms, OnMessage on_message) {
        on_message_ = on_message;
        driver_.drain();
        io_.restart();
        io_.run_one_for(std::chrono::milliseconds{wait_ms});
        on_message_ = nullptr;
    }
    [[nodiscard]] bool is_direct() const { return is_direct_; }

  private:
    void on_event(const node::NodeEvent& event);

    crypto::SystemRandom random_;
    crypto::KeyPair keys_;
    asio::io_context io_;
    node::Node node_;
    net::Driver<node::Node> driver_;
    std::function<void(std::uint8_t, Octets)> on_message_;
    std::optional<node::PeerNumber> peer_;
    bool is_direct_ = false;
};

}  // namespace pinhole::bench
