// SPDX-License-Identifier: LGPL-2.1-or-later
// The open bucket of a tap: what has been read of every parameter since the bucket began.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "plugins/common/buckets.h"
#include "plugins/common/parameters.h"
#include "plugins/station/median.h"

namespace dragoman {

/// A stretch of the stream as messages name it; ns, UINT64_MAX where unknown.
struct StreamStretch {
  uint64_t timestamp = UINT64_MAX, stream_time = UINT64_MAX, running_time = UINT64_MAX;
  uint64_t duration = 0;
};

/// One closed bucket of one tap.
struct Bucket {
  uint64_t start_utc = 0;             ///< ns since 1970
  uint64_t measured_ns = 0;           ///< audio measured, less than the bucket's length if short
  StreamStretch stretch;              ///< from the first measured sample to the last
  std::vector<Aggregate> aggregates;  ///< in the order of parameters()
};

/// A bucket's `avg`, as the table says it is made.
double average_of(const Parameter& parameter, const Aggregate& aggregate);

enum class ReadingResult { kTaken, kUnknownKey, kBadValue };

/// Aggregates readings by the one table (sampled or counted). Readings that come before the stream
/// has a position wait for its first bucket. One thread at a time.
class BucketBoard {
 public:
  BucketBoard();

  /// Readings of other parameters are ignored from here on. At first all are wanted.
  void want(const std::vector<bool>& wanted) { wanted_ = wanted; }
  bool wants(size_t index) const { return wanted_[index]; }
  bool wants_any(std::initializer_list<const char*> keys) const;

  /// A reading of the parameter `key`, from elsewhere: refused if unknown or not finite.
  ReadingResult add(std::string_view key, double value);

  /// A reading of the parameter at `index` of parameters(), as index_of() gives it. `share` is how
  /// much it counts in a sampled parameter's mean. What is not finite is no reading.
  void add(size_t index, double value, double share = 1);
  static size_t index_of(std::string_view key);

  /// The bucket that the next readings belong to.
  void place(uint64_t bucket_utc) { bucket_utc_ = bucket_utc; }

  /// Audio of `duration_ns` was measured; `at` is where it begins in the stream.
  void measured(const StreamStretch& at, uint64_t duration_ns);

  /// What the bucket holds so far, if there was a reading since the last snapshot. `fallback_utc`
  /// is the bucket's start if the stream never had a position. The only function that allocates.
  std::optional<Bucket> snapshot(uint64_t fallback_utc);

  /// Empties the bucket for the next.
  void clear();

  /// As new, but for what is wanted.
  void reset();

 private:
  void add_loss();

  std::vector<Aggregate> aggregates_;
  std::vector<bool> wanted_;
  double received_ = 0, lost_ = 0;    ///< packets, whether wanted or not
  std::map<size_t, Median> medians_;  ///< by index, of the parameters that have one
  std::optional<uint64_t> bucket_utc_;
  bool unreported_ = false;  ///< readings since the last snapshot
  uint64_t measured_ns_ = 0;
  std::optional<StreamStretch> stretch_;
};

}  // namespace dragoman
