// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/store/row_writer.h"

#include <glib.h>

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

constexpr char kAddMetric[] = R"sql(
INSERT INTO metrics_agg_5s (trace_id, station_key, tap, metric_key, bucket_ts, bucket_ms, count,
  min, max, avg, last)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
ON CONFLICT (trace_id, station_key, tap, metric_key, bucket_ts) DO NOTHING)sql";

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

void bind_filled(Statement& statement, int index, const std::string& text) {
  text.empty() ? statement.bind_null(index) : statement.bind(index, text);
}

void bind_filled(Statement& statement, int index, const std::optional<std::string>& text) {
  bind_filled(statement, index, text.value_or(std::string()));
}

void bind_filled(Statement& statement, int index, const std::optional<double>& value) {
  value ? statement.bind(index, *value) : statement.bind_null(index);
}

/// A time; zero is none.
void bind_time(Statement& statement, int index, std::optional<uint64_t> utc_ns) {
  utc_ns.value_or(0) ? statement.bind(index, iso_time(*utc_ns)) : statement.bind_null(index);
}

void bind_key(Statement& statement, const UtteranceRow& row) {
  statement.bind(1, row.trace_id);
  statement.bind(2, row.channel);
  statement.bind(3, static_cast<int64_t>(row.utterance));
  statement.bind(4, int64_t{row.clause});
}

void bind_heard(Statement& statement, const UtteranceRow& row) {
  bind_filled(statement, 6, row.extension);
  bind_filled(statement, 7, row.language);
  bind_filled(statement, 8, row.text);
  bind_filled(statement, 9, row.stt_provider);
  bind_time(statement, 10, row.start_at);
  bind_time(statement, 11, row.end_at);
  bind_time(statement, 12, row.committed_at);
  // Zero is a measurement only in a row that tells of the recognition.
  const bool measured = !row.stt_provider.empty();
  if (measured || row.endpoint_ms != 0) statement.bind(13, row.endpoint_ms);
  if (measured || row.decode_ms != 0) statement.bind(14, row.decode_ms);
}

void bind_said(Statement& statement, const UtteranceRow& row) {
  bind_filled(statement, 15, row.translation);
  bind_filled(statement, 16, row.translate_provider);
  bind_filled(statement, 17, row.tts_provider);
  bind_time(statement, 18, row.translated_at);
  bind_time(statement, 19, row.first_audio_at);
  bind_filled(statement, 20, row.translation_ms);
  bind_filled(statement, 21, row.tts_first_audio_ms);
  bind_filled(statement, 22, row.delay_ms);
  bind_filled(statement, 23, row.speaking_rate);
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
      add_metric_(database.prepare(kAddMetric)),
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
                           write_all(rows.knob_snapshots) + write_all(rows.metrics);
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
  for (const Row& row : rows) {
    try {
      write_row(row);
    } catch (const DatabaseError& error) {
      if (!is_hopeless(error)) throw;
      g_warning("journal: a row of trace '%s' is left out: %s", row.trace_id.c_str(), error.what());
      ++refused;
    }
  }
  return refused;
}

void RowWriter::write_row(const TraceRow& row) {
  const auto run = [&row](Statement& statement) {
    statement.bind(1, row.trace_id);
    bind_time(statement, 2, row.started_at);
    bind_time(statement, 3, row.ended_at);
    bind_filled(statement, 4, row.src_extension);
    bind_filled(statement, 5, row.dst_extension);
    statement.bind(6, int64_t{row.sample_rate});
    statement.bind(7, int64_t{row.channels});
    statement.run();
  };
  run(update_trace_);
  if (database_.changes() == 0) run(insert_trace_);
}

