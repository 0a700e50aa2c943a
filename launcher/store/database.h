// SPDX-License-Identifier: LGPL-2.1-or-later
// SQLite as C++ values: a connection and a prepared statement. One thread at a time each.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace dragoman {

/// What SQLite refused, with its extended result code.
class DatabaseError : public std::runtime_error {
 public:
  DatabaseError(int code, const std::string& message) : std::runtime_error(message), code_(code) {}
  /// The extended result code; its low byte is the primary one.
  int code() const { return code_; }
  int primary_code() const { return code_ & 0xff; }

 private:
  int code_;
};

enum class DatabaseAccess {
  kReadOnly,   ///< the file must exist
  kReadWrite,  ///< the file is created if there is none
};

class Statement;

/// A connection. Every failure is a DatabaseError.
class Database {
 public:
  Database(const std::string& path, DatabaseAccess access);
  /// Runs one or more statements that answer nothing.
  void run(const std::string& sql);
  Statement prepare(std::string_view sql);
  /// The first column of the first row, or `otherwise` without rows.
  int64_t number(std::string_view sql, int64_t otherwise = 0);
  /// Rows that the last INSERT, UPDATE or DELETE touched.
  int changes() const { return sqlite3_changes(handle_.get()); }
  sqlite3* handle() const { return handle_.get(); }

 private:
  struct Close {
    void operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }
  };
  std::unique_ptr<sqlite3, Close> handle_;
};

/// A prepared statement. Bind from 1, step, read columns from 0, reset, and again.
class Statement {
 public:
  Statement(sqlite3* database, std::string_view sql);

  void bind(int index, int64_t value);
  void bind(int index, double value);  ///< NaN is stored as NULL
  void bind(int index, const std::string& value);
  /// Not copied: `text` must stay as it is until the next reset() or run().
  void bind_in_place(int index, std::string_view text);
  void bind_null(int index);
  int parameters() const { return sqlite3_bind_parameter_count(handle_.get()); }

  /// True while there is a row to read.
  bool step();
  /// Steps to the end and makes it ready for the next bindings.
  void run();
  void reset();

  int64_t number(int column) const { return sqlite3_column_int64(handle_.get(), column); }
  double real(int column) const { return sqlite3_column_double(handle_.get(), column); }
  std::string text(int column) const;
  /// For sqlite3_column_…() of what is not above.
  sqlite3_stmt* handle() const { return handle_.get(); }
  bool is_null(int column) const { return type(column) == SQLITE_NULL; }
  /// SQLITE_INTEGER, SQLITE_FLOAT, SQLITE_TEXT, SQLITE_BLOB or SQLITE_NULL.
  int type(int column) const { return sqlite3_column_type(handle_.get(), column); }
  int columns() const { return sqlite3_column_count(handle_.get()); }

 private:
  void check(int code);
  struct Finalize {
    void operator()(sqlite3_stmt* handle) const { sqlite3_finalize(handle); }
  };
  std::unique_ptr<sqlite3_stmt, Finalize> handle_;
};

}  // namespace dragoman
