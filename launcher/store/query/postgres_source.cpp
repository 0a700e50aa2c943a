// SPDX-License-Identifier: LGPL-2.1-or-later
#include <cstdlib>

#include "launcher/store/pg_connection.h"
#include "launcher/store/pg_schema.h"
#include "launcher/store/query/query_source.h"

namespace dragoman {
namespace {

constexpr char kDatabase[] = "monitoring_v2";
constexpr PgTimeouts kTimeouts{.connect = std::chrono::seconds(10),
                               .statement = std::chrono::minutes(5)};

// Types by their number in pg_type.dat.
constexpr Oid kInt8 = 20, kInt2 = 21, kInt4 = 23, kFloat4 = 700, kFloat8 = 701, kNumeric = 1700;
// SQLSTATEs (PostgreSQL's appendix A).
constexpr char kNoTable[] = "42P01", kNoColumn[] = "42703", kNoDatabase[] = "3D000",
               kBadPassword[] = "28P01", kNoRight[] = "42501";

Cell cell_at(const PgRows& rows, int row, int column) {
  if (rows.is_null(row, column)) return {};
  const std::string text = rows.text(row, column);
  switch (rows.type(column)) {
    case kInt2:
    case kInt4:
    case kInt8:
      return static_cast<int64_t>(std::strtoll(text.c_str(), nullptr, 10));
    case kFloat4:
    case kFloat8:
    case kNumeric:
      return std::strtod(text.c_str(), nullptr);
    default:
      return text;
  }
}

std::string cure_of(const PgError& error, const PgTarget& target) {
  const std::string& state = error.sqlstate();
  if (state == kNoTable || state == kNoColumn)
    return "; 'dragoman serve' makes the tables when it ships to this database, an older one has "
           "not all of them";
  if (state == kNoDatabase) return "; name the database with dbname=… in --postgresql";
  if (state == kBadPassword || error.sqlstate().empty())
    return "; host, user and dbname are of --postgresql, the password of PGPASSWORD or ~/.pgpass";
  if (state == kNoRight) return "; GRANT SELECT on the tables to " + target.user();
  return "";
}

PgTarget target_of(const std::string& conninfo) {
  PgTarget target(conninfo, "");
  if (!target.parameter("dbname").empty()) return target;
  const char* database = std::getenv("MONITORING_DB");
  return PgTarget(conninfo, database && *database ? database : kDatabase);
}

class PostgresSource : public QuerySource {
 public:
  explicit PostgresSource(const PgTarget& target)
      : target_(target), connection_(target, kTimeouts) {
    if (!has_store(connection_))
      throw QueryError("PostgreSQL " + target.name() +
                       ": it has not our tables; 'dragoman serve' makes the tables when it ships "
                       "there; name the database it ships to with dbname=…");
    connection_.run("BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY");
  }

  std::vector<CellRow> select(const std::string& sql,
                              const std::vector<std::string>& values) override {
    try {
      const PgRows rows = connection_.query(sql, values);
      std::vector<CellRow> cells(static_cast<size_t>(rows.size()));
      for (int row = 0; row < rows.size(); ++row) {
        for (int column = 0; column < rows.columns(); ++column)
          cells[static_cast<size_t>(row)].push_back(cell_at(rows, row, column));
      }
      return cells;
    } catch (const PgError& error) {
      throw QueryError("PostgreSQL " + target_.name() + ": " + error.what() +
                       cure_of(error, target_));
    }
  }

  std::string time_text(const std::string& column) const override {
    return "to_char(" + column + " AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')";
  }
  std::string buckets(const Conditions& conditions) const override {
    return "SELECT trace_id, station_key, tap, bucket_ts FROM station_buckets" + conditions.text();
  }

 private:
  const PgTarget target_;
  PgConnection connection_;
};

}  // namespace

std::unique_ptr<QuerySource> open_postgres_source(const std::string& conninfo) {
  const PgTarget target = target_of(conninfo);
  try {
    return std::make_unique<PostgresSource>(target);
  } catch (const PgError& error) {
    throw QueryError("PostgreSQL " + target.name() + ": " + error.what() + cure_of(error, target));
  }
}

}  // namespace dragoman
