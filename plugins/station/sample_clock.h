// SPDX-License-Identifier: LGPL-2.1-or-later
// Where each sample of a stream lies in time and in which bucket, whatever the sizes of the
// buffers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "plugins/common/buckets.h"

namespace dragoman {

/// Counts samples and holds the count against the buffers' timestamps. Small deviations (rounding,
/// drift of a sender's clock) are followed smoothly, never by a cut; a larger one is a hole or an
/// overlap. Times are ns, UTC. One thread.
class SampleClock {
 public:
  /// Up to this the sample count follows the timestamps instead of jumping: half a usual packet.
  static constexpr int64_t kToleranceNs = 10'000'000;
  /// A step back of more than this is not an overlap: time began anew, and is followed.
  static constexpr int64_t kMaxOverlapNs = 1'000'000'000;

  struct Placement {
    size_t overlap = 0;  ///< frames at the buffer's start that lie before the position: passed over
    uint64_t hole = 0;   ///< frames missing between the position and the buffer's first frame
    bool restarted = false;  ///< time stepped back
  };

  explicit SampleClock(uint64_t bucket_ns = kBucketNs) : bucket_ns_(bucket_ns) {}

  /// Forgets the position.
  void reset() { *this = SampleClock(bucket_ns_); }

  /// Samples come at `rate` Hz from here on; the position stays.
  void set_rate(int rate);

  /// A buffer of `frames` stamped `time_ns` (none: it follows the last). Moves the position over a
  /// hole.
  Placement place(std::optional<uint64_t> time_ns, size_t frames);

  /// Consumes `frames`.
  void advance(uint64_t frames) { frames_ += frames; }

  /// Time without audio (a GAP event) lasts until `time_ns`; never moves back. Deviations within
  /// the tolerance are ignored, as in place().
  void advance_to(uint64_t time_ns);

  bool placed() const { return placed_; }

  /// Time of the next sample. Zero before the first placement.
  uint64_t position() const { return time_of(frames_); }

  /// Start of the bucket of the next sample: a sample belongs to the bucket that its time, rounded
  /// to the nearest frame, lies in. Never an earlier one than before, unless time stepped back.
  uint64_t bucket() const;

  /// Samples of that bucket still to come, at least 1.
  uint64_t frames_left_in_bucket() const;

 private:
  static constexpr int64_t kSlew = 64;  ///< part of a deviation that one buffer corrects

  uint64_t time_of(uint64_t frames) const;

  uint64_t bucket_ns_;
  bool placed_ = false;
  uint64_t first_bucket_ = 0;  ///< buckets before it are over
  int rate_ = 0;
  uint64_t base_ns_ = 0;  ///< time of the sample counted as 0
  uint64_t frames_ = 0;
};

/// Frames of `rate` Hz nearest to `ns`, and back, rounded down.
uint64_t ns_to_frames(uint64_t ns, int rate);
uint64_t frames_to_ns(uint64_t frames, int rate);

}  // namespace dragoman
