// SPDX-License-Identifier: LGPL-2.1-or-later
// The file of a backup: a tar archive compressed with zstd, through libarchive.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>

#include "launcher/store/backup/manifest.h"

struct archive;
struct archive_entry;

namespace dragoman {

/// An archive that cannot be read or written; what() says why, without the archive's name.
class ArchiveError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Writes an archive to a file descriptor, which it does not close. One thread. Throws
/// ArchiveError.
class ArchiveWriter {
 public:
  explicit ArchiveWriter(int file);
  ~ArchiveWriter();
  ArchiveWriter(const ArchiveWriter&) = delete;
  ArchiveWriter& operator=(const ArchiveWriter&) = delete;

  /// Adds the regular file `source` as `name`, with its mode and time. Nothing if it is gone. A
  /// file that grows meanwhile is taken up to its size at first.
  std::optional<BackupFile> add_file(const std::string& name, const std::string& source);
  BackupFile add_text(const std::string& name, const std::string& text);
  void close();

 private:
  void begin(const std::string& name, uint64_t size, uint32_t mode, int64_t mtime_s);
  void write(const char* data, size_t size);

  struct Free {
    void operator()(::archive* archive) const;
  };
  std::unique_ptr<::archive, Free> archive_;
};

/// Of an entry of an archive.
struct ArchiveEntry {
  std::string name;
  uint64_t size = 0;     ///< bytes
  uint32_t mode = 0600;  ///< permissions
  int64_t mtime_s = 0;   ///< since 1970
  bool regular = true;   ///< a file, neither folder nor link nor device
};

/// Reads an archive from its start. One thread. Throws ArchiveError.
class ArchiveReader {
 public:
  explicit ArchiveReader(const std::string& path);

  /// The next entry, nothing at the end.
  std::optional<ArchiveEntry> next();
  /// The next bytes of that entry, 0 at its end.
  size_t read(std::span<char> into);

 private:
  struct Free {
    void operator()(::archive* archive) const;
  };
  std::unique_ptr<::archive, Free> archive_;
};

}  // namespace dragoman
