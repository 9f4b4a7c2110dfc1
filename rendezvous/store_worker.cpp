#include "rendezvous/store_worker.hpp"

#include <utility>

#include <asio/post.hpp>

namespace pinhole::rendezvous {

void StoreWorker::add(const StoreOp& op) {
    waiting_.push_back(op);
    if (!is_writing_ && !std::holds_alternative<Touch>(op)) commit();
}

void StoreWorker::commit() {
    is_writing_ = true;
    asio::post(thread_, [this, batch = std::exchange(waiting_, {})] {
        asio::post(loop_, [this, committed = write(store_, batch)] { on_written(committed); });
    });
}

void StoreWorker::on_written(const SqliteStore::Committed& committed) {
    is_writing_ = false;
    // The next transaction first: the disk need not wait while claims are answered.
    if (!waiting_.empty()) commit();
    callbacks_.on_committed(committed);
}

SqliteStore::Committed StoreWorker::write(SqliteStore& store, const std::vector<StoreOp>& batch) {
    for (const StoreOp& op : batch) store.add(op);
    return store.commit();
}

void StoreWorker::look_for_changes() {
    // The thread does one thing after the other, and what is added from now on is confirmed after
    // the answer to this.
    if (!waiting_.empty()) commit();
    asio::post(thread_, [this] { look(); });
}

void StoreWorker::look() {
    try {
        if (!store_.changed_elsewhere()) return;
        std::vector<wire::Id> owned;
        store_.for_each([&](const StoredBinding& binding) { owned.push_back(binding.id); });
        asio::post(loop_,
                   [this, owned = std::move(owned)] { callbacks_.on_changed_elsewhere(owned); });
    } catch (const StoreError& error) {
        asio::post(loop_, [this, why = std::string{error.what()}] { callbacks_.on_failed(why); });
    }
}

void StoreWorker::finish() {
    thread_.join();
    if (waiting_.empty()) return;
    callbacks_.on_committed(write(store_, std::exchange(waiting_, {})));
}

}  // namespace pinhole::rendezvous
