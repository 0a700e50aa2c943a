// SPDX-License-Identifier: LGPL-2.1-or-later
// Nothing is kept for ever unless that was asked for: rows and WAV files go when they are old, or
// when the disk is full.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>

#include "launcher/store/disk_room.h"
#include "launcher/store/journal.h"
#include "launcher/store/removal.h"
#include "launcher/store/row_counts.h"

namespace dragoman {

struct RetentionOptions {
  std::string database;         ///< the journal's file, its schema up to date
  std::string audio_folder;     ///< of the WAV segments
  std::chrono::hours keep{72};  ///< 0: for ever
  /// A row of a segment without a file is an accident once it is as old.
  std::chrono::minutes keep_without_file{60};
  std::chrono::milliseconds interval = std::chrono::minutes(5);
  DiskLimits disk;
  std::chrono::milliseconds disk_interval = std::chrono::seconds(10);
  /// Between looks for rows whose file is gone and calls of `mend`.
  std::chrono::milliseconds mend_interval = std::chrono::hours(1);
  std::function<void()> mend;  ///< looks for files without a row, on another thread; empty: nobody
  std::function<JournalHealth()> journal;  ///< empty: not asked
  std::function<uint64_t()> now;           ///< UTC ns; empty: the system's clock
  RemovalLimit limit;                      ///< of what goes because it is old
};

/// What the retention has done since the launcher's start.
struct RetentionHealth {
  uint64_t runs = 0, looks = 0;              ///< for what is old; at the disk
  RowCounts deleted_old;                     ///< older than the retention
  RowCounts deleted_for_room;                ///< because the disk, or its share of it, was full
  RowCounts deleted_orphans;                 ///< their file is gone
  uint64_t deleted_files = 0;                ///< WAV files
  uint64_t deleted_files_for_room = 0;       ///< of them; rows of theirs may be left
  DiskRoom room;                             ///< at the last look
  std::chrono::nanoseconds longest_lock{0};  ///< for which the journal's write lock was held
  std::string last_error;                    ///< of the last run or look; empty: it went well
};

/// How the whole store stands, for those who show it.
struct StoreHealth {
  JournalHealth journal;
  RetentionHealth retention;
};

/// A thread that removes, at the start and then every few minutes, what is older than the
/// retention: of segments, metrics, knob snapshots, knob events and utterances each row by its own
/// time, a trace when it has ended and nothing of it is left. Segments' files go before their rows.
///
/// Every few seconds it looks at the disk. While journal and WAV files exceed their bound, or the
/// disk has too little free, what is oldest goes whatever its age and whether or not it is
/// elsewhere: first WAV files, then metrics and knob snapshots, then utterances, then knob events
/// and ended traces; at one look no more than was missing. The journal's pages are given back to
/// the disk. While that cannot be done because somebody reads the journal, no rows go in vain.
///
/// A run that failed, as on a full disk, is made up for at the next look.
///
/// All in small steps (removal.h); what was removed is counted and logged.
class Retention {
 public:
  explicit Retention(RetentionOptions options);
  ~Retention();  ///< waits for the step that is under way
  Retention(const Retention&) = delete;
  Retention& operator=(const Retention&) = delete;

  /// Begins a run, and a look at the disk, now. Any thread, never blocks.
  void run_now();
  /// Any thread.
  RetentionHealth health() const;

 private:
  using Clock = std::chrono::steady_clock;

  void run();
  void work(bool whole_run);
  void clean_up(Removal& removal);
  void look_for_orphans(Removal& removal);
  void make_room();
  void remove_for_room(Removal& removal, const DiskRoom& first);
  void give_back(Removal& removal) const;
  void remove_oldest_files();
  DiskRoom look();
  void note(const DiskRoom& room);
  void note_room(const Removed& removed);
  std::string time_ago(std::chrono::nanoseconds age) const;
  bool pause(std::chrono::nanoseconds time);
  void count(const Removed& removed, RowCounts RetentionHealth::*to);
  Removal open_removal(RemovalLimit limit);

  const RetentionOptions options_;

  // Only the thread.
  DiskWatch watch_;
  std::optional<Clock::time_point> looked_for_orphans_, told_of_room_;
  std::set<std::string> told_;  // problems
  RowCounts untold_;            // removed for room and not logged yet
  uint64_t untold_files_ = 0;
  std::deque<std::string> oldest_files_;  // found by the last walk and not removed yet
  uint64_t segments_lost_ = 0;            // by the journal; their files have no row

  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable wake_;
  RetentionHealth health_;
  bool asked_ = true;
  std::atomic<bool> stopping_ = false;  // set under the mutex
  std::thread thread_;                  // last: it uses everything above
};

}  // namespace dragoman
