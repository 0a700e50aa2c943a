// SPDX-License-Identifier: LGPL-2.1-or-later
// What a query is about, and the SQL that says so.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "launcher/store/query/result_table.h"

namespace dragoman {

struct QueryFilter {
  std::optional<uint64_t> since, until;  ///< UTC ns; the end is not included
  std::string station, call, extension;  ///< empty: all
  std::optional<size_t> limit;           ///< rows; nothing: the report's own
};

/// Conditions of one SELECT, joined with AND.
class Conditions {
 public:
  /// `before` ? `after`, where ? is a parameter with `value`: add("tap = ", "PRE").
  void add(const std::string& before, const std::string& value, const std::string& after = "");
  void add(const std::string& condition);
  /// " WHERE …", or nothing.
  std::string text() const { return text_; }
  const std::vector<std::string>& values() const { return values_; }

 private:
  std::string text_;
  std::vector<std::string> values_;
};

/// Of rows with trace_id, station_key and the time `bucket_ts`. `prefix`: the table's, with a dot.
/// No index is chosen for the station: its rows are too many to be sorted by time.
Conditions bucket_conditions(const QueryFilter& filter, const std::string& prefix = "");
/// Of rows of utterances. An utterance has no station.
Conditions utterance_conditions(const QueryFilter& filter);
/// Of rows of traces: those that were, at least partly, in the time.
Conditions trace_conditions(const QueryFilter& filter);

/// A condition: the rows of metrics_agg_5s that its index metrics_agg_5s_reported has, in the words
/// in which SQLite knows it.
inline constexpr char kReported[] = "metric_key IN ('snr_db', 'audio_level_dbfs', 'mos')";

/// An expression over rows of metrics_agg_5s: the column `counted` of a counted parameter,
/// `sampled` of another. So what stands for the bucket is the total (last), or the mean (avg).
std::string by_kind(const std::string& counted, const std::string& sampled,
                    const std::string& prefix = "");
inline std::string bucket_figure(const std::string& prefix = "") {
  return by_kind("last", "avg", prefix);
}

/// " LIMIT n + 1", so that it shows whether there is more; nothing without a limit.
std::string limit_text(const std::optional<size_t>& limit);
/// Takes what is over the limit away again, and notes it.
void apply_limit(ResultTable& table, const std::optional<size_t>& limit);

/// " in calls of 3333 at St_3 since …": what the filter says, for messages.
std::string describe(const QueryFilter& filter);

}  // namespace dragoman
