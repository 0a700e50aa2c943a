// SPDX-License-Identifier: LGPL-2.1-or-later
// Brings a backup back.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "launcher/store/backup/manifest.h"

namespace dragoman {

struct RestoreOptions {
  std::string file;                 ///< the backup
  std::string config_file;          ///< where the configuration goes; empty: the system's file
  std::string data;                 ///< the data folder; empty: the restored configuration's
  bool postgresql = false;          ///< PostgreSQL, too, if it is in the backup
  std::string postgresql_conninfo;  ///< where to; empty: the restored configuration's
  bool replace_postgresql = false;  ///< also if it has tables
  bool dry_run = false;
  int64_t now_s = 0;  ///< seconds since 1970, for the names of what is kept aside
};

struct RestoreResult {
  Manifest manifest;
  std::string data;
  std::vector<std::string> written;  ///< folders and files that are of the backup now
  std::vector<std::pair<std::string, std::string>> aside;  ///< what was there → where it is now
  size_t unchanged = 0;                                    ///< files that were the same already
  int64_t migrated_to = 0;  ///< version of the schema, if the backup's was older
  bool audio_stays = false;
  bool postgresql = false;  ///< is restored
  bool undone = false;      ///< an earlier restore, that a power cut had interrupted
};

/// Checks the whole backup, unpacks it beside what it replaces, brings the journal's schema up to
/// date, and only then replaces everything together; the replaced state stays as
/// NAME.before-restore-YYYYMMDDTHHMMSSZ. The data folder is replaced as a whole, but audio that is
/// not in the backup stays; of pipelines, stations and what the configuration names each file that
/// differs. All of it gets the owner of what it replaces. Files go only where the configuration (of
/// the backup, or if it has none the present one) and the options say, never where the archive
/// says. Blocks on the disk. Throws BackupError or another std::runtime_error with the reason and
/// the cure; then everything is as it was.
RestoreResult restore(const RestoreOptions& options);

}  // namespace dragoman
