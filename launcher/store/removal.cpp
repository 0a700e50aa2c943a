// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/store/removal.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

namespace dragoman {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr uint64_t kFirstStep = 64, kLargestStep = 20000;  // rows
constexpr uint64_t kFilesPerStep = 64;                     // a disk removes some thousand a second
constexpr uint64_t kRowsPerLook = 1000;
constexpr uint64_t kStepsPerCheckpoint = 16;
constexpr size_t kMaxProblems = 20;
constexpr int kAttemptsToEmpty = 5;  // a writer is in the way for a moment, a reader for longer
constexpr int kPatienceMs = 2000;

struct Table {
  const char* name;
  /// ?1 is the time, ?2 how many; CONDITION stands for the limit's. Two columns: rowid and file.
  /// Of segments those behind the time ?3 and the rowid ?4, and the time as a third column.
  const char* find;
};

// An utterance of which no time is known is as old as its trace.
const Table& table_of(RowKind kind) {
  static constexpr Table traces{
      "traces",
      "SELECT rowid, NULL FROM traces WHERE started_at < ?1 AND ended_at < ?1 AND CONDITION"
      " AND NOT EXISTS (SELECT 1 FROM metrics_agg_5s m WHERE m.trace_id = traces.trace_id)"
      " AND NOT EXISTS (SELECT 1 FROM audio_segments_5s a WHERE a.trace_id = traces.trace_id)"
      " AND NOT EXISTS (SELECT 1 FROM utterances u WHERE u.trace_id = traces.trace_id)"
      " AND NOT EXISTS (SELECT 1 FROM knob_snapshots_5s s WHERE s.trace_id = traces.trace_id)"
      " AND NOT EXISTS (SELECT 1 FROM knob_events e WHERE e.trace_id = traces.trace_id)"
      " ORDER BY started_at LIMIT ?2"};
  static constexpr Table knob_events{
      "knob_events",
      "SELECT rowid, NULL FROM knob_events WHERE created_at < ?1 AND CONDITION"
      " ORDER BY event_id LIMIT ?2"};
  static constexpr Table utterances{
      "utterances",
      "SELECT * FROM (SELECT rowid, NULL FROM utterances WHERE start_at < ?1 AND CONDITION"
      "  ORDER BY start_at LIMIT ?2)"
      " UNION ALL SELECT * FROM (SELECT rowid, NULL FROM utterances WHERE start_at IS NULL"
      "  AND CONDITION AND NOT EXISTS (SELECT 1 FROM traces t WHERE t.trace_id ="
      "   utterances.trace_id AND coalesce(t.ended_at, '9') >= ?1) LIMIT ?2) LIMIT ?2"};
  static constexpr Table segments{
      "audio_segments_5s",
      "SELECT rowid, file_path, bucket_ts FROM audio_segments_5s WHERE bucket_ts < ?1"
      " AND (bucket_ts, rowid) > (?3, ?4) AND CONDITION ORDER BY bucket_ts, rowid LIMIT ?2"};
  static constexpr Table knob_snapshots{
      "knob_snapshots_5s",
      "SELECT rowid, NULL FROM knob_snapshots_5s WHERE bucket_ts < ?1 AND CONDITION"
      " ORDER BY bucket_ts LIMIT ?2"};
  static constexpr Table metrics{
      "metrics_agg_5s",
      "SELECT rowid, NULL FROM metrics_agg_5s WHERE bucket_ts < ?1 AND CONDITION"
      " ORDER BY bucket_ts LIMIT ?2"};
  switch (kind) {
    case RowKind::kTrace:
      return traces;
    case RowKind::kKnobEvent:
      return knob_events;
    case RowKind::kUtterance:
      return utterances;
    case RowKind::kSegment:
      return segments;
    case RowKind::kKnobSnapshot:
      return knob_snapshots;
    case RowKind::kMetric:
      break;
  }
  return metrics;
}

std::string with_condition(std::string sql, const std::string& condition) {
  static constexpr char kMark[] = "CONDITION";
  const std::string text = condition.empty() ? "1" : "(" + condition + ")";
  for (size_t at = 0; (at = sql.find(kMark, at)) != std::string::npos; at += text.size()) {
    sql.replace(at, std::strlen(kMark), text);
  }
  return sql;
}

bool has_folder(const std::string& path) {
  std::error_code error;
  for (fs::directory_iterator entry(path, error), end; !error && entry != end;
       entry.increment(error)) {
    std::error_code ignored;
    if (entry->is_directory(ignored)) return true;
  }
  return false;
}

bool is_gone(const std::string& path) {
  struct stat info {};
  return ::lstat(path.c_str(), &info) != 0 && (errno == ENOENT || errno == ENOTDIR);
}

void remove_empty_folders(const std::string& audio_folder, const std::string& file) {
  const fs::path root = fs::path(audio_folder).lexically_normal();
  fs::path folder = fs::path(file).lexically_normal().parent_path();
  while (!root.empty() && folder.string().starts_with(root.string() + "/") &&
         ::rmdir(folder.c_str()) == 0) {
    folder = folder.parent_path();
  }
}

}  // namespace

