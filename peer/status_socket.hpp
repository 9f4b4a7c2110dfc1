// Where a running peer answers its own user: a unix socket that nobody else can reach.
//
// One line asks, and what comes back ends with the connection: `status json` and `status text` are
// answered once, `watch` now and after each change, always as a line of JSON. The folder is 0700,
// so whoever can ask is the same user; still a request has a bound, so have those who ask, and who
// does not read is hung up on.
#pragma once

#include <filesystem>
#include <functional>
#include <list>
#include <memory>
#include <string>

#include <asio/io_context.hpp>
#include <asio/local/stream_protocol.hpp>

#include "shared/net/state_dir.hpp"
#include "shared/wire/id.hpp"

namespace pinhole::peer {

enum class StatusForm : std::uint8_t { kText, kJson };

/// The folder of the sockets: `$XDG_RUNTIME_DIR/pinhole`, else `run` in the state directory.
[[nodiscard]] std::filesystem::path status_directory(const net::Environment& environment);
/// In it, the socket of the peer of that name.
[[nodiscard]] std::filesystem::path status_path(const net::Environment& environment,
                                                const wire::Id& id);

class StatusSocket {
  public:
    using Answer = std::function<std::string(StatusForm form)>;

    /// Listens at `path` and makes its folder; takes the place of a socket whose process is gone.
    /// Throws std::system_error or std::runtime_error when that cannot be; EADDRINUSE: another
    /// process answers there.
    StatusSocket(asio::io_context& io, const std::filesystem::path& path, Answer answer);
    /// Removes the socket.
    ~StatusSocket();
    StatusSocket(const StatusSocket&) = delete;
    StatusSocket& operator=(const StatusSocket&) = delete;

    /// What `watch` asks about may have changed.
    void on_change();
    /// Ends all that waits, so that the loop can end.
    void stop();

  private:
    class Asker;

    void accept();
    void answer_request(Asker& asker, const std::string& request);
    void remove(const Asker& asker);

    std::filesystem::path path_;
    Answer answer_;
    asio::local::stream_protocol::acceptor acceptor_;
    std::list<std::shared_ptr<Asker>> askers_;
};

}  // namespace pinhole::peer
