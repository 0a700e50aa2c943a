// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/store/database.h"

namespace dragoman {
namespace {

[[noreturn]] void fail(sqlite3* handle, int code) {
  throw DatabaseError(handle ? sqlite3_extended_errcode(handle) : code,
                      handle ? sqlite3_errmsg(handle) : sqlite3_errstr(code));
}

}  // namespace

Database::Database(const std::string& path, DatabaseAccess access) {
  // A reader, too, opens for writing where it may: in WAL mode it shares the lock file.
  const int flags = access == DatabaseAccess::kReadWrite
                        ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
                        : SQLITE_OPEN_READWRITE;
  sqlite3* handle = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &handle, flags | SQLITE_OPEN_NOMUTEX, nullptr);
  handle_.reset(handle);
  if (code != SQLITE_OK) fail(handle, code);
  sqlite3_extended_result_codes(handle, 1);
  sqlite3_busy_timeout(handle, 2000);
  if (access == DatabaseAccess::kReadOnly) run("PRAGMA query_only = 1");
}

void Database::run(const std::string& sql) {
  const int code = sqlite3_exec(handle_.get(), sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) fail(handle_.get(), code);
}

Statement Database::prepare(std::string_view sql) { return Statement(handle_.get(), sql); }

int64_t Database::number(std::string_view sql, int64_t otherwise) {
  Statement statement = prepare(sql);
  return statement.step() ? statement.number(0) : otherwise;
}

Statement::Statement(sqlite3* database, std::string_view sql) {
  sqlite3_stmt* handle = nullptr;
  const int code =
      sqlite3_prepare_v2(database, sql.data(), static_cast<int>(sql.size()), &handle, nullptr);
  handle_.reset(handle);
  if (code != SQLITE_OK) fail(database, code);
}

void Statement::check(int code) {
  if (code != SQLITE_OK) fail(sqlite3_db_handle(handle_.get()), code);
}

void Statement::bind(int index, int64_t value) {
  check(sqlite3_bind_int64(handle_.get(), index, value));
}

void Statement::bind(int index, double value) {
  check(sqlite3_bind_double(handle_.get(), index, value));
}

void Statement::bind(int index, const std::string& value) {
  check(sqlite3_bind_text(handle_.get(), index, value.data(), static_cast<int>(value.size()),
                          SQLITE_TRANSIENT));
}

void Statement::bind_in_place(int index, std::string_view text) {
  // A view of nothing may point nowhere, which SQLite would take for NULL.
  check(sqlite3_bind_text(handle_.get(), index, text.data() ? text.data() : "",
                          static_cast<int>(text.size()), SQLITE_STATIC));
}

void Statement::bind_null(int index) { check(sqlite3_bind_null(handle_.get(), index)); }

bool Statement::step() {
  const int code = sqlite3_step(handle_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  // The message must be read before the reset clears it.
  DatabaseError error(sqlite3_extended_errcode(sqlite3_db_handle(handle_.get())),
                      sqlite3_errmsg(sqlite3_db_handle(handle_.get())));
  reset();
  throw error;
}

void Statement::run() {
  while (step()) {
  }
  reset();
}

void Statement::reset() {
  sqlite3_reset(handle_.get());
  sqlite3_clear_bindings(handle_.get());
}

std::string Statement::text(int column) const {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(handle_.get(), column));
  return text ? std::string(text, static_cast<size_t>(sqlite3_column_bytes(handle_.get(), column)))
              : std::string();
}

}  // namespace dragoman
