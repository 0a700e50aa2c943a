// SPDX-License-Identifier: LGPL-2.1-or-later
// Empties the write-ahead log (sqlite.org/wal.html). A checkpoint that truncates holds the write
// lock for as long as the file system takes, about a millisecond for each megabyte: a log that has
// grown is therefore cut piece by piece.
#include <algorithm>
#include <filesystem>
#include <thread>

#include "launcher/store/database.h"
#include "launcher/store/maintain/journal_access.h"
#include "launcher/store/maintain/steps.h"

namespace dragoman::maintain {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr uint64_t kPieceBytes = 8 << 20;
/// For readers to go; the lock is held meanwhile.
constexpr int kWaitForReadersMs = 10;
constexpr int kTries = 20;  // while a reader or a writer is in the way

class LogEmptying {
 public:
  LogEmptying(std::string path, Database& database)
      : log_(std::move(path) + "-wal"), database_(database) {}

  std::string run() {
    const uint64_t before = size();
    for (int busy = 0; busy < kTries;) {
      const uint64_t now = size();
      if (now == 0) break;
      const bool did =
          copy() && (now <= kPieceBytes ? timed([&] { return empty(); })
                                        : timed([&] { return cut(now - kPieceBytes); }));
      if (!did) ++busy;
      std::this_thread::sleep_for(kPause);
    }
    const std::string figures = megabytes(static_cast<double>(before)) + " were in it, " +
                                megabytes(static_cast<double>(size())) + " are, longest step " +
                                milliseconds_text(longest_);
    return size() < before || before == 0 ? figures : figures + "; somebody reads: another time";
  }

 private:
  uint64_t size() const {
    std::error_code error;
    const uintmax_t size = std::filesystem::file_size(log_, error);
    return error ? 0 : size;
  }

  bool checkpoint(int mode) {
    sqlite3_busy_timeout(database_.handle(),
                         mode == SQLITE_CHECKPOINT_PASSIVE ? 0 : kWaitForReadersMs);
    const int code =
        sqlite3_wal_checkpoint_v2(database_.handle(), nullptr, mode, &frames_, &copied_);
    if (code == SQLITE_OK) return true;
    if ((code & 0xff) == SQLITE_BUSY) return false;
    throw DatabaseError(code, sqlite3_errmsg(database_.handle()));
  }

  /// What takes long but holds up nobody: all pages into the database.
  bool copy() { return checkpoint(SQLITE_CHECKPOINT_PASSIVE) && frames_ == copied_; }
  bool empty() { return checkpoint(SQLITE_CHECKPOINT_TRUNCATE); }

  /// The first to write into a log that begins anew cuts it to its limit.
  bool cut(uint64_t to) {
    database_.run("PRAGMA journal_size_limit = " + std::to_string(to));
    if (!checkpoint(SQLITE_CHECKPOINT_RESTART)) return false;
    const int64_t version = database_.number("PRAGMA user_version");
    database_.run("PRAGMA user_version = " + std::to_string(version));  // writes, changes nothing
    return size() <= to;
  }

  template <typename Work>
  bool timed(Work work) {
    const Clock::time_point begin = Clock::now();
    const bool did = work();
    longest_ = std::max(longest_, Clock::now() - begin);
    return did;
  }

  const std::string log_;
  Database& database_;
  int frames_ = 0, copied_ = 0;
  Clock::duration longest_{0};
};

}  // namespace

std::string empty_log(const MaintainOptions& options) {
  Database database = open_to_write(options);
  return LogEmptying(path_of_journal(options), database).run();
}

}  // namespace dragoman::maintain
