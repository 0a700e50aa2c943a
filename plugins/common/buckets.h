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
  double median = 0;  ///< kept by who adds the readings, where the table asks for one
  double weight = 0;  ///< what avg() divides the sum by: `count`, unless readings were weighted

  /// A sampled parameter: one more reading. `share` is how much it counts in the mean: what a
  /// shorter stretch measured counts less.
  void add(double value, double share = 1) {
    note(value, share);
    sum += value * share;
    last = value;
  }
  /// A sampled level in dB: as add(), but the mean, avg_level(), is the level of the mean power, as
  /// level meters average; the mean of dB figures says next to nothing of speech with pauses. Read
  /// it with avg_level() only: `sum` is of powers.
  void add_level(double db, double share = 1) {
    note(db, share);
    sum += std::pow(10, db / 10) * share;
    last = db;
  }
  /// A counted parameter: `increment` more; `last` is the bucket's total, `count` how many readings
  /// made it, min/max/avg are those of the increments.
  void count_up(double increment) {
    note(increment, 1);
    sum += increment;
    last = sum;
  }
  double avg() const { return weight > 0 ? sum / weight : 0; }
  double avg_level() const { return weight > 0 ? 10 * std::log10(avg()) : 0; }

 private:
  void note(double value, double share) {
    min = count ? std::min(min, value) : value;
    max = count ? std::max(max, value) : value;
    weight += share;
    ++count;
  }
};

}  // namespace dragoman
