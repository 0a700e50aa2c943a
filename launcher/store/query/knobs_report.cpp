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

/// Each bucket that has measurements and knobs, summed by the knobs' text and the tap.
std::string sums_of(const Conditions& conditions) {
  return "SELECT k.knob_values, r.tap, count(*), sum(r.level), count(r.level), sum(r.snr), "
         "count(r.snr) FROM (SELECT trace_id, station_key, tap, bucket_ts,"
         " max(CASE WHEN metric_key = 'audio_level_dbfs' THEN avg END) AS level,"
         " max(CASE WHEN metric_key = 'snr_db' THEN avg END) AS snr FROM metrics_agg_5s" +
         conditions.text() +
         " GROUP BY trace_id, station_key, tap, bucket_ts) r JOIN knob_snapshots_5s k"
         " ON k.trace_id = r.trace_id AND k.station_key = r.station_key"
         " AND k.bucket_ts = r.bucket_ts GROUP BY k.knob_values, r.tap";
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
  const Conditions conditions = bucket_conditions(filter);
  std::map<std::string, Usage> usages;  // the same settings may be written in another order
  for (const CellRow& row : source.select(sums_of(conditions), conditions.values())) {
    Usage& usage = usages[sorted_json(text_of(row[0]))];
    const bool pre = text_of(row[1]) == "PRE";
    usage.buckets += integer_of(row[2]);
    add(usage.level, pre ? usage.level_pre : usage.level_post, row[3], row[4]);
    add(usage.snr, pre ? usage.snr_pre : usage.snr_post, row[5], row[6]);
  }
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
