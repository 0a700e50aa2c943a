// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/store/maintain/steps.h"
#include "launcher/store/pg_connection.h"

namespace dragoman::maintain {
namespace {

constexpr PgTimeouts kTimeouts{.connect = std::chrono::seconds(10),
                               .statement = std::chrono::hours(2)};

}  // namespace

std::string vacuum_postgresql(const MaintainOptions& options) {
  if (!options.postgresql) return "none is configured";
  PgTarget target(*options.postgresql, options.config.store.database);
  if (target.parameter("dbname").empty()) target = PgTarget(*options.postgresql, "monitoring_v2");
  try {
    PgConnection connection(target, kTimeouts);
    // Ours are those that the migrations made; another program's tables are its own affair.
    const PgRows tables = connection.query(
        "SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = current_schema() AND "
        "tablename IN ('traces', 'metrics_agg_5s', 'audio_segments_5s', 'knob_snapshots_5s', "
        "'knob_events', 'utterances', 'station_buckets') ORDER BY 1");
    for (int i = 0; i < tables.size(); ++i) connection.run("VACUUM ANALYZE " + tables.text(i, 0));
    const PgRows size =
        connection.query("SELECT pg_size_pretty(pg_database_size(current_database()))");
    return target.name() + ": " + std::to_string(tables.size()) + " tables, " + size.text(0, 0);
  } catch (const PgError& error) {
    throw MaintainFailure("PostgreSQL " + target.name() + ": " + error.what() +
                          "; host, user and dbname are of --postgresql, the password of PGPASSWORD "
                          "or ~/.pgpass; the tables must be this user's");
  }
}

}  // namespace dragoman::maintain
