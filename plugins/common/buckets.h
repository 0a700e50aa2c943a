// SPDX-License-Identifier: LGPL-2.1-or-later
// Buckets of the one clock: UTC multiples of 5 s, shared by metrics, WAV segments and knob
// snapshots.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace dragoman {

/// Length of a bucket in nanoseconds.
inline constexpr uint64_t kBucketNs = 5'000'000'000;

/// Start (ns since 1970, UTC) of the bucket of `length_ns` that holds `utc_ns`; a bucket holds its
/// start, not its end.
constexpr uint64_t bucket_start(uint64_t utc_ns, uint64_t length_ns = kBucketNs) {
  return utc_ns - utc_ns % length_ns;
}

/// What a bucket keeps of one parameter's readings. Without readings (count 0) the other fields
/// mean nothing.
struct Aggregate {
  uint64_t count = 0;
  double min = 0, max = 0, sum = 0, last = 0;

  /// A sampled parameter: one more reading.
  void add(double value) {
    note(value);
    sum += value;
    last = value;
  }
  /// A sampled level in dB: as add(), but the mean, avg_level(), is the level of the mean power, as
  /// level meters average; the mean of dB figures says next to nothing of speech with pauses. Read
  /// it with avg_level() only: `sum` is of powers.
  void add_level(double db) {
    note(db);
    sum += std::pow(10, db / 10);
    last = db;
  }
  /// A counted parameter: `increment` more; `last` is the bucket's total, `count` how many readings
  /// made it, min/max/avg are those of the increments.
  void count_up(double increment) {
    note(increment);
    sum += increment;
    last = sum;
  }
  double avg() const { return count ? sum / static_cast<double>(count) : 0; }
  double avg_level() const { return count ? 10 * std::log10(avg()) : 0; }

 private:
  void note(double value) {
    min = count ? std::min(min, value) : value;
    max = count ? std::max(max, value) : value;
    ++count;
  }
};

}  // namespace dragoman
