// SPDX-License-Identifier: LGPL-2.1-or-later
// A journal that SQLite cannot read: put aside, never deleted, and what is left of it put into a
// new one.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "launcher/store/backup/salvage.h"
#include "launcher/store/database.h"

namespace dragoman {

/// True if SQLite says that the file is malformed or none of its own.
bool is_damage(const DatabaseError& error);

/// What is wrong with the journal at `path`; nothing if it is sound, or not there. Every page is
/// read if the file is not larger than `most_bytes`, else only the schema. An empty file beside a
/// write-ahead log with content counts as damaged: SQLite would drop the log. Blocks on the disk.
std::optional<std::string> find_damage(const std::string& path, uint64_t most_bytes = UINT64_MAX);

/// Renames the journal and its -wal to PATH.damaged-YYYYMMDDTHHMMSSZ, and removes its -shm. Returns
/// that name. Throws std::runtime_error.
std::string set_aside(const std::string& path);

/// The damaged files of the journal at `path` whose rows are not all in it yet, oldest first.
std::vector<std::string> damaged_journals(const std::string& path);

/// Salvages `damaged` into the journal at `path` (schema up to date), and if it got to its end
/// notes that in DAMAGED.salvaged, with what it came to. Throws as salvage().
JournalSalvage salvage_into(const std::string& damaged, const std::string& path,
                            const std::atomic<bool>& stop);

/// What a salvager has done since its start.
struct SalvageHealth {
  uint64_t files = 0;       ///< damaged journals of which all that can be read is saved
  uint64_t saved_rows = 0;  ///< of them
  uint64_t lost_rows = 0;   ///< about: JournalSalvage::lost_rows, and what was unreadable
  std::string last;         ///< "FILE: 12 rows are saved …" of the last; empty: none
  std::string working_on;   ///< the file; empty: nothing to do
  std::string last_error;   ///< why one cannot be read or the journal not be written; empty: none
};

/// Salvages in the background, on a thread of its own with the lowest priority: what an earlier run
/// left to do, and whatever else comes. What it came to is logged. What a stop interrupts is done
/// at the next start.
class Salvager {
 public:
  /// `done` is called on that thread when rows were added.
  Salvager(std::string journal, std::function<void()> done);
  ~Salvager();  ///< ends it within some pages
  Salvager(const Salvager&) = delete;
  Salvager& operator=(const Salvager&) = delete;

  /// Any thread, never blocks: looks for damaged journals.
  void look();
  SalvageHealth health() const;  ///< any thread

 private:
  void run();
  void carry_out();
  void note(const std::function<void(SalvageHealth&)>& change);

  const std::string journal_;
  const std::function<void()> done_;
  std::atomic<bool> stop_ = false;
  mutable std::mutex mutex_;  // guards asked_ and health_
  std::condition_variable wake_;
  bool asked_ = false;
  SalvageHealth health_;
  std::thread thread_;
};

}  // namespace dragoman
