// SPDX-License-Identifier: LGPL-2.1-or-later
// Calls are kept for days, their figures for years: each day's line is a file of its own, from
// which the month's summary is made.
#include <glib.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "launcher/store/iso_time.h"
#include "launcher/store/maintain/steps.h"
#include "launcher/store/query/query_source.h"
#include "launcher/store/query/reports.h"
#include "launcher/util/paths.h"

namespace dragoman::maintain {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kDay = 86'400'000'000'000;
constexpr int kDaysKept = 62, kMonthsKept = 24;

fs::path reports_folder(const MaintainOptions& options) {
  return fs::path(options.config.paths.data) / "reports";
}

/// Replaces `path` as a whole, or not at all.
void write_file(const fs::path& path, const std::string& text) {
  fs::create_directories(path.parent_path());
  g_autoptr(GError) error = nullptr;
  if (!g_file_set_contents_full(path.c_str(), text.data(), static_cast<gssize>(text.size()),
                                G_FILE_SET_CONTENTS_DURABLE, 0644, &error))
    throw MaintainFailure(std::string(error->message) +
                          "; make room, or let this user write there");
}

std::string read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string date_of(uint64_t time) { return iso_time(time).substr(0, 10); }

QueryFilter day_filter(uint64_t day_start) {
  QueryFilter filter;
  filter.since = day_start;
  filter.until = day_start + kDay;
  return filter;
}

std::string worst_mos(QuerySource& source, const QueryFilter& filter) {
  Conditions conditions = bucket_conditions(filter);
  conditions.add("metric_key = 'mos'");
  const auto rows =
      source.select("SELECT avg, trace_id, station_key, " + source.time_text("bucket_ts") +
                        " FROM metrics_agg_5s" + conditions.text() + " ORDER BY avg LIMIT 1",
                    conditions.values());
  if (rows.empty()) return "";
  char mos[16];
  std::snprintf(mos, sizeof mos, "%.2f", real_of(rows[0][0]).value_or(0));
  return std::string("worst MOS ") + mos + " at " + text_of(rows[0][2]) + " in call " +
         text_of(rows[0][1]) + ", " + text_of(rows[0][3]).substr(11, 8) + "Z\n";
}

/// Parameters that were outside their limits for warning, the worst first.
std::string warnings(QuerySource& source, const QueryFilter& filter) {
  constexpr size_t kMost = 5;
  ResultTable table = stations_report(source, filter, fs::path(data_folder()) / "stations");
  std::erase_if(table.rows, [](const CellRow& row) { return real_of(row[9]).value_or(0) <= 0; });
  table.digits.clear();
  std::stable_sort(table.rows.begin(), table.rows.end(), [](const CellRow& a, const CellRow& b) {
    return std::pair(real_of(a[10]).value_or(0), real_of(a[9]).value_or(0)) >
           std::pair(real_of(b[10]).value_or(0), real_of(b[9]).value_or(0));
  });
  if (table.rows.size() > kMost) table.rows.resize(kMost);
  table.if_empty = "no parameter was outside its limits for warning";
  return result_text(table);
}

std::string indented(const std::string& text) {
  std::string out;
  for (size_t at = 0, end; at < text.size(); at = end + 1) {
    end = std::min(text.find('\n', at), text.size());
    out += "\n    " + text.substr(at, end - at);
  }
  return out;
}

/// A figure as result_csv() writes it.
Cell cell_of_field(const std::string& field) {
  if (field.empty()) return {};
  if (field.find_first_not_of("0123456789") == std::string::npos)
    return static_cast<int64_t>(g_ascii_strtoll(field.c_str(), nullptr, 10));
  return g_ascii_strtod(field.c_str(), nullptr);
}

/// The line of figures in a day's file; nothing if its columns are not `columns`.
std::optional<CellRow> read_day(const fs::path& path, const std::vector<Column>& columns) {
  const std::string head = result_csv({columns, {}, ""}), text = read_file(path);
  if (!text.starts_with(head)) return {};
  std::istringstream line(text.substr(head.size(), text.find("\r\n", head.size()) - head.size()));
  CellRow row;
  for (std::string field; std::getline(line, field, ',');)
    row.push_back(row.empty() ? Cell(field) : cell_of_field(field));
  row.resize(columns.size());  // the last may be empty
  return row;
}

/// "2026-03" of the days in `days` with their sums, or nothing if there are none.
std::string month_text(const std::string& month, const std::vector<Column>& columns,
                       const std::map<std::string, CellRow>& days) {
  ResultTable table{columns, {}, ""};
  double calls = 0, minutes = 0, utterances = 0, heard = 0, slowest = 0;
  const auto figure = [&columns](const CellRow& row, const char* name) {
    const auto column = std::find_if(columns.begin(), columns.end(),
                                     [&](const Column& each) { return each.name == name; });
    return real_of(row[static_cast<size_t>(column - columns.begin())]).value_or(0);
  };
  for (const auto& [date, row] : days) {
    if (!date.starts_with(month)) continue;
    table.rows.push_back(row);
    calls += figure(row, "calls"), minutes += figure(row, "minutes");
    utterances += figure(row, "utterances"), heard += figure(row, "heard");
    slowest = std::max(slowest, figure(row, "delay_p95_ms"));
  }
  if (table.rows.empty()) return "";
  char head[320];
  std::snprintf(
      head, sizeof head,
      "Dragoman, %s\n\ndays with calls %zu · calls %.0f (one over midnight counts on both "
      "days) · minutes %.1f\nclauses said %.0f · heard in translation %.0f · the slowest "
      "day's delay p95 %.0f ms\n\n",
      month.c_str(), table.rows.size(), calls, minutes, utterances, heard, slowest);
  return head + result_text(table);
}

}  // namespace

