// SPDX-License-Identifier: LGPL-2.1-or-later
// What a backup says of itself.
//
// The archive's entries, in this order:
//   backup.json       BackupHeader: which program made it, when, of which schema
//   journal/dragoman.db, config/dragoman.conf, pipelines/…, stations/…, named/…, audio/…,
//   postgresql/monitoring_v2.dump     each only if there was one
//   manifest.json     the header again, and every entry before it with size and SHA-256; of the
//                     segments (audio/…), of which there may be millions, only those of all
//                     together
//   manifest.sha256   of manifest.json
// Format 1 names every segment in its manifest.
#pragma once

#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "launcher/store/backup/sha256.h"

namespace dragoman {

/// The layout that this program writes, and the last that it reads.
inline constexpr int kBackupFormat = 2;

inline constexpr char kHeaderEntry[] = "backup.json", kManifestEntry[] = "manifest.json",
                      kManifestSumEntry[] = "manifest.sha256",
                      kJournalEntry[] = "journal/dragoman.db",
                      kConfigEntry[] = "config/dragoman.conf",
                      kPostgresEntry[] = "postgresql/monitoring_v2.dump";

/// A backup that cannot be made or used; what() names it, the reason and the cure.
class BackupError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct BackupFile {
  std::string name;  ///< in the archive
  uint64_t size = 0;
  std::string sha256;
};

/// All WAV segments of a backup, in their order.
struct BackupSegments {
  uint64_t files = 0, bytes = 0;
  std::string sha256;  ///< of a line "SHA-256 SIZE NAME" for each
  bool operator==(const BackupSegments&) const = default;
};

bool is_segment(const std::string& name);

class SegmentSum {
 public:
  void add(const BackupFile& segment);
  /// Of all that were added; nothing can be added after it.
  BackupSegments result() const;

 private:
  BackupSegments segments_;
  Sha256 sum_;
};

struct BackupHeader {
  int format = kBackupFormat;
  std::string program;  ///< version of the program that made it
  int64_t schema = 0;   ///< version of the journal's schema
  std::string created;  ///< ISO 8601, UTC
  std::string host;
};

struct Manifest {
  BackupHeader header;
  bool audio = false;  ///< the WAV segments are in it
  /// Files that the configuration names: entry → the key, "memory" or "pipeline EXTENSION".
  std::map<std::string, std::string> named;
  std::vector<std::string> notes;  ///< what is not in it, and why
  std::vector<BackupFile> files;   ///< without the segments
  BackupSegments segments = SegmentSum().result();

  size_t count() const { return files.size() + segments.files; }
  const BackupFile* find(const std::string& name) const;
};

std::string header_json(const BackupHeader& header);
std::string manifest_json(const Manifest& manifest);
/// Throw BackupError, without the archive's name, if it is none, or of a later format:
/// read_header() then names the program that can read it.
BackupHeader read_header(const std::string& json);
Manifest read_manifest(const std::string& json);

}  // namespace dragoman
