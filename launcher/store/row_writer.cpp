// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/store/row_writer.h"

#include <glib.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <type_traits>

#include "launcher/store/iso_time.h"

namespace dragoman {
namespace {

constexpr uint64_t kMicrosecond = 1000;  // ns

// In an utterance's statements ?1 to ?5 are its key, ?6 to ?14 what was heard, ?15 to ?23 what was
// said of it.
constexpr char kUpdateHeard[] = R"sql(
UPDATE utterances SET extension = coalesce(?6, extension), language = coalesce(?7, language),
  text = coalesce(?8, text), stt_provider = coalesce(?9, stt_provider),
  start_at = coalesce(?10, start_at), end_at = coalesce(?11, end_at),
  committed_at = coalesce(?12, committed_at), endpoint_ms = coalesce(?13, endpoint_ms),
  decode_ms = coalesce(?14, decode_ms)
WHERE trace_id = ?1 AND channel = ?2 AND utterance = ?3 AND clause = ?4)sql";

constexpr char kInsertUtterance[] = R"sql(
INSERT INTO utterances (trace_id, channel, utterance, clause, target_language,
  extension, language, text, stt_provider, start_at, end_at, committed_at, endpoint_ms, decode_ms,
  translation, translate_provider, tts_provider, translated_at, first_audio_at, translation_ms,
  tts_first_audio_ms, delay_ms, speaking_rate)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20,
  ?21, ?22, ?23))sql";

constexpr char kNameLanguage[] = R"sql(
UPDATE utterances SET target_language = ?5
WHERE trace_id = ?1 AND channel = ?2 AND utterance = ?3 AND clause = ?4 AND target_language = '')sql";

constexpr char kCopyHeard[] = R"sql(
INSERT INTO utterances (trace_id, channel, utterance, clause, target_language,
  extension, language, text, stt_provider, start_at, end_at, committed_at, endpoint_ms, decode_ms)
SELECT trace_id, channel, utterance, clause, ?5,
  extension, language, text, stt_provider, start_at, end_at, committed_at, endpoint_ms, decode_ms
FROM utterances WHERE trace_id = ?1 AND channel = ?2 AND utterance = ?3 AND clause = ?4 LIMIT 1
ON CONFLICT DO NOTHING)sql";

constexpr char kUpdateSaid[] = R"sql(
UPDATE utterances SET translation = coalesce(?15, translation),
  translate_provider = coalesce(?16, translate_provider),
  tts_provider = coalesce(?17, tts_provider), translated_at = coalesce(?18, translated_at),
  first_audio_at = coalesce(?19, first_audio_at), translation_ms = coalesce(?20, translation_ms),
  tts_first_audio_ms = coalesce(?21, tts_first_audio_ms), delay_ms = coalesce(?22, delay_ms),
  speaking_rate = coalesce(?23, speaking_rate)
WHERE trace_id = ?1 AND channel = ?2 AND utterance = ?3 AND clause = ?4
  AND target_language = ?5)sql";

constexpr char kUpdateTrace[] = R"sql(
UPDATE traces SET started_at = coalesce(?2, started_at), ended_at = coalesce(?3, ended_at),
  src_extension = coalesce(?4, src_extension), dst_extension = coalesce(?5, dst_extension),
  sample_rate = ?6, channels = ?7
WHERE trace_id = ?1)sql";

constexpr char kInsertTrace[] = R"sql(
INSERT INTO traces (trace_id, started_at, ended_at, src_extension, dst_extension, sample_rate,
  channels)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7))sql";

// FAIL leaves the rows before a refused one in place; ABORT, which does not, has SQLite keep a
// journal for each statement of many rows.
constexpr char kAddMetrics[] = R"sql(
INSERT OR FAIL INTO metrics_agg_5s (trace_id, station_key, tap, metric_key, bucket_ts, bucket_ms,
  count, min, max, avg, last)
VALUES )sql";
constexpr char kMetricValues[] = "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
constexpr char kUnlessThere[] =
    " ON CONFLICT (trace_id, station_key, tap, metric_key, bucket_ts) DO NOTHING";
constexpr size_t kMetricsAtOnce = 32;

constexpr char kDeleteMetric[] = R"sql(
DELETE FROM metrics_agg_5s
WHERE trace_id = ?1 AND station_key = ?2 AND tap = ?3 AND metric_key = ?4 AND bucket_ts = ?5)sql";

// Free for the file, or its own row: the bucket's key, or else the first microsecond after it.
constexpr char kFindSegment[] = R"sql(
SELECT file_path FROM audio_segments_5s
WHERE trace_id = ?1 AND station_key = ?2 AND tap = ?3 AND bucket_ts = ?4)sql";

constexpr char kPutSegment[] = R"sql(
INSERT INTO audio_segments_5s (trace_id, station_key, tap, bucket_ts, bucket_ms, sample_rate_hz,
  channels, format, file_path)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
