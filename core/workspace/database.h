#pragma once
// The little of SQLite that the workspace needs, with errors as exceptions.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

struct sqlite3;
struct sqlite3_stmt;

namespace espalier {

class Statement {
 public:
  Statement(sqlite3* database, const char* sql, const std::string& where);
  ~Statement();
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  // Parameters and columns count from 1 and 0, as in SQLite.
  Statement& bind(int parameter, int64_t value);
  Statement& bind(int parameter, const std::string& value);
  // True while there are rows.
  bool step();
  void run() {
    while (step()) continue;
  }
  int64_t integer(int column) const;
  std::string text(int column) const;

 private:
  sqlite3* database_;
  sqlite3_stmt* statement_ = nullptr;
  std::string where_;
};

// One connection, for one thread. Write-ahead log, so readers of other processes never wait.
class Database {
 public:
  explicit Database(const std::filesystem::path& file);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  Statement prepare(const char* sql) { return {database_, sql, where_}; }
  void execute(const char* sql);
  int64_t last_insert_id() const;

 private:
  sqlite3* database_ = nullptr;
  std::string where_;
};

// Holds the write lock until commit(); rolls back when it is left without.
class Transaction {
 public:
  explicit Transaction(Database& database);
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  void commit();

 private:
  Database& database_;
  bool open_ = true;
};

}  // namespace espalier
