// SPDX-License-Identifier: LGPL-2.1-or-later
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>
#include <thread>

#include "launcher/store/backup/recover.h"
#include "launcher/store/database.h"
#include "launcher/store/journal.h"
#include "launcher/store/maintain/journal_access.h"
#include "launcher/store/maintain/steps.h"
#include "launcher/store/migrations.h"
#include "launcher/store/removal.h"

namespace dragoman::maintain {
namespace {

using Clock = std::chrono::steady_clock;

/// Rows of an index that are looked at: the lock is held for a few milliseconds only.
constexpr int kAnalysisLimit = 200;
constexpr uint64_t kSpareBytes = 4 << 20;  // left in the journal for rows to come

constexpr char kQuickCheck[] = "PRAGMA quick_check(1)";
constexpr char kRecover[] =
    "; stop 'dragoman serve' and run 'dragoman recover', which keeps what can be read; if that is "
    "too little, bring the last good backup back with 'dragoman restore FILE'";
constexpr char kRestore[] =
    "; stop 'dragoman serve' and bring the last good backup back with 'dragoman restore FILE'";
constexpr char kTryAgain[] =
    "; that tells nothing of what is in it: let this user read and write it, see in 'dmesg' that "
    "the disk is well, and run this again";

std::string damaged(const std::string& path, const std::string& why) {
  return path + " is damaged: " + why;
}

/// What is wrong with the journal; nothing if `pragma` answers "ok".
std::optional<std::string> find_damage_with(const std::string& path, const char* pragma) {
  try {
    Database database(path, DatabaseAccess::kReadOnly);
    Statement statement = database.prepare(pragma);
    const std::string answer = statement.step() ? statement.text(0) : "no answer";
    return answer == "ok" ? std::nullopt : std::optional(answer);
  } catch (const DatabaseError& error) {
    if (!is_damage(error)) throw MaintainFailure(path + ": " + error.what() + kTryAgain);
    return error.what();
  }
}

std::string whole(const std::string& path) {
  return "whole, " + megabytes(static_cast<double>(std::filesystem::file_size(path)));
}

/// Tables, indexes, views and triggers: what they are and their name → the SQL that makes them.
std::map<std::string, std::string> objects_of(Database& database) {
  std::map<std::string, std::string> objects;
  Statement statement = database.prepare(
      "SELECT type || ' ' || name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'");
  while (statement.step()) objects[statement.text(0)] = statement.text(1);
  return objects;
}

/// While 'dragoman serve' is stopped: an index of a large table takes longer than a writer waits.
std::string with_sqlite3(const std::string& path, const std::string& sql) {
  return "; while 'dragoman serve' is stopped, sqlite3 '" + path + "' " + sql +
         " makes it anew (Debian's package sqlite3)";
}

}  // namespace

std::string path_of_journal(const MaintainOptions& options) {
  const std::string path = journal_path(options.config.paths.data);
  if (::access(path.c_str(), F_OK) != 0)
    throw MaintainFailure("there is no journal at " + path +
                          "; name the folder that 'dragoman serve' has as its data with --data");
  return path;
}

Database open_to_write(const MaintainOptions& options) {
  Database database(path_of_journal(options), DatabaseAccess::kReadWrite);
  database.run("PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 0");
  return database;
}

std::string megabytes(double bytes) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f MB", bytes / 1e6);
  return text;
}

std::string milliseconds_text(Clock::duration time) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f ms",
                std::chrono::duration<double, std::milli>(time).count());
  return text;
}

std::string quick_check(const MaintainOptions& options) {
  const std::string path = path_of_journal(options);
  if (const auto damage = find_damage_with(path, kQuickCheck))
    throw MaintainFailure(damaged(path, *damage) + kRecover);
  return whole(path);
}

std::string integrity_check(const MaintainOptions& options) {
  const std::string path = path_of_journal(options);
  const auto damage = find_damage_with(path, "PRAGMA integrity_check(1)");
  if (!damage) return whole(path);
  const bool only_index = !find_damage_with(path, kQuickCheck);
  throw MaintainFailure(damaged(path, *damage) +
                        (only_index ? with_sqlite3(path, "REINDEX") : kRecover));
}

std::string check_schema(const MaintainOptions& options) {
  Database expected(":memory:", DatabaseAccess::kReadWrite);
  migrate(expected, known_migrations());
  const std::string path = path_of_journal(options);
  Database database(path, DatabaseAccess::kReadOnly);
  const auto wanted = objects_of(expected), there = objects_of(database);
  std::string missing, sql;
  bool rows_missing = false;
  for (const auto& [object, made_by] : wanted) {
    if (there.contains(object)) continue;
    missing += (missing.empty() ? "" : ", ") + object;
    sql += made_by + "; ";
    rows_missing |= object.starts_with("table ");
  }
  if (missing.empty())
    return std::to_string(wanted.size()) + " tables, indexes and views are there";
  const int64_t version = database.number("SELECT max(version) FROM schema_migrations");
  const bool older = version < known_migrations().back().version;
  throw MaintainFailure(missing + " missing" +
                        (older          ? "; 'dragoman serve' makes it when it starts"
                         : rows_missing ? kRestore
                                        : with_sqlite3(path, "\"" + sql + "\"")));
}

std::string analyze(const MaintainOptions& options) {
  Database database = open_to_write(options);
  database.run("PRAGMA analysis_limit = " + std::to_string(kAnalysisLimit));
  std::vector<std::string> indexes;
  {
    Statement statement = database.prepare(
        "SELECT name FROM sqlite_master WHERE type = 'index' ORDER BY tbl_name, name");
    while (statement.step()) indexes.push_back(statement.text(0));
  }
  Clock::duration longest{0};
  for (const std::string& index : indexes) {  // one by one: each is a transaction of its own
    const Clock::time_point begin = Clock::now();
    database.run("ANALYZE \"" + index + "\"");
    longest = std::max(longest, Clock::now() - begin);
    std::this_thread::sleep_for(kPause);
  }
  return std::to_string(indexes.size()) + " indexes, longest step " + milliseconds_text(longest);
}

std::string give_pages_back(const MaintainOptions& options) {
  const std::string path = path_of_journal(options);
  Database database(path, DatabaseAccess::kReadOnly);
  if (database.number("PRAGMA auto_vacuum") != 2)  // 2: incremental
    return "none: the journal was made by a program that could not; while 'dragoman serve' is "
           "stopped, sqlite3 '" +
           path + "' 'PRAGMA auto_vacuum = 2; VACUUM' makes it able";
  const int64_t before = database.number("PRAGMA freelist_count");
  Removal removal(path, {.audio_folder = options.config.paths.audio,
                         .pause = [](std::chrono::nanoseconds time) {
                           std::this_thread::sleep_for(time);
                           return true;
                         }});
  removal.shrink(kSpareBytes);
  const int64_t after = database.number("PRAGMA freelist_count");
  return std::to_string(std::max<int64_t>(before - after, 0)) + " given back, " +
         std::to_string(after) + " kept for rows to come, longest step " +
         milliseconds_text(removal.take().longest_lock);
}

}  // namespace dragoman::maintain
