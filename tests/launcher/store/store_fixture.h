// SPDX-License-Identifier: LGPL-2.1-or-later
// What the store's tests share: a folder of their own and rows to write.
#pragma once

#include <glib/gstdio.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "launcher/store/database.h"
#include "launcher/store/journal.h"

namespace dragoman {

/// 2026-03-01T12:00:00Z
inline constexpr uint64_t kNoon = 1'772'366'400'000'000'000;
inline constexpr uint64_t kSecondNs = 1'000'000'000;

/// A folder that is gone with the test.
class TempFolder {
 public:
  TempFolder() {
    g_autofree char* made = g_dir_make_tmp("dragoman-store-XXXXXX", nullptr);
    path_ = made;
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

class StoreTest : public testing::Test {
 protected:
  std::string path() const { return journal_path(folder_.path()); }
  std::string folder() const { return folder_.path(); }
  /// The first column of the first row, as text.
  std::string ask(const std::string& sql) const {
    Database database(path(), DatabaseAccess::kReadOnly);
    Statement statement = database.prepare(sql);
    return statement.step() ? statement.text(0) : "no row";
  }

 private:
  TempFolder folder_;
};

inline TraceRow trace_row(const std::string& id = "t1") {
  TraceRow row;
  row.trace_id = id;
  row.started_at = kNoon;
  row.src_extension = "3333";
  return row;
}

inline MetricRow metric_row(uint64_t number, const std::string& trace = "t1") {
  MetricRow row;
  row.trace_id = trace;
  row.station_key = "St_3";
  row.tap = "PRE";
  row.metric_key = "audio_level_dbfs";
  row.bucket_ts = kNoon + number * 5 * kSecondNs;
  row.count = 250;
  row.min = -60;
  row.max = -12;
  row.avg = -24.5;
  row.last = -30;
  return row;
}

inline SegmentRow segment_row(uint64_t number) {
  SegmentRow row;
  row.trace_id = "t1";
  row.station_key = "St_3";
  row.tap = "POST";
  row.bucket_ts = kNoon + number * 5 * kSecondNs;
  row.file_path = "/audio/" + std::to_string(number) + ".wav";
  return row;
}

/// A clause as sttsink tells of it.
inline UtteranceRow heard_row(int clause = 0) {
  UtteranceRow row;
  row.trace_id = "t1";
  row.channel = "call-1-3333";
  row.extension = "3333";
  row.utterance = kNoon / 1000;
  row.clause = clause;
  row.language = "en";
  row.text = "good morning";
  row.stt_provider = "moonshine";
  row.start_at = kNoon;
  row.end_at = kNoon + kSecondNs;
  row.committed_at = kNoon + kSecondNs * 3 / 2;
  row.endpoint_ms = 300;
  row.decode_ms = 200;
  return row;
}

/// What is said of that clause in `language`: only what a translation tells.
inline UtteranceRow said_row(const std::string& language, const std::string& text, int clause = 0) {
  UtteranceRow row;
  row.trace_id = "t1";
  row.channel = "call-1-3333";
  row.utterance = kNoon / 1000;
  row.clause = clause;
  row.target_language = language;
  row.translation = text;
  row.translate_provider = "apertium";
  row.translated_at = kNoon + kSecondNs * 8 / 5;
  row.translation_ms = 100;
  return row;
}

/// `rows` old metrics of a thousand calls, as quickly as SQLite can.
inline void fill_metrics(const std::string& path, int rows) {
  Database database(path, DatabaseAccess::kReadWrite);
  database.run("PRAGMA synchronous = OFF");
  database.run(
      "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < " +
      std::to_string(rows) +
      ") INSERT INTO metrics_agg_5s SELECT 'call-' || (i / 44 % 1000), 'St_' || (3 + i % 2), "
      "'PRE', 'parameter_' || (i / 2 % 22), strftime('%Y-%m-%dT%H:%M:%S.000000Z', 1772366400 + "
      "5 * (i / 44000), 'unixepoch'), 5000, 250, -60, -12, -24.5, -30, NULL FROM n");
  database.run("PRAGMA wal_checkpoint(TRUNCATE)");
}

}  // namespace dragoman