ON CONFLICT (trace_id, station_key, tap, bucket_ts) DO UPDATE SET
  bucket_ms = excluded.bucket_ms, sample_rate_hz = excluded.sample_rate_hz,
  channels = excluded.channels, format = excluded.format, file_path = excluded.file_path)sql";

constexpr char kAddKnobEvent[] = R"sql(
INSERT INTO knob_events (trace_id, station_key, knob_key, old_value, new_value, changed_by,
  created_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7))sql";

constexpr char kPutKnobSnapshot[] = R"sql(
INSERT INTO knob_snapshots_5s (trace_id, station_key, bucket_ts, knob_values)
VALUES (?1, ?2, ?3, ?4)
ON CONFLICT (trace_id, station_key, bucket_ts) DO UPDATE SET
  knob_values = excluded.knob_values)sql";

std::string add_metrics(size_t rows) {
  std::string sql = kAddMetrics;
  for (size_t row = 0; row < rows; ++row) sql += (row ? ", " : "") + std::string(kMetricValues);
  return sql + kUnlessThere;
}

std::optional<std::string_view> filled(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional<std::string_view>(text);
}

std::optional<std::string_view> filled(const std::optional<std::string>& text) {
  return text ? filled(*text) : std::nullopt;
}

/// Zero is none.
std::optional<std::string> time_text(std::optional<uint64_t> utc_ns) {
  return utc_ns.value_or(0) ? std::optional(iso_time(*utc_ns)) : std::nullopt;
}

void bind_value(Statement& statement, int index, std::string_view text) {
  statement.bind_in_place(index, text);
}

template <typename Number>
requires std::is_arithmetic_v<Number>
void bind_value(Statement& statement, int index, Number value) {
  if constexpr (std::is_floating_point_v<Number>) {
    statement.bind(index, double{value});
  } else {
    statement.bind(index, static_cast<int64_t>(value));
  }
}

template <typename Value>
void bind_value(Statement& statement, int index, const std::optional<Value>& value) {
  value ? bind_value(statement, index, *value) : statement.bind_null(index);
}

/// Binds `values` from `first` on; those past the statement's last parameter are left out.
template <typename... Values>
void bind_all(Statement& statement, int first, const Values&... values) {
  const int last = statement.parameters();
  int index = first;
  ((index <= last ? bind_value(statement, index++, values) : void()), ...);
}

template <typename... Values>
void run(Statement& statement, const Values&... values) {
  bind_all(statement, 1, values...);
  statement.run();
}

/// The values of kMetricValues, which must stay where they are until the statement has run.
void bind_metric(Statement& statement, int first, const MetricRow& row,
                 const std::string& bucket_ts) {
  bind_all(statement, first, row.trace_id, row.station_key, row.tap, row.metric_key, bucket_ts,
           row.bucket_ms, row.count, row.min, row.max, row.avg, row.last);
}

/// True for a failure that is the row's own: trying again would fail again.
bool is_hopeless(const DatabaseError& error) {
  return error.primary_code() == SQLITE_CONSTRAINT || error.primary_code() == SQLITE_MISMATCH ||
         error.primary_code() == SQLITE_TOOBIG;
}

}  // namespace

RowWriter::RowWriter(Database& database)
    : database_(database),
      update_trace_(database.prepare(kUpdateTrace)),
      insert_trace_(database.prepare(kInsertTrace)),
      add_metrics_(database.prepare(add_metrics(kMetricsAtOnce))),
      add_metric_(database.prepare(add_metrics(1))),
      delete_metric_(database.prepare(kDeleteMetric)),
      find_segment_(database.prepare(kFindSegment)),
      put_segment_(database.prepare(kPutSegment)),
      update_heard_(database.prepare(kUpdateHeard)),
      insert_utterance_(database.prepare(kInsertUtterance)),
      name_language_(database.prepare(kNameLanguage)),
      copy_heard_(database.prepare(kCopyHeard)),
      update_said_(database.prepare(kUpdateSaid)),
      add_knob_event_(database.prepare(kAddKnobEvent)),
      put_knob_snapshot_(database.prepare(kPutKnobSnapshot)) {}

