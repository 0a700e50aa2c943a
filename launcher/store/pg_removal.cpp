// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/store/pg_removal.h"

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <utility>

#include "launcher/store/pg_schema.h"

namespace dragoman {
namespace {

using Clock = std::chrono::steady_clock;

constexpr uint64_t kFirstStep = 500;  // rows
constexpr char kBeginning[] = "-infinity";
/// Of the advisory lock; any number that no other program on the database uses.
constexpr char kTurn[] = "7235440981127";

}  // namespace

struct PgRemoval::Table {
  std::optional<RowKind> kind;  ///< nothing: not counted
  const char* name;
  const char* time;  ///< by which rows go
  const char* more;  ///< a condition on the row, named t, beside its time

  /// $1: from which time on, $2: before which, $3: how many rows. A row's time never lies before
  /// that of the last step, so the entries that earlier steps left in the index are not read again.
  /// What was found is fetched by its place (ctid), which a row of another partition has, too: it
  /// is meant only together with its partition (tableoid). IS TRUE keeps that from becoming a join,
  /// of which the planner would have to guess the order.
  std::string step() const {
    const std::string table = std::string(name) + " AS t", at = time,
                      is_old = at + " >= $1::timestamptz AND " + at + " < $2::timestamptz";
    return "WITH turn AS MATERIALIZED (SELECT pg_try_advisory_xact_lock(" + std::string(kTurn) +
           ") AS mine), found AS MATERIALIZED (SELECT t.tableoid AS part, t.ctid AS place FROM " +
           table + " WHERE (SELECT mine FROM turn) AND " + is_old + more + " ORDER BY " + at +
           " LIMIT $3::bigint FOR UPDATE OF t SKIP LOCKED), gone AS (DELETE FROM " + table +
           " WHERE ctid = ANY (ARRAY(SELECT place FROM found)) AND ((tableoid, ctid) IN (SELECT "
           "part, place FROM found)) IS TRUE AND " +
           is_old + " RETURNING " + at +
           " AS at) SELECT (SELECT mine FROM turn), count(*), max(at), (extract(epoch FROM "
           "clock_timestamp() - statement_timestamp()) * 1e9)::bigint FROM gone";
  }
};

// What is measured most first, what was said last; a trace when nothing of it is left. The triggers
// keep station_buckets: it has more only where two transactions took the halves of a bucket at
// once.
const PgRemoval::Table PgRemoval::kTables[] = {
    {RowKind::kSegment, "audio_segments_5s", "t.bucket_ts", ""},
    {RowKind::kMetric, "metrics_agg_5s", "t.bucket_ts", ""},
    {{},
     "station_buckets",
     "t.bucket_ts",
     " AND NOT EXISTS (SELECT FROM metrics_agg_5s m WHERE (m.trace_id, m.station_key, m.tap, "
     "m.bucket_ts) = (t.trace_id, t.station_key, t.tap, t.bucket_ts))"},
    {RowKind::kKnobSnapshot, "knob_snapshots_5s", "t.bucket_ts", ""},
    {RowKind::kKnobEvent, "knob_events", "t.created_at", ""},
    {RowKind::kUtterance, "utterances", "t.start_at", ""},
    {RowKind::kUtterance, "utterances",
     "coalesce(t.start_at, t.end_at, t.committed_at, t.translated_at, t.first_audio_at, "
     "'-infinity')",
     " AND t.start_at IS NULL AND NOT EXISTS (SELECT FROM traces o WHERE o.trace_id = t.trace_id "
     "AND coalesce(o.ended_at, 'infinity') >= $2::timestamptz)"},
    {RowKind::kTrace, "traces", "t.started_at",
     " AND t.ended_at < $2::timestamptz"
     " AND NOT EXISTS (SELECT FROM metrics_agg_5s x WHERE x.trace_id = t.trace_id)"
     " AND NOT EXISTS (SELECT FROM audio_segments_5s x WHERE x.trace_id = t.trace_id)"
     " AND NOT EXISTS (SELECT FROM utterances x WHERE x.trace_id = t.trace_id)"
     " AND NOT EXISTS (SELECT FROM knob_snapshots_5s x WHERE x.trace_id = t.trace_id)"
     " AND NOT EXISTS (SELECT FROM knob_events x WHERE x.trace_id = t.trace_id)"}};

PgRemoval::PgRemoval(PgConnection& connection, PgRemovalOptions options)
    : connection_(connection), options_(std::move(options)), step_(options_.step, kFirstStep) {}

/// A table that was analyzed when it was empty, after days without a call, counts as empty however
/// much it has now, and likewise a partition: until autovacuum comes, steps and triggers would read
/// all of it for a row.
void PgRemoval::renew_statistics() {
  const PgRows tables = connection_.query(
      "SELECT oid::regclass FROM pg_class WHERE relkind = 'r' AND coalesce(pg_partition_root(oid), "
      "oid) IN (SELECT oid FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND "
      "relname IN (" +
      busy_tables() +
      ")) AND reltuples <= 0 AND pg_relation_size(oid) > 0 AND pg_has_role(relowner, 'USAGE')");
  for (int table = 0; table < tables.size(); ++table)
    connection_.run("ANALYZE " + tables.text(table, 0));
}

PgRemoval::End PgRemoval::remove(const std::string& before) {
  renew_statistics();
  for (const Table& table : kTables)
    if (const End end = remove_from(table, before); end != End::kDone) return end;
  return End::kDone;
}

PgRemoval::End PgRemoval::remove_from(const Table& table, const std::string& before) {
  const std::string step = table.step();
  for (std::string from = kBeginning;;) {
    const uint64_t most = step_.rows();
    const Clock::time_point begin = Clock::now();
    const PgRows answer = connection_.query(step, {from, before, std::to_string(most)});
    const std::chrono::nanoseconds took = Clock::now() - begin;
    if (answer.text(0, 0) != "t") return End::kTurnOfAnother;
    const uint64_t rows = std::strtoull(answer.text(0, 1).c_str(), nullptr, 10);
    if (table.kind) removed_.rows[*table.kind] += rows;
    removed_.longest_step = std::max(removed_.longest_step, took);
    if (rows < most) return End::kDone;
    from = answer.text(0, 2);
    // Rows by the server's own time: were the way to it counted, a long one would make steps of
    // single rows.
    step_.took(rows, std::chrono::nanoseconds(std::atoll(answer.text(0, 3).c_str())));
    if (!options_.pause(std::max(took, options_.step / 10))) return End::kPaused;
  }
}

PgRemoved PgRemoval::take() { return std::exchange(removed_, {}); }

}  // namespace dragoman
