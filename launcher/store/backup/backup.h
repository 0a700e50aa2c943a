// SPDX-License-Identifier: LGPL-2.1-or-later
// Makes a backup, also while the launcher runs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "launcher/util/config.h"

namespace dragoman {

struct BackupOptions {
  const Config& config;
  std::string config_file;  ///< that it was read from; empty: none
  std::string directory;    ///< of the backups; made (mode 0700) if it is not there
  bool audio = false;       ///< the WAV segments, too
  int keep_days = 30;       ///< older backups are removed
  int64_t now_s = 0;        ///< seconds since 1970
};

struct BackupResult {
  std::string path;
  size_t files = 0;
  uint64_t bytes = 0;  ///< of the files
  uint64_t archive_bytes = 0;
  double seconds = 0;
  std::vector<std::string> notes;   ///< what is not in it
  bool incomplete = false;          ///< PostgreSQL should be in it and could not be read
  std::vector<std::string> pruned;  ///< names of old backups that were removed
  int cleaned = 0;                  ///< half-made backups that a kill or a power cut had left
};

/// Writes `directory`/dragoman-YYYYMMDDTHHMMSSZ.tar.zst, mode 0600: a snapshot of the journal of
/// one instant, the configuration, the pipelines and stations in use, what the configuration names,
/// PostgreSQL's monitoring_v2 if one is configured, and the audio if asked for. Never the
/// environment, so no secret. It is made under another name, synced, read back and checked, and
/// only then gets its name. Blocks on the disk. Throws BackupError; then nothing is left.
BackupResult back_up(const BackupOptions& options);

}  // namespace dragoman
