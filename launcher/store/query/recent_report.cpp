// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/store/query/reports.h"
#include "plugins/common/parameters.h"

namespace dragoman {
namespace {

constexpr size_t kRows = 20;

struct Shown {
  const char *key, *title;
  int digits;
};
constexpr Shown kShown[] = {
    {"snr_db", "SNR", 1},
    {"audio_level_dbfs", "level", 1},
    {"voice_activity_ratio", "voice", 2},
    {"buffer_usage_pct", "buffer", 0},
    {"jitter_ms", "jitter", 1},
    {"packet_loss_pct", "loss", 1},
    {"processing_latency_ms", "latency", 1},
    {"mos", "MOS", 2},
};

std::vector<Column> columns() {
  std::vector<Column> columns = {{"time", "time (UTC)", "", Column::Kind::kTime},
                                 {"station", "station", ""},
                                 {"call", "call", ""},
                                 {"channel", "channel", ""}};
  for (const Shown& shown : kShown) {
    const Parameter* parameter = find_parameter(shown.key);
    columns.push_back({shown.key, shown.title, parameter ? parameter->unit : "",
                       Column::Kind::kFigure, shown.digits});
  }
  return columns;
}

std::string quoted_keys() {
  std::string keys;
  for (const Shown& shown : kShown)
    keys += (keys.empty() ? "'" : ", '") + std::string(shown.key) + "'";
  return keys;
}

}  // namespace

ResultTable recent_report(QuerySource& source, const QueryFilter& filter) {
  const size_t limit = filter.limit.value_or(kRows);
  const Conditions conditions = bucket_conditions(filter);
  std::string sql =
      "SELECT " + source.time_text("b.bucket_ts") + ", b.station_key, b.trace_id, b.tap";
  for (const Shown& shown : kShown)
    sql += std::string(", max(CASE WHEN m.metric_key = '") + shown.key + "' THEN " +
           bucket_figure("m.") + " END)";
  // The buckets first: only what is shown is looked up.
  sql += " FROM (" + source.buckets(conditions) +
         " ORDER BY bucket_ts DESC, station_key, tap DESC, trace_id" + limit_text(limit) +
         ") b LEFT JOIN metrics_agg_5s m ON m.trace_id = b.trace_id AND m.station_key = "
         "b.station_key AND m.tap = b.tap AND m.bucket_ts = b.bucket_ts AND m.metric_key IN (" +
         quoted_keys() +
         ") GROUP BY b.bucket_ts, b.station_key, b.tap, b.trace_id"
         " ORDER BY b.bucket_ts DESC, b.station_key, b.tap DESC, b.trace_id";
  ResultTable table{columns(), source.select(sql, conditions.values()),
                    "no measurements" + describe(filter)};
  apply_limit(table, limit);
  return table;
}

}  // namespace dragoman
