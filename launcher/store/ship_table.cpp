// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/store/ship_table.h"

#include <array>

namespace dragoman {
namespace {

/// What a row of the same key means.
enum class Conflict {
  kReplaces,   ///< the later row is the truth
  kCompletes,  ///< what the later row leaves empty keeps its value
};

std::string join(const std::vector<std::string>& parts, const std::string& between) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : between) + part;
  return text;
}

std::vector<std::string> prefixed(const std::string& prefix, std::vector<std::string> names) {
  for (std::string& name : names) name = prefix + name;
  return names;
}

/// Rows come in the order of their changes, so the later one is the newer. A repeat writes nothing.
std::string upsert(const std::string& name, const std::vector<std::string>& key,
                   const std::vector<std::string>& rest, Conflict conflict) {
  std::vector<std::string> all = key, set, values;
  all.insert(all.end(), rest.begin(), rest.end());
  for (const std::string& column : rest) {
    const std::string value = conflict == Conflict::kReplaces
                                  ? "excluded." + column
                                  : "coalesce(excluded." + column + ", t." + column + ")";
    set.push_back(column + " = " + value);
    values.push_back(value);
  }
  const std::string columns = join(all, ", ");
  return "INSERT INTO " + name + " AS t (" + columns + ") SELECT " + columns + " FROM ship_" +
         name + " ON CONFLICT (" + join(key, ", ") + ") DO UPDATE SET " + join(set, ", ") +
         " WHERE (" + join(prefixed("t.", rest), ", ") + ") IS DISTINCT FROM (" +
         join(values, ", ") + ");";
}

ShipTable table(const std::string& name, const std::vector<std::string>& key,
                const std::vector<std::string>& rest, Conflict conflict) {
  std::vector<std::string> all = key;
  all.insert(all.end(), rest.begin(), rest.end());
  return {name, join(all, ", "), "seq", upsert(name, key, rest, conflict)};
}

/// A clause's row without target language becomes the row of its first translation.
ShipTable utterances() {
  ShipTable found =
      table("utterances", {"trace_id", "channel", "utterance", "clause", "target_language"},
            {"extension", "language", "text", "stt_provider", "start_at", "end_at", "committed_at",
             "endpoint_ms", "decode_ms", "translation", "translate_provider", "tts_provider",
             "translated_at", "first_audio_at", "translation_ms", "tts_first_audio_ms", "delay_ms",
             "speaking_rate"},
            Conflict::kCompletes);
  found.merge +=
      " DELETE FROM utterances t USING ship_utterances s WHERE t.target_language = '' AND "
      "(t.trace_id, t.channel, t.utterance, t.clause) = (s.trace_id, s.channel, s.utterance, "
      "s.clause) AND EXISTS (SELECT FROM utterances u WHERE u.target_language <> '' AND "
      "(u.trace_id, u.channel, u.utterance, u.clause) = (t.trace_id, t.channel, t.utterance, "
      "t.clause));";
  return found;
}

/// Events never change, and are told apart by what they say: their number is the journal's own.
ShipTable knob_events() {
  const std::string said =
      "trace_id, station_key, knob_key, old_value, new_value, changed_by, created_at";
  return {"knob_events", said, "event_id",
          "INSERT INTO knob_events (" + said + ") SELECT " + said +
              " FROM ship_knob_events s WHERE NOT EXISTS (SELECT FROM knob_events t WHERE "
              "t.created_at = s.created_at AND (t.trace_id, t.station_key, t.knob_key, "
              "t.old_value, t.new_value, t.changed_by) IS NOT DISTINCT FROM (s.trace_id, "
              "s.station_key, s.knob_key, s.old_value, s.new_value, s.changed_by)) "
              "ORDER BY created_at;"};
}

/// Nearly all rows that are shipped.
ShipTable metrics() {
  ShipTable found =
      table("metrics_agg_5s", {"trace_id", "station_key", "tap", "metric_key", "bucket_ts"},
            {"bucket_ms", "count", "min", "max", "avg", "last"}, Conflict::kReplaces);
  found.mostly_new = true;
  return found;
}

}  // namespace

std::span<const ShipTable> ship_tables() {
  static const std::array<ShipTable, 6> tables = {
      table("traces", {"trace_id"},
            {"started_at", "ended_at", "src_extension", "dst_extension", "sample_rate", "channels"},
            Conflict::kCompletes),
      utterances(),
      knob_events(),
      table("knob_snapshots_5s", {"trace_id", "station_key", "bucket_ts"}, {"knob_values"},
            Conflict::kReplaces),
      table("audio_segments_5s", {"trace_id", "station_key", "tap", "bucket_ts"},
            {"bucket_ms", "sample_rate_hz", "channels", "format", "file_path"},
            Conflict::kReplaces),
      metrics()};
  return tables;
}

}  // namespace dragoman
