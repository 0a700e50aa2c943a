// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/store/migrations.h"

#include <glib.h>
#include <sys/statvfs.h>

#include <algorithm>

#include "launcher/store/iso_time.h"

namespace dragoman {
namespace {

#include "launcher/store/sqlite_migrations.inc"

std::string megabytes(int64_t bytes) { return std::to_string(bytes >> 20) + " MiB"; }

void apply(Database& database, const Migration& migration) {
  database.run(migration.sql);
  Statement statement = database.prepare(
      "INSERT INTO schema_migrations (version, name, applied_at) VALUES (?, ?, ?)");
  statement.bind(1, int64_t{migration.version});
  statement.bind(2, std::string(migration.name));
  statement.bind(3, iso_time(static_cast<uint64_t>(g_get_real_time()) * 1000));
  statement.run();
}

/// Applies `migration` unless another process was faster.
void apply_once(Database& database, const Migration& migration) {
  database.run("BEGIN IMMEDIATE");
  try {
    if (database.number("SELECT max(version) FROM schema_migrations") < migration.version) {
      apply(database, migration);
    }
    database.run("COMMIT");
  } catch (...) {
    if (!sqlite3_get_autocommit(database.handle())) database.run("ROLLBACK");
    throw;
  }
}

/// An upgrade writes the tables anew through the write-ahead log: for a moment they are there
/// thrice (of 170 MiB of rows 530 were measured).
void check_room(Database& database) {
  struct statvfs disk {};
  const char* path = sqlite3_db_filename(database.handle(), "main");
  if (!path || ::statvfs(path, &disk) != 0) return;
  const int64_t page = database.number("PRAGMA page_size");
  const int64_t unused = database.number("PRAGMA freelist_count") * page;
  const int64_t used = database.number("PRAGMA page_count") * page - unused;
  const int64_t needed = used + used / 4 + std::max<int64_t>(0, used + used / 4 - unused);
  const auto free = static_cast<int64_t>(disk.f_bavail * disk.f_frsize);
  if (free >= needed) return;
  throw DatabaseError(SQLITE_FULL, "the upgrade of its schema needs " +
                                       megabytes(needed + (1 << 20)) + " of free disk space, " +
                                       megabytes(free) + " are there");
}

}  // namespace

std::span<const Migration> known_migrations() { return kMigrations; }

void migrate(Database& database, std::span<const Migration> migrations) {
  database.run(
      "CREATE TABLE IF NOT EXISTS schema_migrations ("
      " version INTEGER NOT NULL PRIMARY KEY, name TEXT NOT NULL, applied_at TEXT NOT NULL)");
  const int64_t version = database.number("SELECT max(version) FROM schema_migrations");
  const int newest = migrations.empty() ? 0 : migrations.back().version;
  if (version > newest) {
    throw SchemaTooNew("its schema has version " + std::to_string(version) +
                       ", this program knows up to " + std::to_string(newest) +
                       ": start a newer dragoman, or name another data folder");
  }
  if (version < newest) check_room(database);
  for (const Migration& migration : migrations) {
    if (migration.version > version) apply_once(database, migration);
  }
}

}  // namespace dragoman
