// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/store/query/query_filter.h"

#include "launcher/store/iso_time.h"
#include "launcher/util/log.h"
#include "plugins/common/parameters.h"

namespace dragoman {
namespace {

void add_times(Conditions& conditions, const QueryFilter& filter, const std::string& column) {
  if (filter.since) conditions.add(column + " >= ", iso_time(*filter.since));
  if (filter.until) conditions.add(column + " < ", iso_time(*filter.until));
}

}  // namespace

void Conditions::add(const std::string& before, const std::string& value,
                     const std::string& after) {
  values_.push_back(value);
  add(before + "$" + std::to_string(values_.size()) + after);
}

void Conditions::add(const std::string& condition) {
  text_ += (text_.empty() ? " WHERE " : " AND ") + condition;
}

Conditions bucket_conditions(const QueryFilter& filter, const std::string& prefix) {
  Conditions conditions;
  add_times(conditions, filter, prefix + "bucket_ts");
  if (!filter.station.empty()) conditions.add(prefix + "station_key || '' = ", filter.station);
  if (!filter.call.empty()) conditions.add(prefix + "trace_id = ", filter.call);
  if (!filter.extension.empty()) {
    conditions.add(prefix + "trace_id IN (SELECT trace_id FROM traces WHERE ", filter.extension,
                   " IN (src_extension, dst_extension))");
  }
  return conditions;
}

Conditions utterance_conditions(const QueryFilter& filter) {
  Conditions conditions;
  add_times(conditions, filter, "start_at");
  if (!filter.call.empty()) conditions.add("trace_id = ", filter.call);
  if (!filter.extension.empty()) conditions.add("extension = ", filter.extension);
  return conditions;
}

Conditions trace_conditions(const QueryFilter& filter) {
  Conditions conditions;
  if (filter.since) {
    conditions.add("(ended_at IS NULL OR ended_at > ", iso_time(*filter.since), ")");
  }
  if (filter.until) conditions.add("started_at < ", iso_time(*filter.until));
  if (!filter.call.empty()) conditions.add("trace_id = ", filter.call);
  if (!filter.extension.empty()) {
    conditions.add("", filter.extension, " IN (src_extension, dst_extension)");
  }
  return conditions;
}

std::string by_kind(const std::string& counted, const std::string& sampled,
                    const std::string& prefix) {
  std::string keys;
  for (const Parameter& parameter : parameters()) {
    if (parameter.kind != ParameterKind::kCounted) continue;
    keys += (keys.empty() ? "'" : ", '") + std::string(parameter.key) + "'";
  }
  return "CASE WHEN " + prefix + "metric_key IN (" + keys + ") THEN " + prefix + counted +
         " ELSE " + prefix + sampled + " END";
}

std::string limit_text(const std::optional<size_t>& limit) {
  return limit ? " LIMIT " + std::to_string(*limit + 1) : "";
}

void apply_limit(ResultTable& table, const std::optional<size_t>& limit) {
  if (!limit || table.rows.size() <= *limit) return;
  table.rows.resize(*limit);
  table.more = true;
}

std::string describe(const QueryFilter& filter) {
  std::string text;
  if (!filter.call.empty()) text += " of call " + log::printable(filter.call, 100);
  if (!filter.extension.empty()) text += " of extension " + log::printable(filter.extension, 100);
  if (!filter.station.empty()) text += " at station " + log::printable(filter.station, 100);
  if (filter.since) text += " since " + iso_time(*filter.since).substr(0, 19) + "Z";
  if (filter.until) text += " before " + iso_time(*filter.until).substr(0, 19) + "Z";
  return text;
}

}  // namespace dragoman
