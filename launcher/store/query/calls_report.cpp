// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <functional>
#include <map>

#include "launcher/store/iso_time.h"
#include "launcher/store/query/reports.h"
#include "launcher/store/report.h"

namespace dragoman {
namespace {

constexpr uint64_t kMinuteNs = 60'000'000'000, kDayNs = 24 * 60 * kMinuteNs;

struct Day {
  int64_t calls = 0, records = 0, utterances = 0, heard = 0;
  std::optional<double> snr_db, mos;
  double minutes = 0;
  std::vector<double> delays_ms;
};
/// By date, "2026-03-01", the last first.
using Days = std::map<std::string, Day, std::greater<>>;

void count_buckets(QuerySource& source, const QueryFilter& filter, Days& days) {
  const Conditions conditions = bucket_conditions(filter);
  for (const CellRow& row : source.select(
           "SELECT date, count(*), CAST(sum(buckets) AS BIGINT) FROM (SELECT DATE(bucket_ts) AS "
           "date, trace_id, count(*) AS buckets FROM (" +
               source.buckets(conditions) + ") b GROUP BY 1, 2) c GROUP BY date",
           conditions.values())) {
    Day& day = days[text_of(row[0])];
    day.calls = integer_of(row[1]);
    day.records = integer_of(row[2]);
  }
}

void average_metrics(QuerySource& source, const QueryFilter& filter, Days& days) {
  Conditions conditions = bucket_conditions(filter);
  conditions.add(kReported);
  conditions.add("metric_key IN ('snr_db', 'mos')");
  for (const CellRow& row :
       source.select("SELECT DATE(bucket_ts), metric_key, avg(avg) FROM metrics_agg_5s" +
                         conditions.text() + " GROUP BY 1, 2",
                     conditions.values())) {
    Day& day = days[text_of(row[0])];
    (text_of(row[1]) == "mos" ? day.mos : day.snr_db) = real_of(row[2]);
  }
}

void read_delays(QuerySource& source, const QueryFilter& filter, Days& days) {
  Conditions conditions = utterance_conditions(filter);
  conditions.add("start_at IS NOT NULL");
  for (const CellRow& row : source.select(
           "SELECT DATE(start_at), CASE WHEN first_audio_at IS NULL THEN 0 ELSE 1 END, delay_ms "
           "FROM utterances" +
               conditions.text(),
           conditions.values())) {
    Day& day = days[text_of(row[0])];
    ++day.utterances;
    day.heard += integer_of(row[1]);
    if (const auto delay = real_of(row[2])) day.delays_ms.push_back(*delay);
  }
}

/// A call over midnight gives each day its part.
void add_minutes(uint64_t from, uint64_t to, Days& days) {
  while (from < to) {
    const uint64_t end = std::min(to, (from / kDayNs + 1) * kDayNs);
    days[iso_time(from).substr(0, 10)].minutes +=
        static_cast<double>(end - from) / static_cast<double>(kMinuteNs);
    from = end;
  }
}

void sum_minutes(QuerySource& source, const QueryFilter& filter, uint64_t now, Days& days) {
  const Conditions conditions = trace_conditions(filter);
  for (const CellRow& row :
       source.select("SELECT " + source.time_text("started_at") + ", " +
                         source.time_text("ended_at") + " FROM traces" + conditions.text(),
                     conditions.values())) {
    const auto started = parse_iso_time(text_of(row[0]));
    if (!started) continue;
    const uint64_t ended = parse_iso_time(text_of(row[1])).value_or(now);
    add_minutes(std::max(*started, filter.since.value_or(0)),
                std::min(ended, filter.until.value_or(ended)), days);
  }
}

std::vector<Column> columns() {
  using enum Column::Kind;
  return {{"date", "date (UTC)", ""},
          {"calls", "calls", "", kFigure},
          {"minutes", "minutes", "", kFigure, 1},
          {"records", "records", "", kFigure},
          {"avg_snr_db", "mean SNR", "dB", kFigure, 1},
          {"avg_mos", "mean MOS", "", kFigure},
          {"utterances", "utterances", "", kFigure},
          {"heard", "heard", "", kFigure},
          {"delay_p50_ms", "delay p50", "ms", kFigure, 0},
          {"delay_p95_ms", "delay p95", "ms", kFigure, 0}};
}

}  // namespace

ResultTable calls_report(QuerySource& source, const QueryFilter& filter, uint64_t now) {
  Days days;
  count_buckets(source, filter, days);
  average_metrics(source, filter, days);
  read_delays(source, filter, days);
  sum_minutes(source, filter, now, days);
  ResultTable table{columns(), {}, "no calls" + describe(filter)};
  for (const auto& [date, day] : days) {
    table.rows.push_back({date, day.calls, day.minutes, day.records, cell_of(day.snr_db),
                          cell_of(day.mos), day.utterances, day.heard,
                          cell_of(percentile(day.delays_ms, 50)),
                          cell_of(percentile(day.delays_ms, 95))});
  }
  apply_limit(table, filter.limit);
  return table;
}

}  // namespace dragoman
