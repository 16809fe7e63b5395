#include "workspace/database.h"

#include <sqlite3.h>

#include <chrono>
#include <thread>

#include "base/error.h"

namespace espalier {
namespace {

constexpr int kBusyTimeoutMs = 20000;

[[noreturn]] void fail(sqlite3* database, const std::string& where, int code) {
  const bool full = code == SQLITE_FULL, damaged = code == SQLITE_CORRUPT || code == SQLITE_NOTADB;
  throw Error(damaged ? ErrorKind::Format : ErrorKind::Io,
              {.what = "the workspace's database cannot be used",
               .where = where,
               .got = database != nullptr ? sqlite3_errmsg(database) : sqlite3_errstr(code),
               .wanted = {},
               .next = full      ? "Free some disk space."
                       : damaged ? "Move the file away; a new one is made, and the runs in the old one are lost."
                                 : "Check that the folder can be written to, or choose another workspace."});
}

}  // namespace

Statement::Statement(sqlite3* database, const char* sql, const std::string& where)
    : database_(database), where_(where) {
  const int code = sqlite3_prepare_v2(database, sql, -1, &statement_, nullptr);
  if (code != SQLITE_OK) fail(database, where, code);
}

Statement::~Statement() { sqlite3_finalize(statement_); }

Statement& Statement::bind(int parameter, int64_t value) {
  const int code = sqlite3_bind_int64(statement_, parameter, value);
  if (code != SQLITE_OK) fail(database_, where_, code);
  return *this;
}

Statement& Statement::bind(int parameter, const std::string& value) {
  const int code =
      sqlite3_bind_text(statement_, parameter, value.data(), static_cast<int>(value.size()), SQLITE_TRANSIENT);
  if (code != SQLITE_OK) fail(database_, where_, code);
  return *this;
}

bool Statement::step() {
  const int code = sqlite3_step(statement_);
  if (code != SQLITE_ROW && code != SQLITE_DONE) fail(database_, where_, code);
  return code == SQLITE_ROW;
}

int64_t Statement::integer(int column) const { return sqlite3_column_int64(statement_, column); }

std::string Statement::text(int column) const {
  const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  return bytes == nullptr ? std::string()
                          : std::string(bytes, static_cast<size_t>(sqlite3_column_bytes(statement_, column)));
}

Database::Database(const std::filesystem::path& file) : where_(file.string()) {
  const int code = sqlite3_open_v2(where_.c_str(), &database_,
                                   SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  try {
    if (code != SQLITE_OK) fail(database_, where_, code);
    sqlite3_busy_timeout(database_, kBusyTimeoutMs);
    // Two processes that make the log at once do not wait for each other here as they do everywhere else.
    for (int attempt = 0;; ++attempt) {
      const int result = sqlite3_exec(database_, "PRAGMA journal_mode = WAL", nullptr, nullptr, nullptr);
      if (result == SQLITE_OK) break;
      if ((result != SQLITE_BUSY && result != SQLITE_LOCKED) || attempt == 500) fail(database_, where_, result);
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    execute("PRAGMA synchronous = FULL");
  } catch (...) {
    sqlite3_close_v2(database_);
    throw;
  }
}

Database::~Database() { sqlite3_close_v2(database_); }

void Database::execute(const char* sql) {
  const int code = sqlite3_exec(database_, sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) fail(database_, where_, code);
}

int64_t Database::last_insert_id() const { return sqlite3_last_insert_rowid(database_); }

Transaction::Transaction(Database& database) : database_(database) { database_.execute("BEGIN IMMEDIATE"); }

Transaction::~Transaction() {
  if (!open_) return;
  try {
    database_.execute("ROLLBACK");
  } catch (const Error&) {
    // The connection is broken; SQLite rolls back by itself when the file is next opened.
  }
}

void Transaction::commit() {
  database_.execute("COMMIT");
  open_ = false;
}

}  // namespace espalier
