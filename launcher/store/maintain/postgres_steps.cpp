// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/store/iso_time.h"
#include "launcher/store/maintain/steps.h"
#include "launcher/store/pg_connection.h"
#include "launcher/store/pg_schema.h"
#include "launcher/store/ship_sink.h"

namespace dragoman::maintain {
namespace {

constexpr PgTimeouts kTimeouts{.connect = std::chrono::seconds(10),
                               .statement = std::chrono::hours(2)};
constexpr uint64_t kHour = 3'600'000'000'000;
/// The retention comes every few minutes.
constexpr uint64_t kRetentionSlack = kHour;

PgTarget target_of(const MaintainOptions& options) {
  try {
    const PgTarget target(*options.postgresql, options.config.store.database);
    return target.parameter("dbname").empty() ? PgTarget(*options.postgresql, "monitoring_v2")
                                              : target;
  } catch (const std::invalid_argument& error) {
    throw MaintainFailure(std::string("PostgreSQL, of --postgresql or [store] postgresql: ") +
                          error.what());
  }
}

/// What `work` says of the database that is shipped to, after its name.
template <typename Work>
std::string on_postgresql(const MaintainOptions& options, const Work& work) {
  if (!options.postgresql) return "none is configured";
  const PgTarget target = target_of(options);
  try {
    PgConnection connection(target, kTimeouts);
    if (!has_store(connection))
      throw MaintainFailure("PostgreSQL " + target.name() +
                            ": it has not our tables; 'dragoman serve' makes them when it ships "
                            "there, or name the database it ships to");
    return target.name() + ": " + work(connection, target);
  } catch (const PgError& error) {
    throw MaintainFailure(trouble(target, error));
  }
}

}  // namespace

std::string vacuum_postgresql(const MaintainOptions& options) {
  return on_postgresql(options, [](PgConnection& connection, const PgTarget& target) {
    // Another program's tables are its own affair. Of one that is not this user's VACUUM would say
    // nothing and do nothing.
    const PgRows tables = connection.query(
        "SELECT quote_ident(tablename), pg_has_role(tableowner, 'USAGE') FROM pg_tables WHERE "
        "schemaname = current_schema() AND tablename IN (" +
        busy_tables() + ") ORDER BY 1");
    std::string others;
    for (int i = 0; i < tables.size(); ++i) {
      if (tables.text(i, 1) == "t")
        connection.run("VACUUM ANALYZE " + tables.text(i, 0));
      else
        others += (others.empty() ? "" : ", ") + tables.text(i, 0);
    }
    if (!others.empty())
      throw MaintainFailure("PostgreSQL " + target.name() + ": " + others +
                            " are not vacuumed, as they are not the role " + target.user() +
                            "'s; run this as their owner, or ALTER TABLE … OWNER TO " +
                            target.user());
    const PgRows size =
        connection.query("SELECT pg_size_pretty(pg_database_size(current_database()))");
    return std::to_string(tables.size()) + " tables, " + size.text(0, 0);
  });
}

std::string check_postgresql(const MaintainOptions& options) {
  return on_postgresql(options, [&options](PgConnection& connection, const PgTarget& target) {
    const uint64_t hours = static_cast<uint64_t>(options.config.postgresql_retention_hours());
    const std::string oldest =
        connection
            .query(
                "SELECT to_char(least((SELECT min(bucket_ts) FROM metrics_agg_5s), (SELECT "
                "min(bucket_ts) FROM audio_segments_5s), (SELECT min(bucket_ts) FROM "
                "knob_snapshots_5s)), 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')")
            .text(0, 0);
    if (oldest.empty()) return std::string("nothing is kept yet");
    const std::string since = "the oldest bucket is of " + oldest;
    if (hours == 0) return since + "; everything is kept";
    if (const auto time = parse_iso_time(oldest);
        time && *time + hours * kHour + kRetentionSlack < options.now)
      throw MaintainFailure("PostgreSQL " + target.name() + ": " + since + ", but " +
                            std::to_string(hours) +
                            " hours are kept; what is older goes while 'dragoman serve' runs: "
                            "start it, and look in its log for why it does not");
    return since + ", " + std::to_string(hours) + " hours are kept";
  });
}

}  // namespace dragoman::maintain
