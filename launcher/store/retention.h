// SPDX-License-Identifier: LGPL-2.1-or-later
// Nothing is kept for ever unless that was asked for: rows and WAV files go when they are old.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

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
  std::function<uint64_t()> now;  ///< UTC ns; empty: the system's clock
  RemovalLimit limit;             ///< of what goes because it is old
};

/// What the retention has done since the launcher's start.
struct RetentionHealth {
  uint64_t runs = 0;
  RowCounts deleted_old;                     ///< older than the retention
  RowCounts deleted_orphans;                 ///< their file is gone
  uint64_t deleted_files = 0;                ///< WAV files
  std::chrono::nanoseconds longest_lock{0};  ///< for which the journal's write lock was held
  std::string last_error;                    ///< of the last run; empty: it went well
};

/// A thread that removes, at the start and then every few minutes, what is older than the
/// retention: of segments, metrics, knob snapshots, knob events and utterances each row by its own
/// time, a trace when it has ended and nothing of it is left. Segments' files go before their rows.
/// In small steps (removal.h); what was removed is logged.
class Retention {
 public:
  explicit Retention(RetentionOptions options);
  ~Retention();  ///< waits for the step that is under way
  Retention(const Retention&) = delete;
  Retention& operator=(const Retention&) = delete;

  /// Begins a run now. Any thread, never blocks.
  void run_now();
  /// Any thread.
  RetentionHealth health() const;

 private:
  void run();
  void clean_up();
  void remove_old(Removal& removal);
  std::string time_ago(std::chrono::nanoseconds age) const;
  bool pause(std::chrono::nanoseconds time);
  void add(const Removed& removed, RowCounts RetentionHealth::*to, const char* why);

  const RetentionOptions options_;
  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable wake_;
  RetentionHealth health_;
  bool asked_ = true, stopping_ = false;
  std::thread thread_;  // last: it uses everything above
};

}  // namespace dragoman
