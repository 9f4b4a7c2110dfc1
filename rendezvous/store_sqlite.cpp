#include "rendezvous/store_sqlite.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

namespace pinhole::rendezvous {
namespace {

constexpr std::int64_t kSchemaVersion = 1;
/// How long another process may hold the file (a `release`, a backup).
constexpr int kBusyMilliseconds = 2000;

constexpr const char* kSchema = R"(
    CREATE TABLE bindings(
        id         TEXT    NOT NULL PRIMARY KEY CHECK(length(id) BETWEEN 1 AND 32),
        key        BLOB    NOT NULL CHECK(length(key) = 32),
        first_seen INTEGER NOT NULL,
        last_proof INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    PRAGMA user_version = 1;
)";

/// One prepared statement, for the length of one use.
class Statement {
  public:
    Statement(sqlite3* handle, const char* sql) {
        code_ = sqlite3_prepare_v2(handle, sql, -1, &statement_, nullptr);
    }
    ~Statement() { sqlite3_finalize(statement_); }
    Statement(const Statement&) = delete;
    Statement& operator=(const Statement&) = delete;

    Statement& text(int at, std::string_view value) {
        return note(sqlite3_bind_text(statement_, at, value.data(), static_cast<int>(value.size()),
                                      SQLITE_TRANSIENT));
    }
    Statement& blob(int at, Bytes value) {
        return note(sqlite3_bind_blob(statement_, at, value.data(), static_cast<int>(value.size()),
                                      SQLITE_TRANSIENT));
    }
    Statement& date(int at, WallTime value) {
        return note(sqlite3_bind_int64(statement_, at, value.time_since_epoch().count()));
    }

    /// SQLITE_ROW, SQLITE_DONE, or what went wrong on the way here.
    [[nodiscard]] int step() { return code_ == SQLITE_OK ? sqlite3_step(statement_) : code_; }

    [[nodiscard]] Bytes column(int at) const {
        const void* data = sqlite3_column_blob(statement_, at);
        const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, at));
        return {static_cast<const std::byte*>(data), size};
    }
    [[nodiscard]] std::int64_t integer(int at) const {
        return sqlite3_column_int64(statement_, at);
    }
    [[nodiscard]] WallTime date(int at) const {
        return WallTime{std::chrono::seconds{integer(at)}};
    }

  private:
    Statement& note(int code) {
        if (code_ == SQLITE_OK) code_ = code;
        return *this;
    }

    sqlite3_stmt* statement_ = nullptr;
    int code_;
};

}  // namespace

void SqliteStore::Close::operator()(sqlite3* handle) const {
    sqlite3_close(handle);
}

