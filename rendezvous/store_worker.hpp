// Writes to the store on a thread of its own, because a disk takes milliseconds to sync and every
// datagram would wait as long.
//
// What comes while a transaction is under way goes into the next one (group commit): a lone new id
// waits for one sync, a thousand at once for two. This is the only place of the program with a
// second thread: it has the store to itself from the first call to the last, and the two sides meet
// in the queues of the loop and of the thread alone.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <asio/io_context.hpp>
#include <asio/thread_pool.hpp>

#include "rendezvous/store_sqlite.hpp"

namespace pinhole::rendezvous {

class StoreWorker {
  public:
    /// Called in the loop.
    struct Callbacks {
        std::function<void(const SqliteStore::Committed&)> on_committed;
        /// Another process wrote: these are all ids that are owned now, in order.
        std::function<void(const std::vector<wire::Id>&)> on_changed_elsewhere;
        std::function<void(const std::string&)> on_failed;
    };

    /// Both must outlive the worker. Nobody else may use `store` from the first `add` on until
    /// `finish` returned.
    StoreWorker(asio::io_context& loop, SqliteStore& store, Callbacks callbacks)
        : loop_(loop), store_(store), callbacks_(std::move(callbacks)) {}

    /// To be written. A date waits for company, up to the next `look_for_changes`; what somebody
    /// waits for is written at once.
    void add(const StoreOp& op);

    /// Looks whether another process wrote, once everything that was added is written: what waits
    /// here must not look as if it had been taken away. The caller does it now and then.
    void look_for_changes();

    /// Returns once everything is written; says what became of the last of it from within.
    void finish();

  private:
    void commit();
    void on_written(const SqliteStore::Committed& committed);
    /// On the thread.
    [[nodiscard]] static SqliteStore::Committed write(SqliteStore& store,
                                                      const std::vector<StoreOp>& batch);
    void look();

    asio::io_context& loop_;
    SqliteStore& store_;
    Callbacks callbacks_;
    std::vector<StoreOp> waiting_;
    /// True while a transaction is under way.
    bool is_writing_ = false;
    asio::thread_pool thread_{1};
};

}  // namespace pinhole::rendezvous
