// SPDX-License-Identifier: LGPL-2.1-or-later
// Who uses a data folder.
#pragma once

#include <string>

namespace dragoman {

/// Holds a data folder against other launchers, and restores, for as long as it lives
/// (FOLDER/launcher.lock, flock; it belongs to the folder's owner). A lock of a process that was
/// killed is gone with it.
class DataFolderLock {
 public:
  /// Throws std::runtime_error, which says who holds it and what to do.
  explicit DataFolderLock(const std::string& folder);
  ~DataFolderLock();
  DataFolderLock(const DataFolderLock&) = delete;
  DataFolderLock& operator=(const DataFolderLock&) = delete;

 private:
  int fd_ = -1;
};

}  // namespace dragoman
