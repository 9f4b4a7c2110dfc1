// The Unix datagram socket at which a running network takes commands; each is answered to where it
// came from. See `control.hpp` for the words.
#pragma once

#include <filesystem>

#include "shared/net/unique_fd.hpp"
#include "tests/vnet/network.hpp"

namespace pinhole::vnet {

class ControlSocket {
  public:
    /// Makes the socket; the file goes with the object. Throws `std::system_error`.
    explicit ControlSocket(std::filesystem::path path);
    ControlSocket(const ControlSocket&) = delete;
    ControlSocket& operator=(const ControlSocket&) = delete;
    ~ControlSocket();

    [[nodiscard]] int descriptor() const { return fd_.get(); }
    /// Serves every command that waits.
    void serve(Network& network) const;

  private:
    std::filesystem::path path_;
    net::UniqueFd fd_;
};

}  // namespace pinhole::vnet
