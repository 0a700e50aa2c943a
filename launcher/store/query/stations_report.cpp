// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <cmath>
#include <tuple>

#include "launcher/store/query/reports.h"
#include "launcher/store/query/station_limits.h"
#include "launcher/util/json.h"

namespace dragoman {
namespace {

/// Beyond any reading: what an end that does not exist is in SQL.
constexpr double kBeyond = 1e300;

struct Judged {
  std::string station, key;
  Limits limits;
};

std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("''") : std::string(1, c);
  return out + "'";
}

std::string ends_of(const Range& range) {
  return json_number(std::max(range.low, -kBeyond)) + ", " +
         json_number(std::min(range.high, kBeyond));
}

/// The parameters that each station has measured.
std::vector<Judged> find_judged(QuerySource& source, const Conditions& conditions,
                                StationLimits& limits) {
  std::vector<Judged> judged;
  for (const CellRow& row : source.select(
           "SELECT DISTINCT station_key, metric_key FROM metrics_agg_5s" + conditions.text(),
           conditions.values())) {
    const std::string station = text_of(row[0]), key = text_of(row[1]);
    judged.push_back({station, key, limits.find(station, key)});
  }
  return judged;
}

std::string outside(const char* low, const char* high) {
  return std::string("sum(CASE WHEN f.figure < l.") + low + " OR f.figure > l." + high +
         " THEN 1 ELSE 0 END)";
}

std::string statement_of(const std::vector<Judged>& judged, const Conditions& conditions) {
  std::string values;
  for (const Judged& each : judged) {
    values += (values.empty() ? "(" : ", (") + quoted(each.station) + ", " + quoted(each.key) +
              ", " + ends_of(each.limits.normal) + ", " + ends_of(each.limits.warning) + ", " +
              ends_of(each.limits.critical) + ")";
  }
  return "WITH l (station_key, metric_key, n_low, n_high, w_low, w_high, c_low, c_high) AS "
         "(VALUES " +
         values +
         ") SELECT f.station_key, f.tap, f.metric_key, count(*), avg(f.figure), min(f.low)," +
         " max(f.high), " + outside("n_low", "n_high") + ", " + outside("w_low", "w_high") + ", " +
         outside("c_low", "c_high") + " FROM (SELECT station_key, tap, metric_key, " +
         bucket_figure() + " AS figure, " + by_kind("last", "min") + " AS low, " +
         by_kind("last", "max") + " AS high FROM metrics_agg_5s" + conditions.text() +
         ") f JOIN l ON l.station_key = f.station_key AND l.metric_key = f.metric_key"
         " GROUP BY f.station_key, f.tap, f.metric_key";
}

/// Percent of the buckets; nothing where there is no limit to be outside of.
Cell share(const Range& range, const Cell& outside, const Cell& buckets) {
  if (range == Range()) return {};
  return 100.0 * real_of(outside).value_or(0) / real_of(buckets).value_or(1);
}

/// Stations by name, PRE before POST, parameters by number.
auto order_of(const CellRow& row) {
  const Parameter* parameter = find_parameter(text_of(row[2]));
  return std::tuple(text_of(row[0]), text_of(row[1]) != "PRE", text_of(row[1]),
                    parameter ? parameter->number : 0, text_of(row[2]));
}

std::vector<Column> columns() {
  using enum Column::Kind;
  return {{"station", "station", ""},
          {"channel", "channel", ""},
          {"parameter", "parameter", ""},
          {"unit", "unit", ""},
          {"buckets", "buckets", "", kFigure},
          {"average", "mean", "", kFigure, kDigitsOfRow},
          {"min", "least", "", kFigure, kDigitsOfRow},
          {"max", "greatest", "", kFigure, kDigitsOfRow},
          {"outside_normal_pct", "outside normal", "%", kFigure, 1},
          {"outside_warning_pct", "warning", "%", kFigure, 1},
          {"outside_critical_pct", "critical", "%", kFigure, 1}};
}

}  // namespace

ResultTable stations_report(QuerySource& source, const QueryFilter& filter,
                            const std::filesystem::path& stations) {
  StationLimits limits(stations);
  const Conditions conditions = bucket_conditions(filter);
  ResultTable table{columns(), {}, "no measurements" + describe(filter)};
  const std::vector<Judged> judged = find_judged(source, conditions, limits);
  if (judged.empty()) return table;
  for (const CellRow& row : source.select(statement_of(judged, conditions), conditions.values())) {
    const Parameter* parameter = find_parameter(text_of(row[2]));
    const Limits of = limits.find(text_of(row[0]), text_of(row[2]));
    table.rows.push_back({row[0], row[1], row[2], parameter ? Cell(parameter->unit) : Cell(),
                          row[3], row[4], row[5], row[6], share(of.normal, row[7], row[3]),
                          share(of.warning, row[8], row[3]), share(of.critical, row[9], row[3])});
  }
  std::sort(table.rows.begin(), table.rows.end(),
            [](const CellRow& a, const CellRow& b) { return order_of(a) < order_of(b); });
  apply_limit(table, filter.limit);
  for (const CellRow& row : table.rows) {
    const Parameter* parameter = find_parameter(text_of(row[2]));
    table.digits.push_back(parameter ? std::max(kDigits, digits_of(*parameter)) : kDigits);
  }
  return table;
}

}  // namespace dragoman