std::string report_day(const MaintainOptions& options) {
  const auto source = open_journal_source(options.config.paths.data);
  const QueryFilter filter = day_filter((options.now / kDay - 1) * kDay);
  const ResultTable calls = calls_report(*source, filter, options.now);
  const std::string date = date_of(*filter.since);
  if (calls.rows.empty()) return "no calls on " + date;
  const fs::path file = reports_folder(options) / (date + ".csv");
  write_file(file, result_csv(calls));
  return file.string() +
         indented(result_text(calls) + worst_mos(*source, filter) + warnings(*source, filter));
}

std::string report_months(const MaintainOptions& options) {
  const auto source = open_journal_source(options.config.paths.data);
  const ResultTable calls = calls_report(*source, {}, options.now);
  std::map<std::string, CellRow> days;
  for (const CellRow& row : calls.rows) days[text_of(row[0])] = row;
  std::error_code error;
  for (fs::directory_iterator entry(reports_folder(options), error), end; !error && entry != end;
       entry.increment(error)) {
    if (entry->path().extension() != ".csv") continue;
    // The day's own file is of when the whole day was kept.
    if (auto row = read_day(entry->path(), calls.columns)) days[entry->path().stem()] = *row;
  }
  const std::string now = date_of(options.now).substr(0, 7);
  const uint64_t month_start = *parse_iso_time(now + "-01");
  std::string made;
  for (const std::string& month : {date_of(month_start - kDay).substr(0, 7), now}) {
    const std::string text = month_text(month, calls.columns, days);
    if (text.empty()) continue;
    const fs::path file = reports_folder(options) / (month + ".txt");
    write_file(file, text);
    made += (made.empty() ? "" : ", ") + file.string();
  }
  return made.empty() ? "no calls this month or the month before" : made;
}

std::string remove_old_reports(const MaintainOptions& options) {
  const std::string oldest_day = date_of(options.now - kDaysKept * kDay);
  const std::string oldest_month = date_of(options.now - kMonthsKept * 31 * kDay).substr(0, 7);
  size_t removed = 0, kept = 0;
  std::error_code error;
  for (fs::directory_iterator entry(reports_folder(options), error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().stem(), kind = entry->path().extension();
    const bool is_day = kind == ".csv" && parse_iso_time(name).has_value();
    const bool is_month = kind == ".txt" && parse_iso_time(name + "-01").has_value();
    if (!is_day && !is_month) continue;
    const bool old = is_day ? name < oldest_day : name < oldest_month;
    std::error_code refused;
    if (old) fs::remove(entry->path(), refused);
    if (refused) throw MaintainFailure(entry->path().string() + ": " + refused.message());
    ++(old ? removed : kept);
  }
  return std::to_string(removed) + " removed, " + std::to_string(kept) + " kept";
}

}  // namespace dragoman::maintain
