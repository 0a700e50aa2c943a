// SPDX-License-Identifier: LGPL-2.1-or-later
// Copies the journal's rows to a PostgreSQL database, in the background and for ever.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <thread>

#include "launcher/store/pg_connection.h"
#include "launcher/store/ship_sink.h"
#include "launcher/store/ship_source.h"

namespace dragoman {

struct ShipperOptions {
  size_t batch_rows = 10'000;            ///< of one transaction
  size_t batch_bytes = 4 * 1024 * 1024;  ///< that bounds the memory whatever waits
  std::chrono::milliseconds poll{1000};  ///< between two looks at the journal
  std::chrono::milliseconds first_retry{1000}, last_retry{60'000};  ///< doubled, with jitter
  PgTimeouts timeouts;
};

enum class ShipperState {
  kConnecting,  ///< for the first time
  kConnected,
  kWaiting,  ///< to try again: see last_error
};
const char* to_string(ShipperState state);

struct ShipperStatus {
  ShipperState state = ShipperState::kConnecting;
  uint64_t since = 0;         ///< UTC ns, of the state
  std::string target;         ///< "monitoring_v2 on db.example.org"
  uint64_t rows_waiting = 0;  ///< in the journal; counted to a million
  uint64_t rows_shipped = 0;  ///< since the start
  uint64_t rows_refused = 0;  ///< left out for what they hold; the journal keeps them for its time
  uint64_t attempts = 0;      ///< that failed since the last that did not
  std::string last_error;     ///< with its cure; empty if there was none
};

/// Ships on a thread of its own, with connections of its own to both databases, whatever becomes of
/// PostgreSQL: rows stay in the journal until they are there. A row arrives once, and again when it
/// changes. What has been shipped is marked in both databases, the lower mark counts: either may be
/// set back to an older state, and another database starts from its own mark.
///
/// Changes of state are logged, and an error again after ten minutes.
class Shipper {
 public:
  /// `journal` is the journal's file, which exists with its schema up to date.
  Shipper(std::string journal, PgTarget target, const ShipperOptions& options = {});
  /// Ends at once, in the middle of a batch if need be: that is then repeated by the next shipper.
  ~Shipper();
  Shipper(const Shipper&) = delete;
  Shipper& operator=(const Shipper&) = delete;

  ShipperStatus status() const;  ///< any thread
  /// Blocks until what is in the journal now has been shipped; for `grace` at most, and not at all
  /// without a connection. True if all was.
  bool finish(std::chrono::milliseconds grace);

 private:
  using Clock = std::chrono::steady_clock;
  void run();
  void ship_until_failure();
  void open_source();
  void take_marks();
  bool ship_round();
  bool ship_batch(const ShipTable& table);
  void save_mark(const ShipTable& table, int64_t seq);
  void count_waiting();
  void set_state(ShipperState state);
  void succeeded();
  void failed(const std::string& kind, const std::string& message);
  bool pause(std::chrono::milliseconds time, bool may_hurry);
  std::chrono::milliseconds retry_delay();

  const std::string journal_;
  const PgTarget target_;
  const ShipperOptions options_;
  const int stop_fd_;  ///< readable: stop

  // The shipper's thread only.
  std::unique_ptr<ShipSource> source_;
  std::unique_ptr<ShipSink> sink_;
  std::map<std::string, int64_t> marks_;
  std::string working_on_, stuck_on_;  ///< tables
  std::string logged_kind_;
  Clock::time_point logged_at_, counted_at_;
  bool mark_failed_ = false;
  std::mt19937 random_{std::random_device{}()};

  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable wake_, idle_;
  ShipperStatus status_;
  uint64_t looks_begun_ = 0, looks_done_ = 0;  ///< at the journal, until nothing was left
  bool hurry_ = false, stopping_ = false;

  std::thread thread_;  // last: it uses everything above
};

}  // namespace dragoman
