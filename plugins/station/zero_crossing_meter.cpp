// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/station/zero_crossing_meter.h"

#include <algorithm>

namespace dragoman {

void ZeroCrossingMeter::set_format(int rate, size_t) {
  rate_ = rate;
  reset();
}

void ZeroCrossingMeter::frame(const AudioFrame& frame, BucketBoard& board) {
  static const size_t index = BucketBoard::index_of("zero_crossing_rate");
  auto at = frame.mono.begin();
  if (!signed_) {
    at = std::ranges::find_if(frame.mono, [](float sample) { return sample != 0; });
    signed_ = at != frame.mono.end();
    if (signed_) negative_ = *at < 0;
  }
  unsigned crossings = 0;
  bool negative = negative_;
  for (; at != frame.mono.end(); ++at) {
    const bool now = *at < 0 || (*at == 0 && negative);
    crossings += now != negative;
    negative = now;
  }
  negative_ = negative;
  const auto samples = static_cast<double>(frame.mono.size());
  board.add(index, crossings * rate_ / samples, samples);
}

void ZeroCrossingMeter::reset() { signed_ = false; }

}  // namespace dragoman
