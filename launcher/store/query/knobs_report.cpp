// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <map>

#include "launcher/store/query/reports.h"
#include "launcher/store/query/sorted_json.h"

namespace dragoman {
namespace {

/// A mean in the making, of those buckets that have the figure.
struct Mean {
  double sum = 0;
  int64_t count = 0;
  std::optional<double> value() const {
    return count ? std::optional(sum / static_cast<double>(count)) : std::nullopt;
  }
};

struct Usage {
  int64_t buckets = 0;
  Mean level, level_pre, level_post, snr, snr_pre, snr_post;
};

void add(Mean& all, Mean& tap, const Cell& sum, const Cell& count) {
  for (Mean* mean : {&all, &tap}) {
    mean->sum += real_of(sum).value_or(0);
    mean->count += integer_of(count);
  }
}

/// `columns` of the rows of `from` (a table with trace_id, station_key, tap, bucket_ts), summed by
/// the knobs' text and the tap.
std::string summed(const QueryFilter& filter, const std::string& columns, const std::string& from,
                   const std::string& groups) {
  return "SELECT CAST(k.knob_values AS TEXT), r.tap, " + columns + " FROM (" + from +
         ") r JOIN (SELECT * FROM knob_snapshots_5s" + bucket_conditions(filter).text() +
         ") k ON k.trace_id = r.trace_id AND k.station_key = r.station_key"
         " AND k.bucket_ts = r.bucket_ts GROUP BY " +
         groups;
}

/// By settings; the same may be written in another order.
using Usages = std::map<std::string, Usage>;

void count_buckets(QuerySource& source, const QueryFilter& filter, Usages& usages) {
  const Conditions conditions = bucket_conditions(filter);
  for (const CellRow& row : source.select(
           summed(filter, "count(*)", source.buckets(conditions), "1, 2"), conditions.values()))
    usages[sorted_json(text_of(row[0]))].buckets += integer_of(row[2]);
}

void average_metrics(QuerySource& source, const QueryFilter& filter, Usages& usages) {
  Conditions conditions = bucket_conditions(filter);
  conditions.add(kReported);
  conditions.add("metric_key IN ('audio_level_dbfs', 'snr_db')");
  const std::string metrics =
      "SELECT trace_id, station_key, tap, bucket_ts, metric_key, avg FROM metrics_agg_5s" +
      conditions.text();
  for (const CellRow& row :
       source.select(summed(filter, "r.metric_key, sum(r.avg), count(r.avg)", metrics, "1, 2, 3"),
                     conditions.values())) {
    Usage& usage = usages[sorted_json(text_of(row[0]))];
    const bool pre = text_of(row[1]) == "PRE";
    if (text_of(row[2]) == "snr_db")
      add(usage.snr, pre ? usage.snr_pre : usage.snr_post, row[3], row[4]);
    else
      add(usage.level, pre ? usage.level_pre : usage.level_post, row[3], row[4]);
  }
}

std::vector<Column> columns() {
  using enum Column::Kind;
  return {{"usage_count", "buckets", "", kFigure},
          {"avg_audio_level_dbfs", "level", "dBFS", kFigure, 1},
          {"avg_level_pre_dbfs", "PRE", "dBFS", kFigure, 1},
          {"avg_level_post_dbfs", "POST", "dBFS", kFigure, 1},
          {"avg_snr_db", "SNR", "dB", kFigure, 1},
          {"avg_snr_pre_db", "PRE", "dB", kFigure, 1},
          {"avg_snr_post_db", "POST", "dB", kFigure, 1},
          {"knobs_effective", "knobs", "", kJson}};
}

}  // namespace

ResultTable knobs_report(QuerySource& source, const QueryFilter& filter) {
  Usages usages;
  count_buckets(source, filter, usages);
  average_metrics(source, filter, usages);
  ResultTable table{columns(), {}, "no buckets with knobs" + describe(filter)};
  for (const auto& [knobs, usage] : usages) {
    table.rows.push_back({usage.buckets, cell_of(usage.level.value()),
                          cell_of(usage.level_pre.value()), cell_of(usage.level_post.value()),
                          cell_of(usage.snr.value()), cell_of(usage.snr_pre.value()),
                          cell_of(usage.snr_post.value()), knobs});
  }
  std::stable_sort(table.rows.begin(), table.rows.end(), [](const CellRow& a, const CellRow& b) {
    return integer_of(a[0]) > integer_of(b[0]);
  });
  apply_limit(table, filter.limit);
  return table;
}

}  // namespace dragoman
