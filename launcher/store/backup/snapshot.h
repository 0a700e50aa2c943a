// SPDX-License-Identifier: LGPL-2.1-or-later
// A copy of the journal while the launcher writes it.
#pragma once

#include <cstdint>
#include <string>

namespace dragoman {

/// Copies the database at `source` to the new file `target` through SQLite's online backup API
/// (sqlite.org/backup.html), in steps of 2 MiB within one read transaction: the copy is of one
/// instant, a writer (in WAL mode) is never held up, and what it writes does not start the copy
/// over. Then checks the copy. Returns its schema's version. Blocks on the disk. Throws
/// BackupError.
int64_t snapshot_journal(const std::string& source, const std::string& target);

}  // namespace dragoman
