// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/ari/concealer.h"

#include <algorithm>
#include <cmath>

namespace dragoman {

void Concealer::reset() {
  filled_ = 0;
  made_ = 0;
  period_.clear();
}

void Concealer::play(std::span<int16_t> samples) {
  if (made_ > 0) {
    const size_t join = std::min(kJoin, samples.size());
    for (size_t i = 0; i < join; ++i) {
      const double in = static_cast<double>(i + 1) / static_cast<double>(join + 1);
      samples[i] = static_cast<int16_t>(std::lround(samples[i] * in + next() * (1 - in)));
    }
    made_ = 0;
  }
  const size_t kept = std::min(samples.size(), kHistory);
  std::copy(history_.begin() + kept, history_.end(), history_.begin());
  std::copy(samples.end() - kept, samples.end(), history_.end() - kept);
  filled_ = std::min(kHistory, filled_ + kept);
}

size_t Concealer::conceal(std::span<int16_t> out) {
  if (made_ == 0 && filled_ > 0) {
    const size_t period = find_period();
    period_.assign(history_.end() - period, history_.end());
  }
  const size_t audible = exhausted() ? 0 : std::min(out.size(), kFadeSamples - made_);
  for (int16_t& sample : out.first(audible)) sample = next();
  std::fill(out.begin() + audible, out.end(), 0);
  return audible;
}

// The period continued, whole for 10 ms, then fading linearly to nothing.
int16_t Concealer::next() {
  constexpr size_t kWhole = 10 * kRate / 1000;
  if (made_ >= kFadeSamples || period_.empty()) return 0;
  const double gain = made_ < kWhole ? 1
                                     : static_cast<double>(kFadeSamples - made_) /
                                           static_cast<double>(kFadeSamples - kWhole);
  const int16_t sample = period_[made_ % period_.size()];
  ++made_;
  return static_cast<int16_t>(std::lround(sample * gain));
}

// The lag at which the last 20 ms resemble what was before them most (normalized correlation).
size_t Concealer::find_period() const {
  const int16_t* recent = history_.data() + kHistory - kWindow;
  double best = 0;
  size_t best_lag = kLongestPeriod;
  for (size_t lag = kShortestPeriod; lag <= kLongestPeriod; ++lag) {
    int64_t product = 0, energy = 1;
    for (size_t i = 0; i < kWindow; ++i) {
      const int32_t earlier = (recent - lag)[i];
      product += earlier * recent[i];
      energy += earlier * earlier;
    }
    const double likeness = static_cast<double>(product) / std::sqrt(static_cast<double>(energy));
    if (likeness > best * 1.001) {
      best = likeness;
      best_lag = lag;
    }
  }
  return best_lag;
}

}  // namespace dragoman
