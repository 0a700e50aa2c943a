// SPDX-License-Identifier: LGPL-2.1-or-later
// The files of one tap, one after the other.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "plugins/common/wav_file.h"
#include "plugins/station/tap_stream.h"

namespace dragoman {

/// A file that is complete.
struct SegmentInfo {
  uint64_t bucket_utc = 0;  ///< start of its bucket, ns since 1970
  StreamStretch stretch;
  std::string location;
  uint64_t frames = 0;
};

/// Told by the thread that writes. What happened to `folder` is an errno value.
class SegmentListener {
 public:
  virtual ~SegmentListener() = default;
  virtual void on_segment(const SegmentInfo& info) = 0;
  virtual void on_disk_trouble(const std::string& folder, int error) = 0;
  /// Of this bucket `lost_frames` could not be written; its file, if there is one, was told before.
  virtual void on_incomplete(uint64_t /*bucket_utc*/, uint64_t /*lost_frames*/) {}
};

/// Where a disk that fails is made up in tests.
class SegmentFile {
 public:
  virtual ~SegmentFile() = default;
  virtual int open(const std::string& path) = 0;  ///< all: 0 or an errno value, as WavWriter's
  virtual int append(std::span<const int16_t> samples) = 0;
  virtual int finish() = 0;
  virtual void discard() = 0;
  virtual uint64_t frames() const = 0;
  virtual std::string location() const = 0;
};

/// LOCATION/YYYY-MM-DD/trace_TRACE/STATION/TAP/YYYYMMDDThhmmssZ.wav, date and time being the
/// bucket's start in UTC. Without a trace the folder is trace_none. Names must be valid.
std::string segment_path(const std::string& location, const TapNames& names, uint64_t bucket_utc);

/// Writes the samples of one tap into files. A failure is told, what cannot be written is counted,
/// and the next file is tried as if nothing had happened. One thread.
class SegmentFiles {
 public:
  SegmentFiles(std::string location, TapNames names, std::unique_ptr<SegmentFile> file,
               std::shared_ptr<SegmentListener> listener)
      : location_(std::move(location)),
        names_(std::move(names)),
        file_(std::move(file)),
        listener_(std::move(listener)) {}

  /// The next samples belong to the file of this bucket; the one before is complete.
  void begin(uint64_t bucket_utc, const StreamStretch& at);
  void write(std::span<const int16_t> samples);
  void end();

  bool is_open() const { return begun_; }
  uint64_t lost_frames() const { return lost_frames_; }  ///< could not be written, since the start

 private:
  void fail(int error);
  void finish_file();

  const std::string location_;
  const TapNames names_;
  const std::unique_ptr<SegmentFile> file_;
  const std::shared_ptr<SegmentListener> listener_;
  SegmentInfo current_;
  bool begun_ = false;                          ///< between begin() and end()
  bool failed_ = false;                         ///< the file of this bucket takes no more
  uint64_t lost_frames_ = 0, lost_before_ = 0;  ///< in all; before this bucket
};

/// A file of kSegmentRate on the disk.
std::unique_ptr<SegmentFile> new_wav_segment_file();

}  // namespace dragoman
