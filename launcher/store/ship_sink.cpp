// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/store/ship_sink.h"

#include <cstdlib>

#include "launcher/store/pg_schema.h"

namespace dragoman {
namespace {

constexpr char kUniqueViolation[] = "23505";
/// So many rows of a batch, and none that is taken: the fault is the table's.
constexpr size_t kMostRefused = 100;

/// What can be done about an error of a server that answered.
std::string cure(const PgTarget& target, const std::string& state) {
  const std::string user = target.user(), database = target.database();
  if (state == "28P01")
    return "set PGPASSWORD or write ~/.pgpass with the password of the role " + user;
  if (state.starts_with("28"))
    return "let the role " + user + " in: createuser " + user +
           ", and a line in pg_hba.conf that takes it; or name another with user=";
  if (state == "3D000") return "createdb -O " + user + " " + database;
  if (state == "42501")
    return "let the role " + user + " write there: ALTER DATABASE " + database + " OWNER TO " +
           user + ", or have its owner GRANT it CREATE ON SCHEMA public and the tables";
  if (state == "25006" || state == "25P02")
    return "it is read-only, a standby perhaps; name the primary, or add "
           "target_session_attrs=read-write";
  if (state.starts_with("23"))
    return "add the partition that is missing, or drop the constraint that was added to the table "
           "(psql's \\d shows it)";
  if (state == "53100") return "its disk is full; free some space there";
  if (state == "53300") return "it has too many connections; raise max_connections";
  if (state == "57P03") return "it is starting or stopping; wait";
  if (state == "57014") return "it is slow or a lock is held; see pg_stat_activity";
  if (state.starts_with("57P") || state.starts_with("08")) return "see the server's log";
  if (state.starts_with("42") || state.starts_with("22"))
    return "a table is not as it should be; name another database, or compare it with "
           "data/migrations/postgresql";
  return "see the server's log";
}

}  // namespace

std::string trouble(const PgTarget& target, const PgError& error) {
  const std::string what = "PostgreSQL " + target.name() + ": " + error.what() + ": ";
  if (!error.sqlstate().empty()) return what + cure(target, error.sqlstate());
  const std::string said = error.what();
  const auto says = [&](const char* text) { return said.find(text) != std::string::npos; };
  if (says("password")) return what + cure(target, "28P01");
  // The last words of a server that cannot write its log; libpq loses their code with the
  // connection.
  if (says("No space left on device"))
    return what + cure(target, "53100") + ", and start it again if it has given up";
  return what + "see that it runs and that host and port are right (pg_isready)";
}

ShipSink::ShipSink(const PgTarget& target, const PgTimeouts& timeouts, int stop_fd)
    : connection_(target, timeouts, stop_fd) {
  migrate(connection_, known_pg_migrations());
  const PgRows rows = connection_.query("SELECT id FROM store_identity");
  if (rows.size() > 0) identity_ = rows.text(0, 0);
}

int64_t ShipSink::mark(const std::string& origin, const ShipTable& table) {
  const PgRows rows = connection_.query(
      "SELECT seq FROM shipping_marks WHERE origin = $1 AND kind = $2", {origin, table.name});
  return rows.size() > 0 ? std::atoll(rows.text(0, 0).c_str()) : 0;
}

ShipResult ShipSink::ship(const std::string& origin, const ShipTable& table,
                          const ShipBatch& batch) {
  ShipResult result;
  ship_rows(origin, table, batch, 0, batch.size(), result);
  return result;
}

void ShipSink::ship_rows(const std::string& origin, const ShipTable& table, const ShipBatch& batch,
                         size_t first, size_t last, ShipResult& result) {
  try {
    transact(origin, table, batch.rows(first, last), batch.seqs[last - 1]);
    result.shipped += last - first;
    return;
  } catch (const PgError& error) {
    connection_.rollback();
    if (!error.is_of_data()) throw;
    if (last - first == 1) {
      if (result.refused++ == 0) result.refusal = error.what();
      if (result.refused == kMostRefused && result.shipped == 0) throw;
      return;
    }
  }
  const size_t middle = first + (last - first) / 2;
  ship_rows(origin, table, batch, first, middle, result);
  ship_rows(origin, table, batch, middle, last, result);
}

void ShipSink::transact(const std::string& origin, const ShipTable& table, std::string_view rows,
                        int64_t seq) {
  const std::string whose = connection_.literal(origin);
  const std::string mark =
      "INSERT INTO shipping_marks AS m (origin, kind, seq) VALUES (" + whose + ", '" + table.name +
      "', " + std::to_string(seq) +
      ") ON CONFLICT (origin, kind) DO UPDATE SET seq = excluded.seq, updated_at = "
      "CURRENT_TIMESTAMP; COMMIT";
  const std::string columns = " (" + table.columns + ") FROM STDIN";
  if (table.mostly_new) {
    try {
      connection_.copy_in("BEGIN; COPY " + table.name + columns, rows);
      return connection_.run(mark);
    } catch (const PgError& error) {
      if (error.sqlstate() != kUniqueViolation) throw;
      connection_.rollback();
    }
  }
  connection_.copy_in("BEGIN; CREATE TEMPORARY TABLE IF NOT EXISTS " + table.staging() +
                          " ON COMMIT DELETE ROWS AS SELECT " + table.columns + " FROM " +
                          table.name + " WITH NO DATA; COPY " + table.staging() + columns,
                      rows);
  connection_.run(table.merge + " " + mark);
}

}  // namespace dragoman
