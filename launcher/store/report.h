// SPDX-License-Identifier: LGPL-2.1-or-later
// What a call, or several, came to: read from the journal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "launcher/store/database.h"

namespace dragoman {

/// The `percent` percentile by nearest rank: the smallest of `values` that at least `percent` % of
/// them do not exceed. Always one of the values; nothing of none.
std::optional<double> percentile(std::vector<double> values, double percent);

/// Which traces a report is about.
struct ReportSelection {
  enum class Kind { kLast, kTrace, kRange } kind = Kind::kLast;
  std::string trace_id;                              ///< kTrace
  std::optional<uint64_t> started_from, started_to;  ///< kRange: UTC ns, end excluded
};

/// One clause and what was said of it. Times are the journal's text; empty if they never came.
struct ReportedUtterance {
  std::string trace_id, channel;
  int64_t utterance = 0, clause = 0;
  std::string extension, language, text, target_language, translation;
  std::string stt_provider, translate_provider, tts_provider;
  std::string start_at, end_at, committed_at, translated_at, first_audio_at;
  std::optional<double> endpoint_ms, decode_ms, translation_ms, tts_first_audio_ms, delay_ms,
      speaking_rate;
};

/// How long after the end of a clause's speech the first sample of its translation left, of those
/// clauses whose translation was heard.
struct DelaySummary {
  size_t utterances = 0;  ///< clauses committed
  size_t heard = 0;       ///< of them, spoken in translation
  std::optional<double> p50_ms, p95_ms, max_ms;
};

struct DirectionReport {
  std::string direction;  ///< "en→es"
  std::string extension;  ///< who spoke
  DelaySummary delay;
  /// Medians of the parts of the delay, of those that were measured.
  std::optional<double> endpoint_ms, decode_ms, translation_ms, tts_first_audio_ms;
};

struct Report {
  std::vector<std::string> trace_ids;
  std::vector<std::string> extensions;
  std::string started_at, ended_at;  ///< of the first and of the last; ended_at empty: goes on
  DelaySummary delay;
  std::vector<DirectionReport> directions;
  std::vector<ReportedUtterance> utterances;  ///< in the order spoken
  int64_t buckets = 0;                        ///< 5 s buckets of all taps
  int64_t metric_rows = 0;
  int64_t wav_files = 0;    ///< rows whose file is on disk
  int64_t wav_missing = 0;  ///< rows whose file is not
  int64_t rows = 0;         ///< of all tables
};

/// Reads the report from `database`. No traces: trace_ids is empty.
Report make_report(Database& database, const ReportSelection& selection);

/// The report as a table for the terminal; with every utterance above it if `list_utterances`.
std::string report_text(const Report& report, bool list_utterances);

/// The report as a JSON object: traces, extensions, started_at, ended_at, utterances, heard,
/// delay_p50_ms, delay_p95_ms, delay_max_ms, directions (each: direction, extension, the same
/// figures and parts), buckets, metric_rows, wav_files, wav_files_missing, rows, and utterance_rows
/// (each: the texts and times). What was not measured is null.
std::string report_json(const Report& report);

}  // namespace dragoman
