// SPDX-License-Identifier: LGPL-2.1-or-later
// A folder for what is half made.
#pragma once

#include <string>

namespace dragoman {

/// A new folder PARENT/.NAME.work (mode 0700) that is gone with this object. Another process can
/// tell that it is in use: a lock is held in it.
class WorkFolder {
 public:
  /// Throws BackupError.
  WorkFolder(const std::string& parent, const std::string& name);
  ~WorkFolder();
  WorkFolder(const WorkFolder&) = delete;
  WorkFolder& operator=(const WorkFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  int lock_ = -1;
};

/// Removes the work folders in `parent` whose name begins with `prefix` and that nobody uses: a
/// kill or a power cut left them. Returns how many.
int remove_left_work_folders(const std::string& parent, const std::string& prefix);

/// Renames a file or folder; `to` must not be there. False, with errno. Atomic, but not on file
/// systems such as NFS, whose renames know no flags (rename(2)): there only our own locks keep
/// another from making `to` meanwhile.
bool rename_to_new(const std::string& from, const std::string& to);

/// Syncs a file or folder to the disk. Throws BackupError.
void sync_path(const std::string& path);

}  // namespace dragoman
