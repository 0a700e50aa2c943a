// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/store/report.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "launcher/store/iso_time.h"

namespace dragoman {
namespace {

std::vector<std::string> select_traces(Database& database, const ReportSelection& selection) {
  std::string sql = "SELECT trace_id FROM traces ";
  std::vector<std::string> values;
  switch (selection.kind) {
    case ReportSelection::Kind::kLast:
      sql += "ORDER BY started_at DESC, trace_id DESC LIMIT 1";
      break;
    case ReportSelection::Kind::kTrace:
      sql += "WHERE trace_id = ?";
      values.push_back(selection.trace_id);
      break;
    case ReportSelection::Kind::kRange:
      sql += "WHERE started_at >= ? AND started_at < ? ORDER BY started_at, trace_id";
      values.push_back(iso_time(selection.started_from.value_or(0)));
      values.push_back(selection.started_to ? iso_time(*selection.started_to) : "9999");
      break;
  }
  Statement statement = database.prepare(sql);
  for (size_t i = 0; i < values.size(); ++i) statement.bind(static_cast<int>(i) + 1, values[i]);
  std::vector<std::string> ids;
  while (statement.step()) ids.push_back(statement.text(0));
  return ids;
}

/// The number that `sql` counts for trace ?1.
int64_t count(Database& database, const char* sql, const std::string& trace_id) {
  Statement statement = database.prepare(sql);
  statement.bind(1, trace_id);
  return statement.step() ? statement.number(0) : 0;
}

void add_unique(std::vector<std::string>& list, const std::string& text) {
  if (!text.empty() && std::find(list.begin(), list.end(), text) == list.end()) {
    list.push_back(text);
  }
}

void read_trace(Database& database, const std::string& trace_id, Report& report) {
  Statement statement = database.prepare(
      "SELECT started_at, ended_at, src_extension, dst_extension FROM traces WHERE trace_id = ?");
  statement.bind(1, trace_id);
  if (!statement.step()) return;
  if (report.started_at.empty() || statement.text(0) < report.started_at) {
    report.started_at = statement.text(0);
  }
  report.ended_at = std::max(report.ended_at, statement.text(1));
  add_unique(report.extensions, statement.text(2));
  add_unique(report.extensions, statement.text(3));
}

void count_rows(Database& database, const std::string& trace_id, Report& report) {
  report.buckets += count(database,
                          "SELECT count(*) FROM (SELECT DISTINCT station_key, tap, bucket_ts FROM "
                          "metrics_agg_5s WHERE trace_id = ?)",
                          trace_id);
  const int64_t metrics =
      count(database, "SELECT count(*) FROM metrics_agg_5s WHERE trace_id = ?", trace_id);
  report.metric_rows += metrics;
  report.rows +=
      1 + metrics + count(database, "SELECT count(*) FROM utterances WHERE trace_id = ?", trace_id);
  Statement statement =
      database.prepare("SELECT file_path FROM audio_segments_5s WHERE trace_id = ?");
  statement.bind(1, trace_id);
  while (statement.step()) {
    ++report.rows;
    ++(::access(statement.text(0).c_str(), F_OK) == 0 ? report.wav_files : report.wav_missing);
  }
}

void read_utterances(Database& database, const std::string& trace_id, Report& report) {
  Statement statement = database.prepare(
      "SELECT channel, utterance, clause, extension, language, text, target_language, translation,"
      " stt_provider, translate_provider, tts_provider, start_at, end_at, committed_at,"
      " translated_at, first_audio_at, endpoint_ms, decode_ms, translation_ms, tts_first_audio_ms,"
      " delay_ms, speaking_rate "
      "FROM utterances WHERE trace_id = ? ORDER BY start_at, utterance, clause, target_language");
  statement.bind(1, trace_id);
  while (statement.step()) {
    int column = 0;
    const auto text = [&] { return statement.text(column++); };
    const auto number = [&] { return statement.number(column++); };
    const auto real = [&] {
      const bool is_null = statement.is_null(column);
      const double value = statement.real(column++);
      return is_null ? std::nullopt : std::optional(value);
    };
    // A braced list is evaluated from left to right.
    report.utterances.push_back({trace_id, text(), number(), number(), text(), text(),
                                 text(),   text(), text(),   text(),   text(), text(),
                                 text(),   text(), text(),   text(),   text(), real(),
                                 real(),   real(), real(),   real(),   real()});
  }
}

using Utterances = std::vector<const ReportedUtterance*>;

std::vector<double> values(const Utterances& utterances,
                           std::optional<double> ReportedUtterance::*field) {
  std::vector<double> all;
  for (const ReportedUtterance* utterance : utterances) {
    if (utterance->*field) all.push_back(*(utterance->*field));
  }
  return all;
}

DelaySummary summarize(const Utterances& utterances) {
  const std::vector<double> delays = values(utterances, &ReportedUtterance::delay_ms);
  DelaySummary summary;
  summary.utterances = utterances.size();
  summary.heard =
      static_cast<size_t>(std::count_if(utterances.begin(), utterances.end(), [](const auto* each) {
        return !each->first_audio_at.empty();
      }));
  summary.p50_ms = percentile(delays, 50);
  summary.p95_ms = percentile(delays, 95);
  summary.max_ms = percentile(delays, 100);
  return summary;
}

DirectionReport summarize_direction(const std::string& extension, const std::string& direction,
                                    const Utterances& utterances) {
  const auto median = [&utterances](std::optional<double> ReportedUtterance::*field) {
    return percentile(values(utterances, field), 50);
  };
  return {direction,
          extension,
          summarize(utterances),
          median(&ReportedUtterance::endpoint_ms),
          median(&ReportedUtterance::decode_ms),
          median(&ReportedUtterance::translation_ms),
          median(&ReportedUtterance::tts_first_audio_ms)};
}

/// "en→es"; without a translation "en".
std::string direction_of(const ReportedUtterance& utterance) {
  if (utterance.target_language.empty()) return utterance.language;
  return utterance.language + "→" + utterance.target_language;
}

void add_directions(Report& report) {
  std::vector<std::pair<std::pair<std::string, std::string>, Utterances>> groups;
  Utterances all;
  for (const ReportedUtterance& utterance : report.utterances) {
    const std::pair key(utterance.extension, direction_of(utterance));
    auto group = std::find_if(groups.begin(), groups.end(),
                              [&key](const auto& each) { return each.first == key; });
    if (group == groups.end()) group = groups.insert(groups.end(), {key, {}});
    group->second.push_back(&utterance);
    all.push_back(&utterance);
  }
  std::sort(groups.begin(), groups.end());
  for (const auto& [key, utterances] : groups) {
    report.directions.push_back(summarize_direction(key.first, key.second, utterances));
  }
  report.delay = summarize(all);
}

}  // namespace

std::optional<double> percentile(std::vector<double> values, double percent) {
  if (values.empty()) return {};
  const double rank = std::ceil(percent / 100 * static_cast<double>(values.size()));
  const auto index = static_cast<std::ptrdiff_t>(std::max(rank, 1.0)) - 1;
  std::nth_element(values.begin(), values.begin() + index, values.end());
  return values[static_cast<size_t>(index)];
}

Report make_report(Database& database, const ReportSelection& selection) {
  Report report;
  report.trace_ids = select_traces(database, selection);
  for (const std::string& id : report.trace_ids) {
    read_trace(database, id, report);
    count_rows(database, id, report);
    read_utterances(database, id, report);
  }
  add_directions(report);
  return report;
}

}  // namespace dragoman
