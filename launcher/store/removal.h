// SPDX-License-Identifier: LGPL-2.1-or-later
// Takes rows and their WAV files out of the journal in steps so small that its writers hardly wait.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "launcher/store/database.h"
#include "launcher/store/row_counts.h"

namespace dragoman {

/// How many rows a step may take: as many as lately took `target`. One thread.
class StepSize {
 public:
  StepSize(std::chrono::nanoseconds target, uint64_t first) : target_(target), rows_(first) {}
  uint64_t rows() const { return rows_; }
  /// A step of `rows` held the write lock for `held`. Grows at most twofold, shrinks at once.
  void took(uint64_t rows, std::chrono::nanoseconds held);

 private:
  const std::chrono::nanoseconds target_;
  uint64_t rows_;
};

/// What may be removed of a table, beside its age.
struct RemovalLimit {
  /// An SQL condition on the columns of a kind's table that a row must meet ("seq <= 17", because
  /// it is elsewhere, too); empty: none.
  std::function<std::string(RowKind)> condition = [](RowKind) { return std::string(); };
};

/// Only what some PostgreSQL has (shipping_marks): for a launcher that ships.
RemovalLimit only_shipped();

struct RemovalOptions {
  std::string audio_folder;  ///< folders left empty are removed below it
  /// For which a step should hold the database's write lock. Far under the bound of 50 ms: on a
  /// busy machine a thread that runs for so short a time is rarely interrupted.
  std::chrono::nanoseconds step = std::chrono::milliseconds(2);
  /// Waits between steps, for at least as long as told, so that the journal's turn comes. False:
  /// end now.
  std::function<bool(std::chrono::nanoseconds)> pause = [](std::chrono::nanoseconds) {
    return true;
  };
  RemovalLimit limit;
};

struct Removed {
  RowCounts rows;
  uint64_t files = 0, file_bytes = 0;
  std::chrono::nanoseconds longest_lock{0};
  bool ended_early = false;           ///< `pause` said so
  std::vector<std::string> problems;  ///< files that could not be removed, and why; the first 20

  void problem(std::string text);
};

/// Removes a segment's file, if that is a WAV file, and the folders below `audio_folder` that it
/// leaves empty, and counts it. False: the file is there and cannot be removed. Blocks on the disk.
bool remove_segment_file(const std::string& audio_folder, const std::string& file,
                         Removed& removed);

/// On a connection of its own to an up-to-date journal. One thread; blocks on the disk. Throws
/// DatabaseError.
///
/// A step reads what is to go without any lock, removes its files, then deletes its rows in a
/// transaction: a crash between leaves rows without a file, never a file that nothing knows of. The
/// steps' commits are not synced one by one (a deletion that a power cut undoes is done again), and
/// the write-ahead log is put into the database between steps, where it holds up nobody.
class Removal {
 public:
  /// For `before`: whatever its age.
  static constexpr char kAnyAge[] = "9";

  Removal(const std::string& database, RemovalOptions options);

  /// Removes at most `most` rows of `kind` that are older than `before` (ISO 8601, UTC), the oldest
  /// first; of segments the files, too, and a row whose file cannot be removed stays. A trace has
  /// to have ended before, and nothing of it may be left. Returns how many.
  uint64_t remove(RowKind kind, const std::string& before,
                  uint64_t most = std::numeric_limits<uint64_t>::max());

  /// Removes the rows of segments older than `before` whose file is gone. Nothing while the audio
  /// folder is missing or empty: that is a disk that is not mounted.
  uint64_t remove_rows_without_file(const std::string& before);

  /// Gives pages that the database no longer uses back to the file system, but keeps `spare` bytes
  /// for the rows to come. Does nothing for a journal of an older version, until it is vacuumed.
  void shrink(uint64_t spare);

  /// Gives everything back that the database no longer uses, and the write-ahead log. False: not
  /// now, because somebody reads the database; whatever is deleted meanwhile makes the log grow.
  bool give_back();

  /// What has been removed since the last call.
  Removed take();

 private:
  struct Candidate {
    int64_t rowid = 0;
    std::string file = {}, time = {};  ///< of a segment
  };
  std::vector<Candidate> find(Statement& statement, const std::string& before, uint64_t most);
  uint64_t delete_rows(RowKind kind, const std::vector<Candidate>& candidates);
  void in_one_step(const std::function<void()>& work);
  bool pause_after_step();
  void checkpoint();
  bool empty_log();

  const RemovalOptions options_;
  Database database_;
  StepSize step_;
  Candidate tried_;  // no segment up to this one is tried again
  std::chrono::nanoseconds last_held_{0};
  uint64_t steps_ = 0;
  Removed removed_;
};

}  // namespace dragoman
