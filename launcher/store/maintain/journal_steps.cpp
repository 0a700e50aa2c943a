// SPDX-License-Identifier: LGPL-2.1-or-later
#include <unistd.h>

#include <algorithm>
#include <set>
#include <thread>

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

const char kRestore[] =
    "; stop 'dragoman serve' and bring the last good backup back with 'dragoman restore FILE'";

/// `pragma` answers "ok" and nothing else.
std::string check_with(const MaintainOptions& options, const char* pragma) {
  const std::string path = path_of_journal(options);
  try {
    Database database(path, DatabaseAccess::kReadOnly);
    Statement statement = database.prepare(pragma);
    const std::string answer = statement.step() ? statement.text(0) : "no answer";
    if (answer != "ok") throw MaintainFailure(path + " is damaged: " + answer + kRestore);
    return "whole, " + megabytes(static_cast<double>(database.number("PRAGMA page_count") *
                                                     database.number("PRAGMA page_size")));
  } catch (const DatabaseError& error) {
    throw MaintainFailure(path + ": " + error.what() + kRestore);
  }
}

/// Tables, indexes, views and triggers by name, with what they are.
std::set<std::string> objects_of(Database& database) {
  std::set<std::string> objects;
  Statement statement = database.prepare(
      "SELECT type || ' ' || name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'");
  while (statement.step()) objects.insert(statement.text(0));
  return objects;
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
  return check_with(options, "PRAGMA quick_check(1)");
}

std::string integrity_check(const MaintainOptions& options) {
  return check_with(options, "PRAGMA integrity_check(1)");
}

std::string check_schema(const MaintainOptions& options) {
  Database expected(":memory:", DatabaseAccess::kReadWrite);
  migrate(expected, known_migrations());
  Database database(path_of_journal(options), DatabaseAccess::kReadOnly);
  const std::set<std::string> wanted = objects_of(expected), there = objects_of(database);
  std::string missing;
  for (const std::string& object : wanted) {
    if (!there.contains(object)) missing += (missing.empty() ? "" : ", ") + object;
  }
  if (missing.empty())
    return std::to_string(wanted.size()) + " tables, indexes and views are there";
  const int64_t version = database.number("SELECT max(version) FROM schema_migrations");
  const bool older = version < known_migrations().back().version;
  throw MaintainFailure(missing + " missing" +
                        (older ? "; 'dragoman serve' makes it when it starts" : kRestore));
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
