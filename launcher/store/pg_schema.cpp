// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/store/pg_schema.h"

#include <cstdlib>

#include "launcher/store/ship_table.h"

namespace dragoman {
namespace {

#include "launcher/store/postgresql_migrations.inc"

/// Of the advisory lock; any number that no other program on the database uses.
constexpr char kLock[] = "7235440981126";
/// An index over a large table takes its time.
constexpr std::chrono::hours kLongest{6};

struct Found {
  int version = 0;
  bool is_recorded = true;  ///< in schema_migrations; else only the table's comment tells it
};

Found version_of(PgConnection& connection) {
  if (connection.query("SELECT to_regclass('schema_migrations')").is_null(0, 0)) return {};
  const PgRows rows = connection.query(
      "SELECT max(version), substring(obj_description('schema_migrations'::regclass, 'pg_class') "
      "FROM 'version ([0-9]+)') FROM schema_migrations");
  if (!rows.is_null(0, 0)) return {std::atoi(rows.text(0, 0).c_str()), true};
  return {std::atoi(rows.text(0, 1).c_str()), rows.is_null(0, 1)};
}

void refuse_newer(int version, int newest) {
  if (version <= newest) return;
  throw SchemaTooNew("its schema has version " + std::to_string(version) +
                     ", this program knows up to " + std::to_string(newest) +
                     ": start a newer dragoman, or name another database");
}

void record(PgConnection& connection, const Migration& migration) {
  connection.query("INSERT INTO schema_migrations (version, name) VALUES ($1, $2)",
                   {std::to_string(migration.version), migration.name});
}

void apply(PgConnection& connection, const Migration& migration) {
  connection.run(migration.sql, kLongest);
  record(connection, migration);
  // A dump without rows has this all the same.
  connection.run("COMMENT ON TABLE schema_migrations IS 'schema of Dragoman, version " +
                 std::to_string(migration.version) + "'");
}

/// What migrations write of rows, for a database that was made of another's tables without any.
void take_over(PgConnection& connection, std::span<const Migration> migrations, int version) {
  for (const Migration& migration : migrations)
    if (migration.version <= version) record(connection, migration);
  if (!connection.query("SELECT to_regclass('store_identity')").is_null(0, 0))
    connection.run("INSERT INTO store_identity DEFAULT VALUES ON CONFLICT DO NOTHING");
}

}  // namespace

std::span<const Migration> known_pg_migrations() { return kMigrations; }

std::string busy_tables() {
  std::string all = "'station_buckets', 'shipping_marks'";
  for (const ShipTable& table : ship_tables()) all += ", '" + table.name + "'";
  return all;
}

bool has_store(PgConnection& connection) {
  return !connection.query("SELECT to_regclass('station_buckets')").is_null(0, 0);
}

void migrate(PgConnection& connection, std::span<const Migration> migrations) {
  const int newest = migrations.empty() ? 0 : migrations.back().version;
  const Found found = version_of(connection);
  refuse_newer(found.version, newest);
  if (found.version == newest && found.is_recorded) return;
  // The lock first and alone: what it waited for must be visible to what follows.
  connection.run(std::string("BEGIN; SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0; "
                             "SELECT pg_advisory_xact_lock(") +
                     kLock + ")",
                 kLongest);
  try {
    connection.run(
        "CREATE TABLE IF NOT EXISTS schema_migrations (version INTEGER PRIMARY KEY, "
        "name TEXT NOT NULL, applied_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP)");
    const auto [version, is_recorded] = version_of(connection);
    refuse_newer(version, newest);
    if (!is_recorded) take_over(connection, migrations, version);
    for (const Migration& migration : migrations)
      if (migration.version > version) apply(connection, migration);
    connection.run("COMMIT", kLongest);
  } catch (...) {
    connection.rollback();
    throw;
  }
}

}  // namespace dragoman
