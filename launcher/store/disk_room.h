// SPDX-License-Identifier: LGPL-2.1-or-later
// How much room journal and WAV files take, and how much is left.
#pragma once

#include <cstdint>
#include <string>

#include "launcher/store/database.h"
#include "launcher/store/row_counts.h"

namespace dragoman {

struct DiskLimits {
  uint64_t most_bytes = 0;  ///< for journal and WAV files together; 0: no bound
  /// To be left free on their disks; where that is more than a tenth of the disk, the tenth.
  uint64_t least_free_bytes = 500 << 20;
};

/// As it was looked at. All in bytes.
struct DiskRoom {
  uint64_t journal_bytes = 0;  ///< rows and indexes; the write-ahead log (up to 64 MiB) comes atop
  uint64_t audio_bytes = 0;    ///< of the segments that have rows
  uint64_t journal_free = 0, audio_free = 0;    ///< on their disks, for this user
  uint64_t journal_floor = 0, audio_floor = 0;  ///< under which there is too little
  uint64_t most_bytes = 0;
  uint64_t unused_in_journal = 0;  ///< pages that rows to come may take
  bool can_shrink = false;         ///< those pages can be given back
  bool same_disk = true;

  bool over_bound() const { return most_bytes && in_use() > most_bytes; }
  bool is_short() const;
  uint64_t in_use() const { return journal_bytes + audio_bytes; }
  uint64_t missing() const;  ///< where most is missing; 0: not short
  /// Whether it would help to remove rows of `kind`.
  bool is_helped_by(RowKind kind) const;
  std::string text() const;  ///< for people
};

/// Looks again and again. One thread; reads the journal, waits for no writer.
class DiskWatch {
 public:
  DiskWatch(std::string database, std::string audio_folder, DiskLimits limits)
      : path_(std::move(database)), audio_folder_(std::move(audio_folder)), limits_(limits) {}

  /// `database` is a connection to the journal. Throws DatabaseError.
  DiskRoom look(Database& database);
  /// What can be told without the journal: how much is free, not what is in use.
  DiskRoom look_at_disks() const;
  /// WAV files that this size in all have been removed since the last look.
  void removed(uint64_t bytes);
  /// The next look adds up all segments again, not only the new ones.
  void recount() { newest_row_ = 0; }

 private:
  void count_audio(Database& database);

  const std::string path_, audio_folder_;
  const DiskLimits limits_;
  int64_t newest_row_ = 0;  // counted up to this rowid
  uint64_t audio_bytes_ = 0;
};

}  // namespace dragoman
