// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>

#include "launcher/store/query/reports.h"
#include "launcher/store/query/station_limits.h"

namespace dragoman {
namespace {

constexpr size_t kRows = 100;

std::vector<Column> columns(const Parameter* parameter) {
  using enum Column::Kind;
  const std::string unit = parameter ? parameter->unit : "";
  const int digits = parameter ? digits_of(*parameter) : kDigits;
  return {{"time", "time (UTC)", "", kTime},
          {"station", "station", ""},
          {"call", "call", ""},
          {"channel", "channel", ""},
          {"figure", parameter ? parameter->key : "figure", unit, kFigure, digits},
          {"min", "least", "", kFigure, digits},
          {"max", "greatest", "", kFigure, digits},
          {"count", "readings", "", kFigure},
          {"state", "state", ""}};
}

}  // namespace

ResultTable parameter_report(QuerySource& source, const QueryFilter& filter, const std::string& key,
                             const std::filesystem::path& stations) {
  const size_t limit = filter.limit.value_or(kRows);
  QueryFilter anywhere = filter;
  anywhere.station.clear();
  Conditions conditions = bucket_conditions(anywhere);
  conditions.add("metric_key = ", key);
  // Here there is an index for the station: of one parameter, in the order of time.
  if (!filter.station.empty()) conditions.add("station_key = ", filter.station);
  ResultTable table{
      columns(find_parameter(key)),
      source.select(
          "SELECT " + source.time_text("bucket_ts") + ", station_key, trace_id, tap, " +
              bucket_figure() + ", min, max, count FROM metrics_agg_5s" + conditions.text() +
              " ORDER BY bucket_ts DESC, station_key DESC, tap, trace_id DESC" + limit_text(limit),
          conditions.values()),
      "no " + key + describe(filter)};
  apply_limit(table, limit);
  std::reverse(table.rows.begin(), table.rows.end());
  StationLimits limits(stations);
  for (CellRow& row : table.rows) {
    const auto figure = real_of(row[4]);
    row.push_back(figure ? Cell(name_of(state_of(limits.find(text_of(row[1]), key), *figure)))
                         : Cell());
  }
  return table;
}

}  // namespace dragoman
