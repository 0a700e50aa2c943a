// SPDX-License-Identifier: LGPL-2.1-or-later
// A writer of the journal beside another, and how long it has to wait.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "tests/launcher/store/store_fixture.h"

namespace dragoman {

/// How a thread waits for its next turn, or until it is to stop.
class Pace {
 public:
  /// False, at once, when it is to stop.
  template <typename Time>
  bool pause(Time time) {
    std::unique_lock lock(mutex_);
    return !stop_asked_.wait_for(lock, time, [this] { return stopping_; });
  }
  bool goes_on() { return pause(std::chrono::seconds(0)); }
  void stop() {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    stop_asked_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable stop_asked_;
  bool stopping_ = false;
};

/// A second writer, who takes the lock for a moment again and again.
class OtherWriter {
  using Clock = std::chrono::steady_clock;

 public:
  explicit OtherWriter(const std::string& path) : thread_([this, path] { run(path); }) {}
  ~OtherWriter() { stop(); }
  void stop() {
    pace_.stop();
    if (thread_.joinable()) thread_.join();
  }
  std::chrono::milliseconds longest() const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(longest_.load());
  }
  uint64_t written() const { return written_; }

 private:
  void run(const std::string& path) {
    Database database(path, DatabaseAccess::kReadWrite);
    // Looks every 200 us whether the lock is free: SQLite's own waits grow to 100 ms.
    sqlite3_busy_handler(
        database.handle(),
        [](void* pace, int) {
          static_cast<Pace*>(pace)->pause(std::chrono::microseconds(200));
          return 1;
        },
        &pace_);
    while (pace_.goes_on()) {
      const Clock::time_point begin = Clock::now();
      database.run("BEGIN IMMEDIATE");
      longest_ = std::max<Clock::duration>(longest_, Clock::now() - begin);
      database.run("UPDATE traces SET channels = channels WHERE trace_id = 't1'; COMMIT");
      ++written_;
      pace_.pause(std::chrono::milliseconds(1));
    }
  }
  Pace pace_;
  std::atomic<Clock::duration> longest_ = Clock::duration(0);
  std::atomic<uint64_t> written_ = 0;
  std::thread thread_;
};

/// The longest that this machine keeps a thread from running that wants to, for two
/// std::chrono::milliseconds at a time.
class Witness {
  using Clock = std::chrono::steady_clock;

 public:
  Witness() : thread_([this] { run(); }) {}
  ~Witness() { stop(); }
  std::chrono::milliseconds stop() {
    pace_.stop();
    if (thread_.joinable()) thread_.join();
    return std::chrono::duration_cast<std::chrono::milliseconds>(longest_);
  }

 private:
  void run() {
    while (pace_.pause(std::chrono::milliseconds(2))) {
      const Clock::time_point begin = Clock::now();
      for (Clock::time_point last = begin; last - begin < std::chrono::milliseconds(2);) {
        const Clock::time_point now = Clock::now();
        longest_ = std::max(longest_, now - last);
        last = now;
      }
    }
  }
  Pace pace_;
  Clock::duration longest_{0};
  std::thread thread_;
};

}  // namespace dragoman
