// SPDX-License-Identifier: LGPL-2.1-or-later
// Two calls on two days, few enough to reckon with by hand, as SQL that SQLite and PostgreSQL take.
#pragma once

#include <gmock/gmock.h>

#include <memory>
#include <string>

#include "launcher/store/query/reports.h"
#include "tests/launcher/store/store_fixture.h"

namespace dragoman {

inline constexpr char kTwoCalls[] = R"(
INSERT INTO traces (trace_id, started_at, ended_at, src_extension, dst_extension) VALUES
 ('a', '2026-03-01T23:59:00.000000Z', '2026-03-02T00:01:30.000000Z', '3333', '4444'),
 ('b', '2026-03-02T10:00:00.000000Z', '2026-03-02T10:06:00.000000Z', '3333', NULL);
INSERT INTO metrics_agg_5s
 (trace_id, station_key, tap, metric_key, bucket_ts, count, min, max, avg, last) VALUES
 ('a', 'St_3', 'PRE',  'snr_db',           '2026-03-01T23:59:00.000000Z', 250,   5,  15,  10,  11),
 ('a', 'St_3', 'PRE',  'audio_level_dbfs', '2026-03-01T23:59:00.000000Z', 250, -60, -10, -30, -31),
 ('a', 'St_3', 'PRE',  'packets_late',     '2026-03-01T23:59:00.000000Z', 250,   0,   1, 0.4,   2),
 ('a', 'St_3', 'POST', 'snr_db',           '2026-03-01T23:59:00.000000Z', 250,  15,  25,  20,  21),
 ('a', 'St_3', 'POST', 'audio_level_dbfs', '2026-03-01T23:59:00.000000Z', 250, -50,  -9, -20, -21),
 ('a', 'St_3', 'PRE',  'snr_db',           '2026-03-01T23:59:05.000000Z', 250,   6,  18,  12,  11),
 ('a', 'St_3', 'PRE',  'audio_level_dbfs', '2026-03-01T23:59:05.000000Z', 250, -55, -12, -28, -31),
 ('a', 'St_3', 'PRE',  'packets_late',     '2026-03-01T23:59:05.000000Z', 250,   0,   1, 0.1,   0),
 ('a', 'St_3', 'PRE',  'mos',              '2026-03-01T23:59:05.000000Z',   1,   4,   4,   4,   4),
 ('a', 'St_3', 'POST', 'audio_level_dbfs', '2026-03-01T23:59:05.000000Z', 250, -50,  -9, -18, -21),
 ('a', 'St_4', 'PRE',  'snr_db',           '2026-03-02T00:00:00.000000Z', 250,  20,  40,  30,  31),
 ('a', 'St_4', 'PRE',  'audio_level_dbfs', '2026-03-02T00:00:00.000000Z', 250, -50,  -9, -25, -21),
 ('a', 'St_4', 'PRE',  'mos',              '2026-03-02T00:00:00.000000Z',   1,   3,   3,   3,   3),
 ('b', 'St_3', 'PRE',  'snr_db',           '2026-03-02T10:00:00.000000Z', 250,   9,  19,  16,  15),
 ('b', 'St_3', 'PRE',  'audio_level_dbfs', '2026-03-02T10:00:00.000000Z', 250, -50,  -9, -24, -21),
 ('b', 'St_3', 'PRE',  'mos',              '2026-03-02T10:00:00.000000Z',   1, 4.4, 4.4, 4.4, 4.4),
 ('b', 'St_3', 'PRE',  'audio_level_dbfs', '2026-03-02T10:00:05.000000Z', 250, -50,  -9, -26, -21);
INSERT INTO knob_snapshots_5s (trace_id, station_key, bucket_ts, knob_values) VALUES
 ('a', 'St_3', '2026-03-01T23:59:00.000000Z', '{"agc.enabled":true,"gain_db":0}'),
 ('a', 'St_3', '2026-03-01T23:59:05.000000Z', '{"agc.enabled":true,"gain_db":0}'),
 ('b', 'St_3', '2026-03-02T10:00:00.000000Z', '{"agc.enabled":false,"gain_db":0}');
INSERT INTO utterances
 (trace_id, channel, extension, utterance, clause, language, text, start_at, end_at,
  target_language, translation, first_audio_at, delay_ms, decode_ms) VALUES
 ('a', 'a-3333', '3333', 1, 0, 'en', 'Good evening.', '2026-03-01T23:59:01.000000Z',
  '2026-03-01T23:59:02.000000Z', 'es', 'Buenas noches.', '2026-03-01T23:59:03.000000Z', 1000, 80),
 ('a', 'a-3333', '3333', 1, 1, 'en', 'Is that you?', '2026-03-01T23:59:03.000000Z',
  '2026-03-01T23:59:04.000000Z', 'es', '¿Es usted?', '2026-03-01T23:59:06.000000Z', 2000, 90),
 ('a', 'a-4444', '4444', 2, 0, 'es', 'Sí, soy yo.', '2026-03-01T23:59:07.000000Z',
  '2026-03-01T23:59:08.000000Z', '', NULL, NULL, NULL, NULL),
 ('b', 'b-3333', '3333', 3, 0, 'en', 'One, "two".', '2026-03-02T10:00:01.000000Z',
  '2026-03-02T10:00:02.000000Z', 'es', 'Uno, "dos".', '2026-03-02T10:00:03.500000Z', 1500, 80),
 ('b', 'b-3333', '3333', 4, 0, 'en', 'Three.', '2026-03-02T10:00:04.000000Z',
  '2026-03-02T10:00:05.000000Z', 'es', 'Tres.', '2026-03-02T10:00:06.700000Z', 1700, 80),
 ('b', 'b-3333', '3333', 5, 0, 'en', 'Four.', '2026-03-02T10:00:06.000000Z',
  '2026-03-02T10:00:07.000000Z', 'es', 'Cuatro.', '2026-03-02T10:00:07.900000Z', 900, 80);
)";

/// The columns of `table` named so, in that order.
inline std::vector<CellRow> columns_of(const ResultTable& table,
                                       const std::vector<std::string>& names) {
  std::vector<CellRow> rows(table.rows.size());
  for (const std::string& name : names) {
    size_t column = 0;
    while (column < table.columns.size() && table.columns[column].name != name) ++column;
    for (size_t row = 0; row < rows.size(); ++row) rows[row].push_back(table.rows[row].at(column));
  }
  return rows;
}

/// Whole numbers as figures, so that 1 is 1.0 in whatever way a database gives it.
inline CellRow row(std::initializer_list<Cell> cells) { return cells; }
inline std::vector<CellRow> figures(std::vector<CellRow> rows) {
  for (CellRow& cells : rows) {
    for (Cell& cell : cells) {
      if (const int64_t* whole = std::get_if<int64_t>(&cell)) cell = static_cast<double>(*whole);
    }
  }
  return rows;
}

class QueryTest : public StoreTest {
 protected:
  void SetUp() override {
    Journal::open(path());
    Database(path(), DatabaseAccess::kReadWrite).run(kTwoCalls);
  }
  void run(const std::string& sql) { Database(path(), DatabaseAccess::kReadWrite).run(sql); }
  std::unique_ptr<QuerySource> source() const { return open_journal_source(folder()); }
};

}  // namespace dragoman