size_t RowWriter::write(const Rows& rows) {
  database_.run("BEGIN IMMEDIATE");
  try {
    const size_t refused = write_all(rows.traces) + write_all(rows.knob_events) +
                           write_all(rows.utterances) + write_all(rows.segments) +
                           write_all(rows.knob_snapshots) + write_metrics(rows.metrics);
    database_.run("COMMIT");
    return refused;
  } catch (...) {
    if (!sqlite3_get_autocommit(database_.handle())) {
      sqlite3_exec(database_.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
    }
    throw;
  }
}

template <typename Row>
size_t RowWriter::write_all(const std::deque<Row>& rows) {
  size_t refused = 0;
  for (const Row& row : rows) refused += !is_written(row);
  return refused;
}

/// False if the row can never be written.
template <typename Row>
bool RowWriter::is_written(const Row& row) {
  try {
    write_row(row);
    return true;
  } catch (const DatabaseError& error) {
    if (!is_hopeless(error)) throw;
    g_warning("journal: a row of trace '%s' is left out: %s", row.trace_id.c_str(), error.what());
    return false;
  }
}

// Most of what is written are metrics, and nearly all of them are new: many to a statement take
// half the time of one to each. If one is not new, or refused, each goes its own way.
size_t RowWriter::write_metrics(const std::deque<MetricRow>& rows) {
  size_t refused = 0;
  auto row = rows.begin();
  while (row != rows.end()) {
    const auto left = static_cast<size_t>(rows.end() - row);
    const auto end = row + static_cast<std::ptrdiff_t>(std::min(left, kMetricsAtOnce));
    if (left >= kMetricsAtOnce && are_added(row)) {
      row = end;
    } else {
      for (; row != end; ++row) refused += !is_written(*row);
    }
  }
  return refused;
}

/// Adds kMetricsAtOnce rows. False if some were there already or are refused.
bool RowWriter::are_added(std::deque<MetricRow>::const_iterator row) {
  std::array<std::string, kMetricsAtOnce> times;
  size_t time = 0;
  for (size_t i = 0; i < kMetricsAtOnce; ++i, ++row) {
    if (i == 0 || row->bucket_ts != std::prev(row)->bucket_ts) {
      time = i;
      times[time] = iso_time(row->bucket_ts);
    }
    const int columns = add_metric_.parameters();
    bind_metric(add_metrics_, 1 + static_cast<int>(i) * columns, *row, times[time]);
  }
  try {
    add_metrics_.run();
  } catch (const DatabaseError& error) {
    if (!is_hopeless(error)) throw;
    return false;
  }
  return static_cast<size_t>(database_.changes()) == kMetricsAtOnce;
}

void RowWriter::write_row(const TraceRow& row) {
  for (Statement* statement : {&update_trace_, &insert_trace_}) {
    run(*statement, row.trace_id, time_text(row.started_at), time_text(row.ended_at),
        filled(row.src_extension), filled(row.dst_extension), row.sample_rate, row.channels);
    if (database_.changes() > 0) return;
  }
}

bool RowWriter::is_added(const MetricRow& row, const std::string& bucket_ts) {
  bind_metric(add_metric_, 1, row, bucket_ts);
  add_metric_.run();
  return database_.changes() > 0;
}

// A metric that changes is replaced, so that its seq shows it (003_shipping.sql).
void RowWriter::write_row(const MetricRow& row) {
  const std::string bucket_ts = iso_time(row.bucket_ts);
  if (is_added(row, bucket_ts)) return;
  run(delete_metric_, row.trace_id, row.station_key, row.tap, row.metric_key, bucket_ts);
  is_added(row, bucket_ts);
}

bool RowWriter::belongs_to_another_file(const SegmentRow& row, const std::string& bucket_ts) {
  bind_all(find_segment_, 1, row.trace_id, row.station_key, row.tap, bucket_ts);
  const bool another = find_segment_.step() && find_segment_.text(0) != row.file_path;
  find_segment_.reset();
  return another;
}

void RowWriter::write_row(const SegmentRow& row) {
  uint64_t bucket_ts = row.bucket_ts;
  while (belongs_to_another_file(row, iso_time(bucket_ts))) bucket_ts += kMicrosecond;
  run(put_segment_, row.trace_id, row.station_key, row.tap, iso_time(bucket_ts), row.bucket_ms,
      row.sample_rate_hz, row.channels, row.format, row.file_path);
}

void RowWriter::write_row(const UtteranceRow& row) {
  // Zero is a measurement only in a row that tells of the recognition.
  const auto measured = [&row](double ms) {
    return ms != 0 || !row.stt_provider.empty() ? std::optional(ms) : std::nullopt;
  };
  const auto run_with = [&](Statement& statement) {
    run(statement, row.trace_id, row.channel, row.utterance, row.clause, row.target_language,
        filled(row.extension), filled(row.language), filled(row.text), filled(row.stt_provider),
        time_text(row.start_at), time_text(row.end_at), time_text(row.committed_at),
        measured(row.endpoint_ms), measured(row.decode_ms), filled(row.translation),
        filled(row.translate_provider), filled(row.tts_provider), time_text(row.translated_at),
        time_text(row.first_audio_at), row.translation_ms, row.tts_first_audio_ms, row.delay_ms,
        row.speaking_rate);
  };
  run_with(update_heard_);
  if (database_.changes() == 0) return run_with(insert_utterance_);
  if (!row.target_language.empty()) {
    run_with(name_language_);
    run_with(copy_heard_);
  }
  run_with(update_said_);
}

void RowWriter::write_row(const KnobEventRow& row) {
  run(add_knob_event_, filled(row.trace_id), filled(row.station_key), filled(row.knob_key),
      filled(row.old_value), filled(row.new_value), filled(row.changed_by),
      time_text(row.created_at));
}

void RowWriter::write_row(const KnobSnapshotRow& row) {
  run(put_knob_snapshot_, row.trace_id, row.station_key, iso_time(row.bucket_ts), row.knob_values);
}

}  // namespace dragoman
