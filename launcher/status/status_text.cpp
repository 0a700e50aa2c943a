// SPDX-License-Identifier: LGPL-2.1-or-later
#include <cstdio>

#include "launcher/ari/json.h"
#include "launcher/status/status.h"
#include "launcher/util/json.h"
#include "launcher/util/log.h"
#include "launcher/util/tabular.h"

namespace dragoman {
namespace {

constexpr size_t kNameWidth = 12, kExtensionWidth = 6, kLanguageWidth = 4, kStateWidth = 10;
constexpr size_t kMostText = 2000;

JsonNode* value(JsonObject* from, const char* name) {
  JsonNode* node = from ? json_object_get_member(from, name) : nullptr;
  return node && JSON_NODE_HOLDS_VALUE(node) ? node : nullptr;
}

/// A value as it stands, "?" if there is none.
std::string shown(JsonObject* from, const char* name) {
  JsonNode* node = value(from, name);
  if (!node) return "?";
  if (json_node_get_value_type(node) == G_TYPE_STRING)
    return log::printable(json_node_get_string(node), kMostText);
  g_autofree char* text = json_to_string(node, FALSE);
  return text;
}

bool is_true(JsonObject* from, const char* name) {
  JsonNode* node = value(from, name);
  return node && json_node_get_value_type(node) == G_TYPE_BOOLEAN && json_node_get_boolean(node);
}

double number(JsonObject* from, const char* name) {
  JsonNode* node = value(from, name);
  return node ? json_node_get_double(node) : 0;
}

std::string fixed(double figure, const char* unit) {
  char text[64];
  std::snprintf(text, sizeof text, figure < 100 ? "%.1f %s" : "%.0f %s", figure, unit);
  return text;
}

std::string bytes(JsonObject* from, const char* name) {
  const double count = number(from, name);
  for (const auto& [unit, size] : {std::pair("GB", 1e9), std::pair("MB", 1e6)})
    if (count >= size) return fixed(count / size, unit);
  return fixed(count / 1e3, "kB");
}

/// "2 d 3 h", "4 min 5 s": the two largest units.
std::string duration(double seconds) {
  auto left = static_cast<int64_t>(seconds);
  std::string text;
  int shown_units = 0;
  for (const auto& [unit, size] :
       {std::pair("d", 86400), std::pair("h", 3600), std::pair("min", 60), std::pair("s", 1)}) {
    const int64_t count = left / size;
    left %= size;
    if ((count == 0 && text.empty() && size > 1) || shown_units == 2) continue;
    text += (text.empty() ? "" : " ") + std::to_string(count) + " " + unit;
    ++shown_units;
  }
  return text;
}

/// "2026-03-01 12:00:05Z"
std::string time_of(JsonObject* from, const char* name) {
  std::string text = json::text(from, name);
  if (text.size() < 20) return "?";
  text[10] = ' ';
  return text.substr(0, 19) + "Z";
}

std::string line(const std::string& name, const std::string& text) {
  return padded(name, kNameWidth) + text + "\n";
}

/// "12 metrics, 3 segments", or "none".
std::string rows(JsonObject* from, const char* name) {
  JsonObject* counts = json::member(from, name);
  std::string text;
  for (const RowKind kind : kRowKinds) {
    std::string field = row_kind_name(kind);
    for (char& c : field)
      if (c == ' ') c = '_';
    if (const int64_t count = json::integer(counts, field.c_str()))
      text += (text.empty() ? "" : ", ") + std::to_string(count) + " " + row_kind_name(kind);
  }
  return text.empty() ? "none" : text;
}

template <typename Use>
void each(JsonObject* from, const char* name, Use use) {
  JsonArray* items = json::array(from ? json_object_get_member(from, name) : nullptr);
  for (guint i = 0; items && i < json_array_get_length(items); ++i) {
    JsonNode* node = json_array_get_element(items, i);
    if (JsonObject* object = json::object(node)) use(object);
  }
}

std::string asterisk_line(JsonObject* asterisk) {
  const bool connected = is_true(asterisk, "connected");
  return line("Asterisk", (connected ? "connected to " : "NOT connected to ") +
                              shown(asterisk, "url") + " as " + shown(asterisk, "application") +
                              (connected ? ", since " + time_of(asterisk, "since") : ""));
}

std::string worker_line(JsonObject* worker) {
  JsonArray* pipelines = json::array(json_object_get_member(worker, "pipelines"));
  const guint count = pipelines ? json_array_get_length(pipelines) : 0;
  const int64_t restarts = json::integer(worker, "restarts");
  std::string text = value(worker, "pid") ? "pid " + shown(worker, "pid") : "NOT running";
  if (value(worker, "pid") && !is_true(worker, "ready")) text += ", starting";
  text += ": " + std::to_string(count) + (count == 1 ? " pipeline" : " pipelines");
  if (restarts) text += ", restarted " + std::to_string(restarts) + " times";
  return line("worker", text);
}

std::string calls_text(JsonObject* status) {
  std::string text;
  int count = 0;
  each(status, "calls", [&](JsonObject* call) {
    ++count;
    text += "  " + shown(call, "trace_id") + "  since " + time_of(call, "since") + "\n";
    each(call, "parties", [&](JsonObject* party) {
      text += "    " + padded(shown(party, "extension"), kExtensionWidth) +
              padded(shown(party, "language"), kLanguageWidth) +
              padded(shown(party, "state"), kStateWidth) +
              (is_true(party, "is_heard") ? "heard      " : "not heard  ") +
              shown(party, "pipeline") +
              (value(party, "worker_pid") ? ", worker " + shown(party, "worker_pid") : "") + "\n";
    });
  });
  return line("calls", count ? std::to_string(count) : "none") + text;
}

std::string store_lines(JsonObject* status) {
  JsonObject* journal = json::member(status, "journal");
  std::string text =
      line("journal", shown(journal, "path")) +
      line("", "rows waiting in memory " + shown(journal, "rows_waiting") + "; dropped " +
                   rows(journal, "rows_dropped") + "; refused " + shown(journal, "rows_refused"));
  if (JsonObject* disk = json::member(status, "disk")) {
    text += line(
        "disk",
        "journal " + bytes(disk, "journal_bytes") + ", audio " + bytes(disk, "audio_bytes") +
            (number(disk, "most_bytes") > 0 ? " of " + bytes(disk, "most_bytes") : std::string()) +
            "; free " + bytes(disk, "journal_free_bytes") + " for the journal, " +
            bytes(disk, "audio_free_bytes") + " for audio");
  }
  JsonObject* retention = json::member(status, "retention");
  const int64_t hours = json::integer(retention, "keep_hours");
  text += line("retention", (hours ? std::to_string(hours) + " h" : std::string("for ever")) +
                                "; removed: old " + rows(retention, "rows_deleted_old") +
                                "; for room " + rows(retention, "rows_deleted_for_room") +
                                "; without a file " + rows(retention, "rows_deleted_orphans") +
                                "; WAV files " + shown(retention, "files_deleted"));
  return text + line("", "longest lock " + fixed(number(retention, "longest_lock_ms"), "ms"));
}

std::string shipper_lines(JsonObject* shipper) {
  if (!shipper) return line("PostgreSQL", "nothing is shipped");
  return line("PostgreSQL", shown(shipper, "state") + " since " + time_of(shipper, "since") + ": " +
                                shown(shipper, "target")) +
         line("", "rows waiting in the journal " + shown(shipper, "rows_waiting") + ", shipped " +
                      shown(shipper, "rows_shipped") + ", refused " +
                      shown(shipper, "rows_refused"));
}

std::string postgresql_retention_lines(JsonObject* retention) {
  if (!retention) return {};
  const int64_t hours = json::integer(retention, "keep_hours");
  return line("", "kept there " + (hours ? std::to_string(hours) + " h" : std::string("for ever")) +
                      "; removed " + rows(retention, "rows_deleted") + "; longest step " +
                      fixed(number(retention, "longest_step_ms"), "ms"));
}

std::string salvage_line(JsonObject* salvage) {
  if (value(salvage, "working_on"))
    return line("salvage", "reading " + shown(salvage, "working_on"));
  if (json::integer(salvage, "files") == 0) return {};
  return line("salvage", "damaged journals " + shown(salvage, "files") + "; rows saved " +
                             shown(salvage, "rows_saved") + ", lost about " +
                             shown(salvage, "rows_lost"));
}

std::string recording_line(JsonObject* recording) {
  if (!is_true(recording, "enabled")) return line("recording", "off");
  const double lost_ms = number(recording, "audio_lost_ms");
  return line("recording", lost_ms > 0
                               ? fixed(lost_ms / 1000, "s of audio lost") +
                                     ", WAV files not whole " + shown(recording, "files_lost")
                               : "nothing lost");
}

std::string problem_lines(JsonObject* status) {
  std::string text;
  each(status, "problems", [&text](JsonObject* problem) {
    const bool loss = json::text(problem, "kind") == "loss";
    text += (loss ? "LOST   " : "WRONG  ") + shown(problem, "part") + ": " +
            shown(problem, "text") + "\n";
  });
  return text.empty() ? "all is well\n" : text;
}

}  // namespace

std::string text_of(JsonObject* status) {
  std::string text = "dragoman " + shown(status, "version") + ", pid " + shown(status, "pid") +
                     ", running for " + duration(number(status, "uptime_s")) +
                     (is_true(status, "stopping") ? ", stopping" : "") + "\n";
  text += asterisk_line(json::member(status, "asterisk"));
  each(status, "workers", [&text](JsonObject* worker) { text += worker_line(worker); });
  text += calls_text(status) + store_lines(status) +
          shipper_lines(json::member(status, "shipper")) +
          postgresql_retention_lines(json::member(status, "postgresql_retention")) +
          salvage_line(json::member(status, "salvage")) +
          recording_line(json::member(status, "recording"));
  return text + "\n" + problem_lines(status);
}

}  // namespace dragoman