void Removed::problem(std::string text) {
  if (problems.size() < kMaxProblems) problems.push_back(std::move(text));
}

bool remove_segment_file(const std::string& audio_folder, const std::string& file,
                         Removed& removed) {
  struct stat info {};
  if (::lstat(file.c_str(), &info) == 0) {
    // Only what can be a segment is ours to remove.
    if (!S_ISREG(info.st_mode) || !file.ends_with(".wav")) {
      removed.problem(file + ": not a WAV file; it is left, its row is removed");
      return true;
    }
    if (::unlink(file.c_str()) == 0) {
      ++removed.files;
      removed.file_bytes += static_cast<uint64_t>(info.st_blocks) * 512;
      remove_empty_folders(audio_folder, file);
      return true;
    }
  }
  if (errno == ENOENT || errno == ENOTDIR) return true;  // gone already
  removed.problem(file + ": " + std::strerror(errno) +
                  "; let this user write in its folder, or remove it by hand");
  return false;
}

RemovalLimit only_shipped() {
  return {.condition = [](RowKind kind) {
    return std::string(kind == RowKind::kKnobEvent ? "event_id" : "seq") +
           " <= coalesce((SELECT max(k.seq) FROM shipping_marks k WHERE k.kind = '" +
           table_of(kind).name + "'), 0)";
  }};
}

void StepSize::took(uint64_t rows, std::chrono::nanoseconds held) {
  const double share = static_cast<double>(target_.count()) /
                       static_cast<double>(std::max<int64_t>(held.count(), 1));
  const double fitting = static_cast<double>(rows) * share;
  const double grown = std::min(fitting, 2.0 * static_cast<double>(rows_));
  // A last step that had few rows to take tells nothing of how many would have been too many.
  if (rows < rows_ && share > 1) return;
  rows_ = std::clamp(static_cast<uint64_t>(grown), uint64_t{1}, kLargestStep);
}

Removal::Removal(const std::string& database, RemovalOptions options)
    : options_(std::move(options)),
      database_(database, DatabaseAccess::kReadWrite),
      step_(options_.step, kFirstStep) {
  database_.run(
      "PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 0; PRAGMA cache_size = -16384;");
}

uint64_t Removal::remove(RowKind kind, const std::string& before, uint64_t most) {
  Statement find_oldest =
      database_.prepare(with_condition(table_of(kind).find, options_.limit.condition(kind)));
  const bool files = kind == RowKind::kSegment;
  uint64_t count = 0;
  while (count < most && !removed_.ended_early) {
    uint64_t wanted = std::min(most - count, step_.rows());
    if (files) {
      wanted = std::min(wanted, kFilesPerStep);
      find_oldest.bind(3, tried_.time);
      find_oldest.bind(4, tried_.rowid);
    }
    std::vector<Candidate> found = find(find_oldest, before, wanted);
    if (found.empty()) break;
    if (files) {
      tried_ = found.back();
      std::erase_if(found, [this](const Candidate& candidate) {
        return !remove_segment_file(options_.audio_folder, candidate.file, removed_);
      });
    }
    const uint64_t deleted = found.empty() ? 0 : delete_rows(kind, found);
    count += deleted;
    if (!pause_after_step() || (deleted == 0 && !files)) break;
  }
  checkpoint();
  return count;
}

std::vector<Removal::Candidate> Removal::find(Statement& statement, const std::string& before,
                                              uint64_t most) {
  std::vector<Candidate> found;
  statement.bind(1, before);
  statement.bind(2, static_cast<int64_t>(most));
  const bool timed = statement.columns() > 2;
  while (statement.step()) {
    found.push_back(
        {statement.number(0), statement.text(1), timed ? statement.text(2) : std::string()});
  }
  statement.reset();
  return found;
}

uint64_t Removal::delete_rows(RowKind kind, const std::vector<Candidate>& candidates) {
  const std::string condition = options_.limit.condition(kind);
  Statement statement = database_.prepare(std::string("DELETE FROM ") + table_of(kind).name +
                                          " WHERE rowid = ?1 AND " +
                                          (condition.empty() ? "1" : "(" + condition + ")"));
  uint64_t deleted = 0;
  in_one_step([&] {
    deleted = 0;
    for (const Candidate& candidate : candidates) {
      statement.bind(1, candidate.rowid);
      statement.run();
      deleted += static_cast<uint64_t>(database_.changes());
    }
  });
  step_.took(candidates.size(), last_held_);
  removed_.rows[kind] += deleted;
  return deleted;
}

