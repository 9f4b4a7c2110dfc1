// The store on disk: one SQLite file in the state directory.
//
//     bindings(id TEXT PRIMARY KEY, key BLOB(32), first_seen INTEGER, last_proof INTEGER)
//
// Dates are seconds since 1970. Write-ahead log, synced at each commit: what was committed survives
// a crash and a power cut. Operations are collected by `add` and written by one `commit` (group
// commit), which waits for the disk. The schema's version is the file's
// `user_version`. Refuses files that are damaged, locked, or of a later version, with a sentence
// for the operator.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "rendezvous/store_op.hpp"

struct sqlite3;

namespace pinhole::rendezvous {

/// The file cannot be used; the text says why and what to do.
class StoreError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

class SqliteStore {
  public:
    /// Opens `file`, or makes it. Throws StoreError.
    explicit SqliteStore(const std::filesystem::path& file);

    /// Everything, by id. Throws StoreError.
    [[nodiscard]] std::vector<StoredBinding> all();
    /// The same one by one, for who has no use for a second million of them.
    void for_each(const std::function<void(const StoredBinding&)>& visit);

    /// To be written by the next `commit`.
    void add(const StoreOp& op) { batch_.push_back(op); }
    [[nodiscard]] bool has_batch() const { return !batch_.empty(); }

    /// What a commit came to.
    struct Committed {
        /// One for each claim, in order. All fail together.
        std::vector<StoreResult> claims;
        /// Why nothing was written; empty when all went well.
        std::string failure;
    };
    /// Writes everything that was added, in one transaction. Never throws for the disk's sake.
    [[nodiscard]] Committed commit();

    /// True when another process (`rendezvous release`) wrote since the last call.
    [[nodiscard]] bool changed_elsewhere();

  private:
    struct Close {
        void operator()(sqlite3* handle) const;
    };

    void run(const char* sql);
    [[nodiscard]] std::int64_t number(const char* sql);
    void migrate();
    void write(const StoreOp& op);
    [[noreturn]] void fail(int code) const;

    std::filesystem::path file_;
    std::unique_ptr<sqlite3, Close> handle_;
    std::vector<StoreOp> batch_;
    std::int64_t seen_version_ = 0;
};

}  // namespace pinhole::rendezvous