bool RowWriter::add(const MetricRow& row, const std::string& bucket_ts) {
  add_metric_.bind(1, row.trace_id);
  add_metric_.bind(2, row.station_key);
  add_metric_.bind(3, row.tap);
  add_metric_.bind(4, row.metric_key);
  add_metric_.bind(5, bucket_ts);
  add_metric_.bind(6, int64_t{row.bucket_ms});
  add_metric_.bind(7, row.count);
  add_metric_.bind(8, row.min);
  add_metric_.bind(9, row.max);
  add_metric_.bind(10, row.avg);
  add_metric_.bind(11, row.last);
  add_metric_.run();
  return database_.changes() > 0;
}

// A metric that changes is replaced, so that its seq shows it (003_shipping.sql).
void RowWriter::write_row(const MetricRow& row) {
  const std::string bucket_ts = iso_time(row.bucket_ts);
  if (add(row, bucket_ts)) return;
  delete_metric_.bind(1, row.trace_id);
  delete_metric_.bind(2, row.station_key);
  delete_metric_.bind(3, row.tap);
  delete_metric_.bind(4, row.metric_key);
  delete_metric_.bind(5, bucket_ts);
  delete_metric_.run();
  add(row, bucket_ts);
}

bool RowWriter::belongs_to_another_file(const SegmentRow& row, const std::string& bucket_ts) {
  find_segment_.bind(1, row.trace_id);
  find_segment_.bind(2, row.station_key);
  find_segment_.bind(3, row.tap);
  find_segment_.bind(4, bucket_ts);
  const bool another = find_segment_.step() && find_segment_.text(0) != row.file_path;
  find_segment_.reset();
  return another;
}

void RowWriter::write_row(const SegmentRow& row) {
  uint64_t bucket_ts = row.bucket_ts;
  while (belongs_to_another_file(row, iso_time(bucket_ts))) bucket_ts += kMicrosecond;
  put_segment_.bind(1, row.trace_id);
  put_segment_.bind(2, row.station_key);
  put_segment_.bind(3, row.tap);
  put_segment_.bind(4, iso_time(bucket_ts));
  put_segment_.bind(5, int64_t{row.bucket_ms});
  put_segment_.bind(6, int64_t{row.sample_rate_hz});
  put_segment_.bind(7, int64_t{row.channels});
  put_segment_.bind(8, row.format);
  put_segment_.bind(9, row.file_path);
  put_segment_.run();
}

void RowWriter::write_row(const UtteranceRow& row) {
  bind_key(update_heard_, row);
  bind_heard(update_heard_, row);
  update_heard_.run();
  if (database_.changes() == 0) {
    bind_key(insert_utterance_, row);
    insert_utterance_.bind(5, row.target_language);
    bind_heard(insert_utterance_, row);
    bind_said(insert_utterance_, row);
    insert_utterance_.run();
    return;
  }
  if (!row.target_language.empty()) {
    for (Statement* statement : {&name_language_, &copy_heard_}) {
      bind_key(*statement, row);
      statement->bind(5, row.target_language);
      statement->run();
    }
  }
  bind_key(update_said_, row);
  update_said_.bind(5, row.target_language);
  bind_said(update_said_, row);
  update_said_.run();
}

void RowWriter::write_row(const KnobEventRow& row) {
  bind_filled(add_knob_event_, 1, row.trace_id);
  bind_filled(add_knob_event_, 2, row.station_key);
  bind_filled(add_knob_event_, 3, row.knob_key);
  bind_filled(add_knob_event_, 4, row.old_value);
  bind_filled(add_knob_event_, 5, row.new_value);
  bind_filled(add_knob_event_, 6, row.changed_by);
  bind_time(add_knob_event_, 7, row.created_at);
  add_knob_event_.run();
}

void RowWriter::write_row(const KnobSnapshotRow& row) {
  put_knob_snapshot_.bind(1, row.trace_id);
  put_knob_snapshot_.bind(2, row.station_key);
  put_knob_snapshot_.bind(3, iso_time(row.bucket_ts));
  put_knob_snapshot_.bind(4, row.knob_values);
  put_knob_snapshot_.run();
}

}  // namespace dragoman
