// SPDX-License-Identifier: LGPL-2.1-or-later
// A report as a table and as JSON.
#include <glib.h>
#include <json-glib/json-glib.h>

#include <cstdio>

#include "launcher/store/report.h"
#include "launcher/util/tabular.h"

namespace dragoman {
namespace {

// Widths on the terminal, in columns.
constexpr size_t kNameWidth = 18, kFigureWidth = 12;

std::string figure(const std::string& text) { return padded(text, kFigureWidth, Align::kRight); }

std::string seconds(const std::optional<double>& ms) {
  if (!ms) return "–";
  char text[32];
  std::snprintf(text, sizeof text, "%.2f s", *ms / 1000);
  return text;
}

std::string table_line(const std::string& name, const DelaySummary& delay) {
  return "  " + padded(name, kNameWidth) + figure(std::to_string(delay.utterances)) +
         figure(std::to_string(delay.heard)) + figure(seconds(delay.p50_ms)) +
         figure(seconds(delay.p95_ms)) + figure(seconds(delay.max_ms)) + "\n";
}

std::string heading(const Report& report) {
  std::string text = report.trace_ids.size() == 1
                         ? "Trace " + report.trace_ids[0]
                         : std::to_string(report.trace_ids.size()) + " traces";
  for (size_t i = 0; i < report.extensions.size(); ++i) {
    text += (i == 0 ? ": " : " and ") + report.extensions[i];
  }
  text += ", " + report.started_at.substr(0, 19) + "Z";
  if (!report.ended_at.empty()) text += " to " + report.ended_at.substr(11, 8) + "Z";
  return text + "\n";
}

std::string utterance_lines(const ReportedUtterance& utterance) {
  const std::string time = utterance.start_at.size() > 19 ? utterance.start_at.substr(11, 8) : "";
  std::string text = "  " + padded(time, 9) + padded(utterance.extension, 6) +
                     padded(utterance.language, 3) + utterance.text + "\n";
  if (!utterance.target_language.empty()) {
    text += "  " + padded("", 15) + padded(utterance.target_language, 3) + utterance.translation +
            (utterance.delay_ms ? "  (" + seconds(utterance.delay_ms) + ")" : " (not heard)") +
            "\n";
  }
  return text;
}

// JSON.

void add_text(JsonBuilder* builder, const char* name, const std::string& text) {
  json_builder_set_member_name(builder, name);
  text.empty() ? json_builder_add_null_value(builder)
               : json_builder_add_string_value(builder, text.c_str());
}

void add_number(JsonBuilder* builder, const char* name, const std::optional<double>& value) {
  json_builder_set_member_name(builder, name);
  value ? json_builder_add_double_value(builder, *value) : json_builder_add_null_value(builder);
}

void add_count(JsonBuilder* builder, const char* name, int64_t value) {
  json_builder_set_member_name(builder, name);
  json_builder_add_int_value(builder, value);
}

void add_list(JsonBuilder* builder, const char* name, const std::vector<std::string>& texts) {
  json_builder_set_member_name(builder, name);
  json_builder_begin_array(builder);
  for (const std::string& text : texts) json_builder_add_string_value(builder, text.c_str());
  json_builder_end_array(builder);
}

void add_delay(JsonBuilder* builder, const DelaySummary& delay) {
  add_count(builder, "utterances", static_cast<int64_t>(delay.utterances));
  add_count(builder, "heard", static_cast<int64_t>(delay.heard));
  add_number(builder, "delay_p50_ms", delay.p50_ms);
  add_number(builder, "delay_p95_ms", delay.p95_ms);
  add_number(builder, "delay_max_ms", delay.max_ms);
}

void add_direction(JsonBuilder* builder, const DirectionReport& direction) {
  json_builder_begin_object(builder);
  add_text(builder, "direction", direction.direction);
  add_text(builder, "extension", direction.extension);
  add_delay(builder, direction.delay);
  add_number(builder, "endpoint_p50_ms", direction.endpoint_ms);
  add_number(builder, "decode_p50_ms", direction.decode_ms);
  add_number(builder, "translation_p50_ms", direction.translation_ms);
  add_number(builder, "tts_first_audio_p50_ms", direction.tts_first_audio_ms);
  json_builder_end_object(builder);
}

void add_utterance(JsonBuilder* builder, const ReportedUtterance& utterance) {
  json_builder_begin_object(builder);
  add_text(builder, "trace_id", utterance.trace_id);
  add_text(builder, "extension", utterance.extension);
  add_text(builder, "language", utterance.language);
  add_text(builder, "text", utterance.text);
  add_text(builder, "target_language", utterance.target_language);
  add_text(builder, "translation", utterance.translation);
  add_text(builder, "start_at", utterance.start_at);
  add_text(builder, "end_at", utterance.end_at);
  add_text(builder, "committed_at", utterance.committed_at);
  add_text(builder, "translated_at", utterance.translated_at);
  add_text(builder, "first_audio_at", utterance.first_audio_at);
  add_number(builder, "endpoint_ms", utterance.endpoint_ms);
  add_number(builder, "decode_ms", utterance.decode_ms);
  add_number(builder, "translation_ms", utterance.translation_ms);
  add_number(builder, "tts_first_audio_ms", utterance.tts_first_audio_ms);
  add_number(builder, "delay_ms", utterance.delay_ms);
  json_builder_end_object(builder);
}

template <typename Items, typename Add>
void add_array(JsonBuilder* builder, const char* name, const Items& items, Add add) {
  json_builder_set_member_name(builder, name);
  json_builder_begin_array(builder);
  for (const auto& item : items) add(builder, item);
  json_builder_end_array(builder);
}

}  // namespace

std::string report_text(const Report& report, bool list_utterances) {
  std::string text = heading(report) + "\n";
  if (list_utterances) {
    for (const ReportedUtterance& utterance : report.utterances) text += utterance_lines(utterance);
    text += "\n";
  }
  text += "  " + padded("", kNameWidth) + figure("utterances") + figure("heard") +
          figure("delay p50") + figure("p95") + figure("longest") + "\n";
  for (const DirectionReport& direction : report.directions) {
    text += table_line(direction.direction + " (" + direction.extension + ")", direction.delay);
  }
  text += table_line("all", report.delay) + "\n";
  text += "  5 s buckets " + std::to_string(report.buckets) + " · WAV files " +
          std::to_string(report.wav_files);
  if (report.wav_missing) text += " (" + std::to_string(report.wav_missing) + " missing)";
  return text + " · rows " + std::to_string(report.rows) + "\n";
}

std::string report_json(const Report& report) {
  g_autoptr(JsonBuilder) builder = json_builder_new();
  json_builder_begin_object(builder);
  add_list(builder, "traces", report.trace_ids);
  add_list(builder, "extensions", report.extensions);
  add_text(builder, "started_at", report.started_at);
  add_text(builder, "ended_at", report.ended_at);
  add_delay(builder, report.delay);
  add_array(builder, "directions", report.directions, add_direction);
  add_count(builder, "buckets", report.buckets);
  add_count(builder, "metric_rows", report.metric_rows);
  add_count(builder, "wav_files", report.wav_files);
  add_count(builder, "wav_files_missing", report.wav_missing);
  add_count(builder, "rows", report.rows);
  add_array(builder, "utterance_rows", report.utterances, add_utterance);
  json_builder_end_object(builder);
  g_autoptr(JsonNode) root = json_builder_get_root(builder);
  g_autofree char* text = json_to_string(root, TRUE);
  return std::string(text) + "\n";
}

}  // namespace dragoman
