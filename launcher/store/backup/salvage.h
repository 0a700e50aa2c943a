// SPDX-License-Identifier: LGPL-2.1-or-later
// What can be read of a damaged journal, as rows of a new one.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <string>

namespace dragoman {

struct JournalSalvage {
  std::map<std::string, uint64_t> rows;  ///< by table: read and in the new journal
  uint64_t unreadable_rows = 0;          ///< on pages that could be read, but without sense
  uint32_t pages = 0;                    ///< of the damaged file
  uint32_t damaged_pages = 0;            ///< where a table's rows ought to be, and are not
  uint32_t missing_pages = 0;            ///< behind the end of the file
  uint32_t unknown_pages = 0;            ///< rows of which nobody can tell what table they are of
  /// About how many rows are lost with the pages that the tables' trees lead to: as many on each as
  /// on the table's other pages.
  uint64_t lost_rows = 0;
  uint32_t uncounted_pages = 0;  ///< of tables of which no page is left to count by
  /// The page that tells where the tables begin is lost: of one that fits on a page nobody can say
  /// that it was there.
  bool schema_lost = false;
  bool stopped = false;  ///< it ended before its end

  uint64_t total() const;
  /// "12 000 rows are saved (…); …" for the log and the terminal.
  std::string text() const;
};

/// Reads every page of the damaged database at `damaged` (with its -wal beside it), by its own
/// trees where they stand and by the shape of the rows where they do not, and writes the rows of
/// every table that has a trace_id to the journal at `journal`, whose schema is up to date and
/// which may be in use: rows that are there win, what they leave empty is filled. Doing it twice
/// changes nothing. Ends early, with `stopped`, when `stop` is set. Blocks on the disk. Throws
/// DatabaseError if the journal cannot be written, std::runtime_error if `damaged` cannot be
/// opened.
JournalSalvage salvage(const std::string& damaged, const std::string& journal,
                       const std::atomic<bool>& stop);

}  // namespace dragoman
