// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/store/pg_schema.h"

#include <cstdlib>

namespace dragoman {
namespace {

#include "launcher/store/postgresql_migrations.inc"

/// Of the advisory lock; any number that no other program on the database uses.
constexpr char kLock[] = "7235440981126";
/// An index over a large table takes its time.
constexpr std::chrono::hours kLongest{6};

int version_of(PgConnection& connection) {
  if (connection.query("SELECT to_regclass('schema_migrations')").is_null(0, 0)) return 0;
  return std::atoi(connection.query("SELECT coalesce(max(version), 0) FROM schema_migrations")
                       .text(0, 0)
                       .c_str());
}

void refuse_newer(int version, int newest) {
  if (version <= newest) return;
  throw SchemaTooNew("its schema has version " + std::to_string(version) +
                     ", this program knows up to " + std::to_string(newest) +
                     ": start a newer dragoman, or name another database");
}

void apply(PgConnection& connection, const Migration& migration) {
  connection.run(migration.sql, kLongest);
  connection.query("INSERT INTO schema_migrations (version, name) VALUES ($1, $2)",
                   {std::to_string(migration.version), migration.name});
}

}  // namespace

std::span<const Migration> known_pg_migrations() { return kMigrations; }

void migrate(PgConnection& connection, std::span<const Migration> migrations) {
  const int newest = migrations.empty() ? 0 : migrations.back().version;
  const int found = version_of(connection);
  refuse_newer(found, newest);
  if (found == newest) return;
  // The lock first and alone: what it waited for must be visible to what follows.
  connection.run(std::string("BEGIN; SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0; "
                             "SELECT pg_advisory_xact_lock(") +
                     kLock + ")",
                 kLongest);
  try {
    connection.run(
        "CREATE TABLE IF NOT EXISTS schema_migrations (version INTEGER PRIMARY KEY, "
        "name TEXT NOT NULL, applied_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP)");
    const int version = version_of(connection);
    refuse_newer(version, newest);
    for (const Migration& migration : migrations)
      if (migration.version > version) apply(connection, migration);
    connection.run("COMMIT", kLongest);
  } catch (...) {
    connection.rollback();
    throw;
  }
}

}  // namespace dragoman
