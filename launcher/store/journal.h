// SPDX-License-Identifier: LGPL-2.1-or-later
// The journal: a local SQLite database that holds every row until (and whether or not) it is
// shipped elsewhere.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "launcher/store/row_counts.h"

namespace dragoman {

/// Times are UTC ns since 1970; the database holds them as ISO 8601 text with microseconds and 'Z',
/// which sorts and compares as time and which PostgreSQL reads as timestamptz.
struct TraceRow {
  std::string trace_id;
  uint64_t started_at = 0;
  std::optional<uint64_t> ended_at;
  std::string src_extension;
  std::optional<std::string> dst_extension;
  int sample_rate = 16000, channels = 1;
};
struct MetricRow {
  std::string trace_id, station_key, tap, metric_key;
  uint64_t bucket_ts = 0;
  int bucket_ms = 5000;
  int64_t count = 0;
  double min = 0, max = 0, avg = 0, last = 0;
};
struct SegmentRow {
  std::string trace_id, station_key, tap;
  uint64_t bucket_ts = 0;
  int bucket_ms = 5000, sample_rate_hz = 16000, channels = 1;
  std::string format = "WAV_PCM_S16LE_MONO", file_path;
};
/// One clause that somebody said and what was said of it to the other. Key: trace_id, channel,
/// utterance, clause, target_language (empty until translated). Written more than once as it goes
/// its way: what a later row leaves empty keeps its value.
struct UtteranceRow {
  std::string trace_id, channel, extension;
  uint64_t utterance = 0;
  int clause = 0;
  std::string language, text, stt_provider;
  uint64_t start_at = 0, end_at = 0, committed_at = 0;
  double endpoint_ms = 0, decode_ms = 0;
  std::string target_language, translation, translate_provider, tts_provider;
  std::optional<uint64_t> translated_at, first_audio_at;
  std::optional<double> translation_ms, tts_first_audio_ms, delay_ms, speaking_rate;
};

/// Somebody turned a knob. Values are JSON; empty: none. Never updates another row.
struct KnobEventRow {
  std::string trace_id;     ///< of the call it was turned for; empty: no call was concerned
  std::string station_key;  ///< where the knob acts; empty: at no one station
  std::string knob_key, old_value, new_value;
  std::string changed_by;
  uint64_t created_at = 0;
};
/// What the knobs of a station stood at when a bucket ended; `knob_values` is a JSON object.
struct KnobSnapshotRow {
  std::string trace_id, station_key;
  uint64_t bucket_ts = 0;
  std::string knob_values = "{}";
};

struct JournalOptions {
  size_t queue_limit = 65536;                ///< rows that may wait in memory
  std::chrono::milliseconds interval{1000};  ///< between transactions, and between retries
  /// If set, a file that SQLite calls damaged is put aside (backup/recover.h) and a new one made;
  /// this is called after that, on the constructor's or the journal's thread. If not, open()
  /// throws.
  std::function<void(const std::string& aside)> damaged;
};

/// How the journal stands.
struct JournalHealth {
  uint64_t waiting = 0;    ///< rows in memory that are not in the database yet
  RowCounts dropped;       ///< for which the bounded queue had no room, since the start
  uint64_t refused = 0;    ///< that break a constraint of the database, since the start
  std::string last_error;  ///< what is wrong and its cure; empty while rows are written
};

/// The journal's file in the launcher's data folder.
inline std::string journal_path(const std::string& data_folder) {
  return data_folder + "/dragoman.db";
}

/// Appends are queued (any thread, never blocking on the disk) and written by the journal's own
/// thread in one transaction a second. Rows that exist already are updated, never doubled. Nothing
/// acknowledged by flush() is lost by a kill or a power cut.
///
/// While the disk is full, the file locked or damaged, rows wait in the bounded queue and are tried
/// again; when it is full the least important go first: metrics, then knob snapshots, then segments
/// (their files are found again by mend_segments()), then utterances, then knob events, then
/// traces.
class Journal {
 public:
  /// Opens or creates the database and brings its schema up to date (data/migrations/sqlite).
  /// While the disk is full or the file locked, rows wait from the start and that is tried again.
  /// Throws std::runtime_error with a message that names the file and the cure.
  static std::unique_ptr<Journal> open(const std::string& path, const JournalOptions& options = {});
  virtual ~Journal() = default;  ///< writes what is queued

  virtual void append(TraceRow row) = 0;
  virtual void append(MetricRow row) = 0;
  virtual void append(SegmentRow row) = 0;
  virtual void append(UtteranceRow row) = 0;
  virtual void append(KnobEventRow row) = 0;
  virtual void append(KnobSnapshotRow row) = 0;

  /// Blocks until everything appended so far is in the database, or until one attempt to write it
  /// has failed: waiting() is 0 if all is written. For shutdown, reports and tests.
  virtual void flush() = 0;
  /// Rows not in the database yet.
  virtual uint64_t waiting() const { return 0; }
  /// Rows not written because the disk failed or the bounded queue was full, since the start.
  virtual uint64_t dropped() const = 0;
  /// All of that, by kind. Any thread.
  virtual JournalHealth health() const { return {.waiting = waiting()}; }
};

}  // namespace dragoman
