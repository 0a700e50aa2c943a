// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/store/backup/snapshot.h"

#include <glib.h>
#include <unistd.h>

#include "launcher/store/backup/manifest.h"
#include "launcher/store/database.h"

namespace dragoman {
namespace {

constexpr int kPagesPerStep = 512;
constexpr int kBusyPauseMs = 20, kMostBusyPauses = 500;

void copy(Database& from, Database& to) {
  sqlite3_backup* const backup = sqlite3_backup_init(to.handle(), "main", from.handle(), "main");
  if (!backup) throw DatabaseError(sqlite3_errcode(to.handle()), sqlite3_errmsg(to.handle()));
  int code = SQLITE_OK;
  for (int busy = 0; code == SQLITE_OK || code == SQLITE_BUSY || code == SQLITE_LOCKED;) {
    code = sqlite3_backup_step(backup, kPagesPerStep);
    if (code != SQLITE_BUSY && code != SQLITE_LOCKED) continue;
    if (++busy > kMostBusyPauses) break;
    sqlite3_sleep(kBusyPauseMs);
  }
  sqlite3_backup_finish(backup);
  if (code != SQLITE_DONE) throw DatabaseError(code, sqlite3_errstr(code));
}

}  // namespace

int64_t snapshot_journal(const std::string& source, const std::string& target) {
  if (::access(source.c_str(), R_OK) != 0)
    throw BackupError("journal " + source + ": " + g_strerror(errno) +
                      "; name the launcher's data folder with --data");
  try {
    Database to(target, DatabaseAccess::kReadWrite);
    to.run("PRAGMA synchronous = OFF");  // only the archive must outlive a power cut
    {
      Database from(source, DatabaseAccess::kReadOnly);
      from.run("BEGIN");
      from.number("SELECT count(*) FROM sqlite_schema");  // the read transaction begins here
      copy(from, to);
    }
    Statement check = to.prepare("PRAGMA integrity_check(1)");
    const std::string found = check.step() ? check.text(0) : "no answer";
    if (found != "ok") throw DatabaseError(SQLITE_CORRUPT, found);
    return to.number("SELECT max(version) FROM schema_migrations");
  } catch (const DatabaseError& error) {
    const bool damaged =
        error.primary_code() == SQLITE_CORRUPT || error.primary_code() == SQLITE_NOTADB;
    throw BackupError("journal " + source + ": " + error.what() +
                      (damaged
                           ? "; the file is damaged: stop the launcher and run 'dragoman recover'"
                           : "; see that the disk has room and the file can be read"));
  }
}

}  // namespace dragoman