void Removal::in_one_step(const std::function<void()>& work) {
  database_.run("BEGIN IMMEDIATE");
  const Clock::time_point begin = Clock::now();
  try {
    work();
    database_.run("COMMIT");
  } catch (...) {
    if (!sqlite3_get_autocommit(database_.handle())) {
      sqlite3_exec(database_.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
    }
    throw;
  }
  last_held_ = Clock::now() - begin;
  removed_.longest_lock = std::max(removed_.longest_lock, last_held_);
  if (++steps_ % kStepsPerCheckpoint == 0) checkpoint();
}

bool Removal::pause_after_step() {
  const auto pause = std::max<std::chrono::nanoseconds>(2 * last_held_, options_.step / 10);
  if (!removed_.ended_early && !options_.pause(pause)) removed_.ended_early = true;
  return !removed_.ended_early;
}

void Removal::checkpoint() {
  // What a reader still needs stays; whatever fails comes again at the next commit.
  sqlite3_wal_checkpoint_v2(database_.handle(), nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr,
                            nullptr);
}

uint64_t Removal::remove_rows_without_file(const std::string& before) {
  if (!has_folder(options_.audio_folder)) return 0;
  Statement look = database_.prepare(
      "SELECT rowid, file_path FROM audio_segments_5s WHERE rowid > ?1 AND bucket_ts < ?2"
      " ORDER BY rowid LIMIT ?3");
  uint64_t count = 0;
  for (int64_t last = 0; !removed_.ended_early;) {
    look.bind(1, last);
    look.bind(2, before);
    look.bind(3, static_cast<int64_t>(kRowsPerLook));
    std::vector<Candidate> gone;
    uint64_t seen = 0;
    for (; look.step(); ++seen) {
      last = look.number(0);
      if (is_gone(look.text(1))) gone.push_back({.rowid = last});
    }
    look.reset();
    for (size_t at = 0; at < gone.size() && !removed_.ended_early;) {
      const size_t end = std::min<size_t>(gone.size(), at + step_.rows());
      count += delete_rows(RowKind::kSegment, {gone.begin() + static_cast<std::ptrdiff_t>(at),
                                               gone.begin() + static_cast<std::ptrdiff_t>(end)});
      at = end;
      pause_after_step();
    }
    if (seen < kRowsPerLook) break;
    if (gone.empty() && !options_.pause(options_.step / 10)) removed_.ended_early = true;
  }
  return count;
}

void Removal::shrink(uint64_t spare) {
  if (database_.number("PRAGMA auto_vacuum") != 2) return;  // 2: incremental
  const int64_t page = database_.number("PRAGMA page_size", 4096);
  const int64_t keep = static_cast<int64_t>(spare) / page;
  StepSize pages(options_.step, kFirstStep);
  while (!removed_.ended_early) {
    const int64_t free = database_.number("PRAGMA freelist_count") - keep;
    if (free <= 0) break;
    const uint64_t now = std::min(static_cast<uint64_t>(free), pages.rows());
    in_one_step([&] {
      Statement statement =
          database_.prepare("PRAGMA incremental_vacuum(" + std::to_string(now) + ")");
      statement.run();
    });
    pages.took(now, last_held_);
    pause_after_step();
  }
  checkpoint();
}

bool Removal::give_back() {
  // A reader who came when the log was empty is in the way only of what is written after that.
  database_.run("PRAGMA user_version = " + std::to_string(database_.number("PRAGMA user_version")));
  if (!empty_log()) return false;
  shrink(0);
  return empty_log();
}

bool Removal::empty_log() {
  int code = SQLITE_BUSY;
  for (int attempt = 0; code == SQLITE_BUSY && attempt < kAttemptsToEmpty; ++attempt) {
    if (attempt > 0 && !options_.pause(options_.step)) break;
    checkpoint();  // most of it, without a lock
    // Not to wait for readers: the write lock is held meanwhile.
    sqlite3_busy_timeout(database_.handle(), 0);
    code = 0xff & sqlite3_wal_checkpoint_v2(database_.handle(), nullptr, SQLITE_CHECKPOINT_TRUNCATE,
                                            nullptr, nullptr);
    sqlite3_busy_timeout(database_.handle(), kPatienceMs);
  }
  if (code != SQLITE_OK && code != SQLITE_BUSY)
    throw DatabaseError(code, sqlite3_errmsg(database_.handle()));
  return code == SQLITE_OK;
}

Removed Removal::take() { return std::exchange(removed_, {}); }

}  // namespace dragoman
