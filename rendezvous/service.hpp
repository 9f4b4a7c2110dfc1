// The process around the server: sockets, store, signals and log lines.
//
// Everything that needs the operating system is joined here; what is decided is decided in
// `Server`. The store is written to on a thread of its own.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <asio/io_context.hpp>
#include <asio/signal_set.hpp>

#include "rendezvous/options.hpp"
#include "rendezvous/server.hpp"
#include "rendezvous/store_worker.hpp"
#include "shared/net/driver.hpp"
#include "shared/net/key_file.hpp"

namespace pinhole::rendezvous {

/// Where the key and the ids are, in the state directory.
[[nodiscard]] std::filesystem::path key_path(const std::filesystem::path& state);
[[nodiscard]] std::filesystem::path ids_path(const std::filesystem::path& state);

class Service {
  public:
    /// Opens everything. Throws with a sentence for the operator.
    Service(const Options& options, const std::filesystem::path& state);

    /// What to print at the start: where it listens, its key, and what to do next.
    [[nodiscard]] std::string greeting() const;

    /// Serves until SIGTERM or SIGINT, and says goodbye to every client; a second signal ends it at
    /// once.
    void run();

  private:
    void open_sockets(const Options& options);
    void open_listeners(const Options& options);
    void wait_for_signal();
    void on_signal(int number);
    void on_event(const Event& event);
    void on_committed(const SqliteStore::Committed& committed);
    void on_poll_due();
    void keep_only(const std::vector<wire::Id>& owned);
    void log_counters() const;

    crypto::SystemRandom random_;
    net::IdentityFile identity_;
    SqliteStore store_;
    Server server_;
    asio::io_context io_;
    net::Driver<Server> driver_;
    asio::signal_set signals_;
    StoreWorker writer_;
    net::DeadlineTimer poll_timer_;
    /// What is listened on: all first ports, and the second ones.
    std::vector<Endpoint> first_;
    std::vector<Endpoint> second_;
    /// Where TCP is taken.
    std::vector<Endpoint> tcp_;
    bool is_stopping_ = false;
};

}  // namespace pinhole::rendezvous
