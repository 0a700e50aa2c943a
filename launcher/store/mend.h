// SPDX-License-Identifier: LGPL-2.1-or-later
// Brings the WAV files on disk and the journal's rows together again, after a kill or a power cut.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "launcher/store/database.h"
#include "launcher/store/journal.h"

namespace dragoman {

/// What a segment's path tells: AUDIO/YYYY-MM-DD/trace_ID/STATION/TAP/YYYYMMDDThhmmssZ[-N].wav
struct SegmentPath {
  std::string trace_id, station_key, tap;
  uint64_t bucket_ts = 0;  ///< UTC, ns
};

/// Nothing if `path` is not so called below `audio_folder`.
std::optional<SegmentPath> parse_segment_path(const std::string& audio_folder,
                                              const std::string& path);

struct MendResult {
  uint64_t files = 0;              ///< whole WAV files found
  uint64_t salvaged = 0;           ///< of them, completed now: a killed worker had left them
  uint64_t rows_added = 0;         ///< files that had no row
  uint64_t rows_without_file = 0;  ///< rows whose file is gone; retention.h removes them
  uint64_t being_written = 0;      ///< left alone
  /// Files that could not be read or salvaged, each with its reason; the first 20.
  std::vector<std::string> problems;
};

inline const std::atomic<bool> kNeverStopped = false;

/// At most `most` segments' files below `audio_folder`, the oldest by their names first; none when
/// `stop` is set. Goes through all files of the oldest days: seconds, where there are millions.
std::deque<std::string> oldest_segments(const std::string& audio_folder, size_t most,
                                        const std::atomic<bool>& stop = kNeverStopped);

struct SegmentCount {
  uint64_t rows = 0, without_file = 0;
};

/// Looks for the file of every segment row. Has no view of the journal while it looks: as long as
/// somebody has one, its log does not end and no row goes for room. Ends early when `stop` is set.
/// Blocks on the disk. Throws DatabaseError.
SegmentCount count_segments(Database& database, const std::atomic<bool>& stop = kNeverStopped);

/// Goes through the WAV files of one trace, or of all, below `audio_folder`: gives each without a
/// row its row, completes what a killed worker left (a .part file that nobody holds open), and
/// counts the rows without a file. `database` is the journal's file. Ends early when `stop` is set.
/// Blocks on the disk: not for the main loop's thread. Throws DatabaseError if the journal cannot
/// be read.
MendResult mend_segments(const std::string& audio_folder,
                         const std::optional<std::string>& trace_id, const std::string& database,
                         Journal& journal, const std::atomic<bool>& stop = kNeverStopped);

/// mend_segments() on a thread of its own, one after the other. What was mended is logged.
class Mender {
 public:
  using Done = std::function<void(const MendResult&)>;
  Mender(std::string audio_folder, std::string database, Journal& journal);
  ~Mender();  ///< waits for the file that is being mended, not for those that were to come
  Mender(const Mender&) = delete;
  Mender& operator=(const Mender&) = delete;

  /// Any thread, never blocks. Without a trace id, all; `done`, if given, is called on the mender's
  /// thread.
  void mend(std::optional<std::string> trace_id, Done done = {});

 private:
  struct Request {
    std::optional<std::string> trace_id;
    Done done;
  };
  void run();
  void carry_out(const Request& request);

  const std::string audio_folder_, database_;
  Journal& journal_;
  std::set<std::string> told_;  // problems; only the thread
  std::atomic<bool> stopping_ = false;
  std::mutex mutex_;  // guards requests_
  std::condition_variable wake_;
  std::deque<Request> requests_;
  std::thread thread_;
};

}  // namespace dragoman