SqliteStore::SqliteStore(const std::filesystem::path& file) : file_(file) {
    sqlite3* handle = nullptr;
    const int code =
        sqlite3_open_v2(file.c_str(), &handle,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
    handle_.reset(handle);
    if (code != SQLITE_OK) fail(code);
    sqlite3_busy_timeout(handle, kBusyMilliseconds);
    run("PRAGMA journal_mode = WAL");
    run("PRAGMA synchronous = FULL");
    Statement check{handle, "PRAGMA quick_check(1)"};
    if (const int checked = check.step(); checked != SQLITE_ROW) fail(checked);
    if (as_text(check.column(0)) != "ok") fail(SQLITE_CORRUPT);
    migrate();
    seen_version_ = number("PRAGMA data_version");
}

void SqliteStore::migrate() {
    const std::int64_t version = number("PRAGMA user_version");
    if (version == kSchemaVersion) return;
    if (version != 0) {
        throw StoreError(fmt::format(
            "{} was written by a later version of rendezvous (schema {}, this one knows {}). "
            "Install that version, or start with another --state-dir",
            file_.string(), version, kSchemaVersion));
    }
    run("BEGIN IMMEDIATE");
    run(kSchema);
    run("COMMIT");
}

std::vector<StoredBinding> SqliteStore::all() {
    std::vector<StoredBinding> out;
    for_each([&](const StoredBinding& binding) { out.push_back(binding); });
    return out;
}

void SqliteStore::for_each(const std::function<void(const StoredBinding&)>& visit) {
    Statement rows{handle_.get(),
                   "SELECT id, key, first_seen, last_proof FROM bindings ORDER BY id"};
    int code = rows.step();
    for (; code == SQLITE_ROW; code = rows.step()) {
        const auto id = wire::Id::parse(as_text(rows.column(0)));
        if (!id || rows.column(1).size() != crypto::kKeySize) fail(SQLITE_CORRUPT);
        visit({.id = *id,
               .key = crypto::PublicKey::from_bytes(rows.column(1)),
               .first_seen = rows.date(2),
               .last_proof = rows.date(3)});
    }
    if (code != SQLITE_DONE) fail(code);
}

SqliteStore::Committed SqliteStore::commit() {
    Committed out;
    const std::vector<StoreOp> batch = std::exchange(batch_, {});
    try {
        run("BEGIN IMMEDIATE");
        for (const StoreOp& op : batch) write(op);
        run("COMMIT");
    } catch (const StoreError& error) {
        out.failure = error.what();
        // Whatever happened, no transaction may stay open; without one this does nothing.
        sqlite3_exec(handle_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
    }
    for (const StoreOp& op : batch) {
        const auto* claim = std::get_if<Claim>(&op);
        if (claim != nullptr) {
            out.claims.push_back({.claim = *claim, .stored = out.failure.empty()});
        }
    }
    return out;
}

void SqliteStore::write(const StoreOp& op) {
    int code = SQLITE_DONE;
    if (const auto* claim = std::get_if<Claim>(&op)) {
        Statement upsert{handle_.get(), "INSERT OR REPLACE INTO bindings VALUES(?, ?, ?, ?)"};
        code = upsert.text(1, claim->id.text())
                   .blob(2, claim->key.bytes())
                   .date(3, claim->at)
                   .date(4, claim->at)
                   .step();
    } else if (const auto* touch = std::get_if<Touch>(&op)) {
        Statement update{handle_.get(), "UPDATE bindings SET last_proof = ? WHERE id = ?"};
        code = update.date(1, touch->at).text(2, touch->id.text()).step();
    } else if (const auto* unclaim = std::get_if<Unclaim>(&op)) {
        Statement erase{handle_.get(), "DELETE FROM bindings WHERE id = ?"};
        code = erase.text(1, unclaim->id.text()).step();
    }
    if (code != SQLITE_DONE) fail(code);
}

bool SqliteStore::changed_elsewhere() {
    const std::int64_t version = number("PRAGMA data_version");
    return std::exchange(seen_version_, version) != version;
}

void SqliteStore::run(const char* sql) {
    const int code = sqlite3_exec(handle_.get(), sql, nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) fail(code);
}

std::int64_t SqliteStore::number(const char* sql) {
    Statement query{handle_.get(), sql};
    const int code = query.step();
    if (code != SQLITE_ROW) fail(code);
    return query.integer(0);
}

void SqliteStore::fail(int code) const {
    const std::string file = file_.string();
    switch (code & 0xff) {  // the primary result code
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
            throw StoreError(fmt::format(
                "{0} is damaged or no database. Put a backup in its place, or start afresh (every "
                "id is then free): mv {0} {0}.damaged",
                file));
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
            throw StoreError(
                fmt::format("{0} is locked by another process. See which one: fuser -v {0}", file));
        case SQLITE_CANTOPEN:
        case SQLITE_PERM:
        case SQLITE_READONLY:
            throw StoreError(fmt::format(
                "{0} cannot be opened for writing. Check owner and mode: ls -l {0}", file));
        case SQLITE_FULL:
            throw StoreError(
                fmt::format("the disk is full, so {0} cannot grow. Make room: df -h {0}", file));
        default: throw StoreError(fmt::format("{}: {}", file, sqlite3_errmsg(handle_.get())));
    }
}

}  // namespace pinhole::rendezvous
