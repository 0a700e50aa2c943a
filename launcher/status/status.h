// SPDX-License-Identifier: LGPL-2.1-or-later
// How a running launcher stands: its peers, its calls, its store, and what is wrong with them.
#pragma once

#include <json-glib/json-glib.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "launcher/store/backup/recover.h"
#include "launcher/store/pg_retention.h"
#include "launcher/store/retention.h"
#include "launcher/store/shipper.h"

namespace dragoman {

/// Times are UTC ns since 1970; 0: not known.
struct LauncherStatus {
  struct Asterisk {
    std::string url, application;
    bool connected = false;
    uint64_t since = 0;      ///< that it is so
    std::string last_error;  ///< with its cure; empty while connected
  };
  struct Worker {
    int pid = 0;  ///< 0: there is none at this place
    bool ready = false;
    std::vector<std::string> pipelines;
    uint64_t restarts = 0;  ///< since the start
  };
  struct Party {
    std::string extension, language, pipeline;
    std::string state;      ///< name_of(SessionState)
    int worker_pid = 0;     ///< 0: none yet
    uint64_t since = 0;     ///< the call came in
    bool is_heard = false;  ///< its audio arrives
  };
  struct Call {
    std::string trace_id;
    std::vector<Party> parties;  ///< the first to call first
  };
  struct Recording {
    bool enabled = true;       ///< [monitoring] enabled
    uint64_t files_lost = 0;   ///< WAV files that are not there or not whole, since the start
    double audio_lost_ms = 0;  ///< could not be written, since the start
  };

  std::string version;
  int pid = 0;
  uint64_t now = 0, started = 0;
  bool stopping = false;
  Asterisk asterisk;
  std::vector<Worker> workers;
  std::vector<Call> calls;
  std::string journal_path;
  std::chrono::hours keep{0};  ///< 0: for ever
  StoreHealth store;
  std::optional<ShipperStatus> shipper;                   ///< nothing if rows are not shipped
  std::optional<PgRetentionHealth> postgresql_retention;  ///< likewise
  SalvageHealth salvage;
  Recording recording;
};

/// What is not as it should be, for a person, with the cure.
struct StatusProblem {
  enum class Kind {
    kNow,   ///< it is so now
    kLoss,  ///< something was lost since the launcher's start; that does not come again
  };
  Kind kind = Kind::kNow;
  std::string part, text;
};

std::vector<StatusProblem> problems_of(const LauncherStatus& status);

/// One JSON object on one line. Names do not change; more may come. Units are in the names (_s,
/// _ms, _bytes), times ISO 8601 in UTC or null, errors null while there is none, counts of rows
/// objects with a number for each table and "total", since the launcher's start.
///
///   ok · version · pid · started_at · uptime_s · stopping · problems: [{kind ("now", "loss"),
///   part, text}] · asterisk {url, application, connected, since, last_error} · workers: [{pid,
///   ready, restarts, pipelines: […]}] · calls: [{trace_id, since, parties: [{extension, language,
///   state, since, is_heard, pipeline, worker_pid}]}] · journal {path, rows_waiting, rows_dropped
///   {…}, rows_refused, last_error} · disk {journal_bytes, audio_bytes, most_bytes (0: no bound),
///   journal_free_bytes, journal_floor_bytes, audio_free_bytes, audio_floor_bytes, is_short} (null:
///   not looked at yet) · retention {keep_hours (0: for ever), runs, looks, rows_deleted_old {…},
///   rows_deleted_for_room {…}, rows_deleted_orphans {…}, files_deleted, files_deleted_for_room,
///   longest_lock_ms, last_error} · shipper {state ("connecting", "connected", "waiting"), since,
///   target, rows_waiting, rows_shipped, rows_refused, failed_attempts, last_error} (null: nothing
///   is shipped) · postgresql_retention {keep_hours, runs, runs_left_to_another, failed_runs,
///   last_run, rows_deleted {…}, longest_step_ms, last_error} (null likewise) · recording {enabled,
///   files_lost (not there, or not whole), audio_lost_ms} · salvage, of damaged journals {files,
///   rows_saved, rows_lost (about), last, working_on, last_error}
std::string json_of(const LauncherStatus& status);

/// The same for a person, from json_of()'s object. What is missing or of another type reads "?".
std::string text_of(JsonObject* status);

}  // namespace dragoman
