// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/station/delay_meter.h"

#include <algorithm>
#include <span>

namespace dragoman {
namespace {

constexpr double kReadingNs = 10e6;
constexpr double kPercentile = 0.95;
constexpr double kLeastMs = -0.5;  // what the clocks and the lag may err

}  // namespace

void DelayMeter::passed(const TapLog& pre, uint64_t begin_utc, uint64_t end_utc, uint64_t wall_ns,
                        BucketBoard& board) {
  const std::optional<uint64_t> passed = pre.passed_at(begin_utc, end_utc);
  if (!passed) return;
  const auto length = static_cast<double>(end_utc - begin_utc);
  waited_ += length * static_cast<double>(static_cast<int64_t>(wall_ns - *passed));
  weight_ += length;
  if (weight_ < kReadingNs) return;
  early_[early_count_++] = waited_ / weight_;
  waited_ = weight_ = 0;
  if (lag_ns() || early_count_ == early_.size()) report(board);
}

/// What waited for the lag; if it is not known by now, the audio has none that could be found.
void DelayMeter::report(BucketBoard& board) {
  static const size_t latency = BucketBoard::index_of("processing_latency_ms");
  const auto lag = static_cast<double>(lag_ns().value_or(0));
  for (const double waited : std::span(early_).first(early_count_)) {
    const double ms = std::max(kLeastMs, (waited + lag) * 1e-6);
    latencies_.add(ms);
    board.add(latency, ms);
  }
  early_count_ = 0;
}

void DelayMeter::end_bucket(BucketBoard& board) {
  report(board);
  static const size_t p95 = BucketBoard::index_of("processing_latency_p95_ms");
  if (const auto value = latencies_.value(kPercentile)) board.add(p95, *value);
  latencies_.clear();
}

void DelayMeter::reset() {
  lag_.reset();
  latencies_.clear();
  waited_ = weight_ = 0;
  early_count_ = 0;
}

}  // namespace dragoman
