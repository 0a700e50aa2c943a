// SPDX-License-Identifier: LGPL-2.1-or-later
// The thread that turns a tap's audio into files.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>

#include "plugins/station/segment_files.h"
#include "plugins/station/segment_queue.h"

namespace dragoman {

/// Writes 16-bit mono WAV files of 16 kHz, one a bucket. The conversion runs on across the files'
/// edges: files one after the other are one conversion cut. Where audio is missing inside a bucket
/// there is silence, so that a sample's place in the file is its time; a bucket without audio has
/// no file.
class SegmentWriter {
 public:
  static constexpr std::chrono::milliseconds kPatience{3000};

  struct Options {
    std::string location;
    TapNames names;
    std::chrono::milliseconds max_queue{5000};
    std::chrono::milliseconds patience = kPatience;  ///< with a disk that hangs
    std::unique_ptr<SegmentFile> file = new_wav_segment_file();
  };

  /// Starts the thread. `dropped_ns` grows by what the disk does not take. The listener is called
  /// on the thread and lives as long as it.
  SegmentWriter(Options options, std::shared_ptr<SegmentListener> listener,
                std::shared_ptr<std::atomic<uint64_t>> dropped_ns);

  /// Writes what is queued. A disk that hangs is waited for at most `patience`; then the thread is
  /// left to itself, and ends when the disk lets it.
  ~SegmentWriter();
  SegmentWriter(const SegmentWriter&) = delete;
  SegmentWriter& operator=(const SegmentWriter&) = delete;

  /// Never blocks, but for its functions that say so.
  SegmentQueue& queue();

  /// The stream ends: its last file is complete and told when this returns true. False: the disk
  /// did not keep up within `patience`, or the queue was interrupted.
  bool finish();

 private:
  struct Core;
  const std::chrono::milliseconds patience_;
  std::shared_ptr<Core> core_;  ///< the thread's as well
  std::thread thread_;
};

}  // namespace dragoman
