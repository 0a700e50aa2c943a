// SPDX-License-Identifier: LGPL-2.1-or-later
// How long the retention keeps another writer of the journal waiting.
#include <atomic>
#include <thread>

#include "launcher/store/removal.h"
#include "tests/launcher/store/store_fixture.h"

namespace dragoman {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using RetentionLockTest = StoreTest;

/// A second writer, who takes the lock for a moment again and again.
class OtherWriter {
 public:
  explicit OtherWriter(const std::string& path) : thread_([this, path] { run(path); }) {}
  ~OtherWriter() { stop(); }
  void stop() {
    stopping_ = true;
    if (thread_.joinable()) thread_.join();
  }
  milliseconds longest() const { return std::chrono::duration_cast<milliseconds>(longest_.load()); }
  uint64_t written() const { return written_; }

 private:
  void run(const std::string& path) {
    Database database(path, DatabaseAccess::kReadWrite);
    // Looks every 200 us whether the lock is free: SQLite's own waits grow to 100 ms.
    sqlite3_busy_handler(
        database.handle(),
        [](void*, int) {
          std::this_thread::sleep_for(std::chrono::microseconds(200));
          return 1;
        },
        nullptr);
    while (!stopping_) {
      const Clock::time_point begin = Clock::now();
      database.run("BEGIN IMMEDIATE");
      longest_ = std::max<Clock::duration>(longest_, Clock::now() - begin);
      database.run("UPDATE traces SET channels = channels WHERE trace_id = 't1'; COMMIT");
      ++written_;
      std::this_thread::sleep_for(milliseconds(1));
    }
  }
  std::atomic<bool> stopping_ = false;
  std::atomic<Clock::duration> longest_ = Clock::duration(0);
  std::atomic<uint64_t> written_ = 0;
  std::thread thread_;
};

/// The longest that this machine keeps a thread from running that wants to, for two milliseconds at
/// a time.
class Witness {
 public:
  Witness() : thread_([this] { run(); }) {}
  ~Witness() { stop(); }
  milliseconds stop() {
    stopping_ = true;
    if (thread_.joinable()) thread_.join();
    return std::chrono::duration_cast<milliseconds>(longest_);
  }

 private:
  void run() {
    while (!stopping_) {
      std::this_thread::sleep_for(milliseconds(2));
      const Clock::time_point begin = Clock::now();
      for (Clock::time_point last = begin; last - begin < milliseconds(2);) {
        const Clock::time_point now = Clock::now();
        longest_ = std::max(longest_, now - last);
        last = now;
      }
    }
  }
  std::atomic<bool> stopping_ = false;
  Clock::duration longest_{0};
  std::thread thread_;
};

TEST_F(RetentionLockTest, a_million_rows_go_without_holding_up_a_writer) {
  Journal::open(path())->append(trace_row());
  fill_metrics(path(), 1'000'000);
  OtherWriter writer(path());
  Witness witness;
  Removal remover(path(), {.audio_folder = folder(), .pause = [](std::chrono::nanoseconds time) {
                             std::this_thread::sleep_for(time);
                             return true;
                           }});
  const Clock::time_point begin = Clock::now();
  EXPECT_EQ(remover.remove(RowKind::kMetric, Removal::kAnyAge), 1'000'000u);
  const auto took = std::chrono::duration_cast<milliseconds>(Clock::now() - begin);
  writer.stop();
  const milliseconds stall = witness.stop();
  const auto held = std::chrono::duration_cast<milliseconds>(remover.take().longest_lock);
  std::printf(
      "1 000 000 rows in %ld ms; longest lock %ld ms; longest wait of %lu writes %ld ms; "
      "the machine's own longest stall %ld ms\n",
      long{took.count()}, long{held.count()}, writer.written(), long{writer.longest().count()},
      long{stall.count()});
  EXPECT_LE(held, milliseconds(50) + stall);
  EXPECT_LE(writer.longest(), milliseconds(50) + stall);
  EXPECT_GT(writer.written(), 100u);
}

}  // namespace
}  // namespace dragoman
