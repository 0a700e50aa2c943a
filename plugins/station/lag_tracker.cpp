// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/station/lag_tracker.h"

#include <algorithm>
#include <cmath>

#include "plugins/station/sample_clock.h"

namespace dragoman {
namespace {

constexpr unsigned kMaxWait = 3;      // updates without a search, after those that found nothing
constexpr unsigned kMaxTrusted = 3;   // updates without a search, while the lag fits
constexpr double kStillFits = 0.8;    // of the correlation that the last search saw
constexpr double kMuchBetter = 1.15;  // than what still fits somewhat: 1 / 0.85, see LagFinder

int64_t to_ns(double seconds) { return std::llround(seconds * 1e9); }

}  // namespace

LagTracker::LagTracker(double min_s, double max_s, double window_s, double least)
    : min_s_(min_s), max_s_(max_s), finder_(min_s, max_s, window_s, least) {
  set_rate(rate_);
}

void LagTracker::set_rate(int rate) {
  rate_ = rate;
  finder_.set_rate(rate);
  reference_.assign(finder_.reference_length(), 0);
  window_.assign(finder_.window_length(), 0);
  reset();
}

void LagTracker::reset() {
  lag_.reset();
  fresh_ = false;
  correlation_ = 0;
  failures_ = wait_ = trusted_ = 0;
}

bool LagTracker::copy(const TapLog& reference, const TapLog& window) {
  if (reference.rate() != rate_ || window.rate() != rate_) return false;
  const uint64_t end = std::min(reference.audio_end(), window.audio_end());
  const uint64_t length = frames_to_ns(window_.size(), rate_);
  const auto after = static_cast<uint64_t>(std::max<int64_t>(0, -to_ns(min_s_)));
  if (end < length + after + static_cast<uint64_t>(to_ns(max_s_))) return false;
  const uint64_t begin = end - after - length;
  return window.copy_audio(begin, window_) &&
         reference.copy_audio(begin - static_cast<uint64_t>(to_ns(max_s_)), reference_);
}

void LagTracker::update(const TapLog& reference, const TapLog& window) {
  fresh_ = false;
  if (!copy(reference, window)) return;
  std::optional<Lag> found;
  if (lag_) found = finder_.confirm(reference_, window_, static_cast<double>(*lag_) * 1e-9);
  const bool fits = found && found->correlation >= kStillFits * correlation_;
  if (fits && trusted_ < kMaxTrusted) {
    ++trusted_;
  } else if (!found && wait_) {
    --wait_;
    return;
  } else {
    const std::optional<Lag> anew = finder_.find(reference_, window_);
    if (!finder_.heard()) return;
    trusted_ = 0;
    if (anew && (!found || anew->correlation > kMuchBetter * found->correlation)) found = anew;
    if (found) correlation_ = found->correlation;
  }
  fresh_ = found.has_value();
  failures_ = found ? 0 : failures_ + 1;
  wait_ = failures_ ? std::min(kMaxWait, failures_ - 1) : 0;
  if (found) lag_ = to_ns(found->seconds);
}

}  // namespace dragoman
