// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>

#include "launcher/status/status.h"
#include "launcher/store/iso_time.h"
#include "launcher/util/json.h"

namespace dragoman {
namespace {

constexpr double kSecondNs = 1e9, kMillisecondNs = 1e6;

/// An object as it grows.
class ObjectText {
 public:
  /// `value` is JSON.
  ObjectText& raw(const char* name, const std::string& value) {
    text_ += (text_.empty() ? "" : ", ") + json_string(name) + ": " + value;
    return *this;
  }
  ObjectText& text(const char* name, const std::string& value) {
    return raw(name, json_string(value));
  }
  ObjectText& text_or_null(const char* name, const std::string& value) {
    return raw(name, value.empty() ? "null" : json_string(value));
  }
  ObjectText& count(const char* name, uint64_t value) { return raw(name, std::to_string(value)); }
  ObjectText& number(const char* name, double value) { return raw(name, json_number(value)); }
  ObjectText& flag(const char* name, bool value) { return raw(name, value ? "true" : "false"); }
  ObjectText& time(const char* name, uint64_t utc_ns) {
    return raw(name, utc_ns ? json_string(iso_time(utc_ns)) : "null");
  }
  std::string str() const { return "{" + text_ + "}"; }

 private:
  std::string text_;
};

template <typename Items, typename Format>
std::string array_of(const Items& items, Format format) {
  std::string text;
  for (const auto& item : items) text += (text.empty() ? "" : ", ") + format(item);
  return "[" + text + "]";
}

std::string object_of(const RowCounts& counts) {
  ObjectText object;
  for (const RowKind kind : kRowKinds) {
    std::string name = row_kind_name(kind);
    std::replace(name.begin(), name.end(), ' ', '_');
    object.count(name.c_str(), counts[kind]);
  }
  return object.count("total", counts.total()).str();
}

std::string object_of(const StatusProblem& problem) {
  return ObjectText()
      .text("kind", problem.kind == StatusProblem::Kind::kNow ? "now" : "loss")
      .text("part", problem.part)
      .text("text", problem.text)
      .str();
}

std::string object_of(const LauncherStatus::Asterisk& asterisk) {
  return ObjectText()
      .text("url", asterisk.url)
      .text("application", asterisk.application)
      .flag("connected", asterisk.connected)
      .time("since", asterisk.since)
      .text_or_null("last_error", asterisk.last_error)
      .str();
}

std::string pid_or_null(int pid) { return pid ? std::to_string(pid) : "null"; }

std::string object_of(const LauncherStatus::Worker& worker) {
  return ObjectText()
      .raw("pid", pid_or_null(worker.pid))
      .flag("ready", worker.ready)
      .count("restarts", worker.restarts)
      .raw("pipelines", array_of(worker.pipelines, json_string))
      .str();
}

std::string object_of(const LauncherStatus::Party& party) {
  return ObjectText()
      .text("extension", party.extension)
      .text("language", party.language)
      .text("state", party.state)
      .time("since", party.since)
      .flag("is_heard", party.is_heard)
      .text("pipeline", party.pipeline)
      .raw("worker_pid", pid_or_null(party.worker_pid))
      .str();
}

std::string object_of(const LauncherStatus::Call& call) {
  return ObjectText()
      .text("trace_id", call.trace_id)
      .time("since", call.parties.empty() ? 0 : call.parties.front().since)
      .raw("parties", array_of(call.parties, [](const auto& party) { return object_of(party); }))
      .str();
}

std::string journal_object(const LauncherStatus& status) {
  const JournalHealth& journal = status.store.journal;
  return ObjectText()
      .text("path", status.journal_path)
      .count("rows_waiting", journal.waiting)
      .raw("rows_dropped", object_of(journal.dropped))
      .count("rows_refused", journal.refused)
      .text_or_null("last_error", journal.last_error)
      .str();
}

std::string object_of(const DiskRoom& room) {
  return ObjectText()
      .count("journal_bytes", room.journal_bytes)
      .count("audio_bytes", room.audio_bytes)
      .count("most_bytes", room.most_bytes)
      .count("journal_free_bytes", room.journal_free)
      .count("journal_floor_bytes", room.journal_floor)
      .count("audio_free_bytes", room.audio_free)
      .count("audio_floor_bytes", room.audio_floor)
      .flag("is_short", room.is_short())
      .str();
}

std::string object_of(const RetentionHealth& retention, std::chrono::hours keep) {
  return ObjectText()
      .count("keep_hours", static_cast<uint64_t>(keep.count()))
      .count("runs", retention.runs)
      .count("looks", retention.looks)
      .raw("rows_deleted_old", object_of(retention.deleted_old))
      .raw("rows_deleted_for_room", object_of(retention.deleted_for_room))
      .raw("rows_deleted_orphans", object_of(retention.deleted_orphans))
      .count("files_deleted", retention.deleted_files)
      .count("files_deleted_for_room", retention.deleted_files_for_room)
      .number("longest_lock_ms",
              static_cast<double>(retention.longest_lock.count()) / kMillisecondNs)
      .text_or_null("last_error", retention.last_error)
      .str();
}

std::string object_of(const ShipperStatus& shipper) {
  return ObjectText()
      .text("state", to_string(shipper.state))
      .time("since", shipper.since)
      .text("target", shipper.target)
      .count("rows_waiting", shipper.rows_waiting)
      .count("rows_shipped", shipper.rows_shipped)
      .count("rows_refused", shipper.rows_refused)
      .count("failed_attempts", shipper.attempts)
      .text_or_null("last_error", shipper.last_error)
      .str();
}

std::string object_of(const PgRetentionHealth& retention) {
  return ObjectText()
      .count("keep_hours", static_cast<uint64_t>(retention.keep.count()))
      .count("runs", retention.runs)
      .count("runs_left_to_another", retention.yielded)
      .count("failed_runs", retention.failed)
      .time("last_run", retention.last_run)
      .raw("rows_deleted", object_of(retention.deleted))
      .number("longest_step_ms",
              static_cast<double>(retention.longest_step.count()) / kMillisecondNs)
      .text_or_null("last_error", retention.last_error)
      .str();
}

std::string object_of(const SalvageHealth& salvage) {
  return ObjectText()
      .count("files", salvage.files)
      .count("rows_saved", salvage.saved_rows)
      .count("rows_lost", salvage.lost_rows)
      .text_or_null("last", salvage.last)
      .text_or_null("working_on", salvage.working_on)
      .text_or_null("last_error", salvage.last_error)
      .str();
}

double seconds_between(uint64_t from, uint64_t to) {
  return to > from ? static_cast<double>(to - from) / kSecondNs : 0;
}

}  // namespace

std::string json_of(const LauncherStatus& status) {
  const std::vector<StatusProblem> problems = problems_of(status);
  const RetentionHealth& retention = status.store.retention;
  return ObjectText()
      .flag("ok", problems.empty())
      .text("version", status.version)
      .count("pid", static_cast<uint64_t>(status.pid))
      .time("started_at", status.started)
      .number("uptime_s", seconds_between(status.started, status.now))
      .flag("stopping", status.stopping)
      .raw("problems", array_of(problems, [](const auto& problem) { return object_of(problem); }))
      .raw("asterisk", object_of(status.asterisk))
      .raw("workers",
           array_of(status.workers, [](const auto& worker) { return object_of(worker); }))
      .raw("calls", array_of(status.calls, [](const auto& call) { return object_of(call); }))
      .raw("journal", journal_object(status))
      .raw("disk",
           retention.looks || retention.room.journal_bytes ? object_of(retention.room) : "null")
      .raw("retention", object_of(retention, status.keep))
      .raw("shipper", status.shipper ? object_of(*status.shipper) : "null")
      .raw("postgresql_retention",
           status.postgresql_retention ? object_of(*status.postgresql_retention) : "null")
      .raw("salvage", object_of(status.salvage))
      .raw("recording", ObjectText()
                            .flag("enabled", status.recording.enabled)
                            .count("files_lost", status.recording.files_lost)
                            .number("audio_lost_ms", status.recording.audio_lost_ms)
                            .str())
      .str();
}

}  // namespace dragoman
