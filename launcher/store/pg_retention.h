// SPDX-License-Identifier: LGPL-2.1-or-later
// In PostgreSQL, too, rows go when they are old.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <thread>

#include "launcher/store/pg_connection.h"
#include "launcher/store/pg_removal.h"
#include "launcher/store/row_counts.h"

namespace dragoman {

struct PgRetentionOptions {
  std::chrono::hours keep{72};  ///< 0: for ever
  /// Between two runs; a quarter of it is left to chance, so that launchers do not all come at
  /// once.
  std::chrono::milliseconds interval = std::chrono::minutes(5);
  /// After a run that failed, if that is sooner: the error is told until a run goes well.
  std::chrono::milliseconds retry = std::chrono::seconds(30);
  std::chrono::nanoseconds step = PgRemovalOptions{}.step;
  PgTimeouts timeouts;
  std::function<uint64_t()> now;     ///< UTC ns; empty: the system's clock
  std::string server_now = "now()";  ///< the server's clock, as SQL
};

/// What the retention has done in PostgreSQL since the launcher's start.
struct PgRetentionHealth {
  std::string target;          ///< "monitoring_v2 on db.example.org"
  std::chrono::hours keep{0};  ///< 0: for ever, and nothing is done
  uint64_t attempts = 0;       ///< to run, that are over, whatever came of them
  uint64_t runs = 0;           ///< that went to their end
  uint64_t yielded = 0;        ///< that left the rest to another launcher at work there
  uint64_t failed = 0;         ///< since the last that did not
  uint64_t last_run = 0;       ///< UTC ns of the end of the last of `runs`; 0: none yet
  RowCounts deleted;           ///< by this launcher
  std::chrono::nanoseconds longest_step{0};  ///< for which its rows were locked
  std::string last_error;  ///< with its cure; empty: the last run went well, by clocks that agree
};

/// A thread that removes, at the start and then every few minutes, what is older than the retention
/// from the database that rows are shipped to, whoever shipped it (pg_removal.h). Its connection is
/// its own, for the time of a run: shipping never waits for it. What it removed is not shipped
/// again, as the marks are past it; a row shipped when it is old already goes with the next run.
///
/// What is old is told by this machine's clock or the server's, whichever is behind: one clock that
/// is days ahead must not empty a database that others ship to. Clocks an hour apart are told of.
///
/// What was removed, and errors that the shipper does not have as well, are logged.
class PgRetention {
 public:
  PgRetention(PgTarget target, PgRetentionOptions options);
  ~PgRetention();  ///< ends at once, in the middle of a step if need be
  PgRetention(const PgRetention&) = delete;
  PgRetention& operator=(const PgRetention&) = delete;

  /// Begins a run now. Any thread, never blocks.
  void run_now();
  PgRetentionHealth health() const;  ///< any thread

 private:
  void run();
  void work();
  void remove_old(PgConnection& connection);
  uint64_t now_on_the_server(PgConnection& connection) const;
  void count(const PgRemoved& removed);
  void ended(std::optional<PgRemoval::End> end, const std::string& clocks);
  void failed(const std::string& message, bool is_told_by_the_shipper);
  bool pause(std::chrono::nanoseconds time);
  std::chrono::milliseconds time_to_next(std::chrono::milliseconds at_most);

  const PgTarget target_;
  const PgRetentionOptions options_;
  const int stop_fd_;                            // readable: stop
  std::mt19937 random_{std::random_device{}()};  // only the thread

  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable wake_;
  PgRetentionHealth health_;
  bool asked_ = true, stopping_ = false;
  std::thread thread_;  // last: it uses everything above
};

}  // namespace dragoman
