// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/station/echo_path.h"

#include <algorithm>
#include <cstdlib>

namespace dragoman {
namespace {

constexpr uint64_t kSecondNs = 1'000'000'000;

void set_format(Decimator& decimator, TapLog& log, int rate, size_t channels) {
  decimator.set_format(rate, channels);
  log.set_rate(decimator.rate());
  log.follow();
}

}  // namespace

void EchoPath::set_far_format(int rate, int channels) {
  far_channels_ = static_cast<size_t>(channels);
  set_format(far_decimator_, far_, rate, far_channels_);
}

void EchoPath::set_near_format(int rate, int channels) {
  near_channels_ = static_cast<size_t>(channels);
  set_format(near_decimator_, near_, rate, near_channels_);
  lag_.set_rate(near_decimator_.rate());
  next_update_ns_ = 0;
  hold_ms_ = 0;
}

void EchoPath::append(Decimator& decimator, TapLog& log, size_t channels,
                      std::span<const int16_t> samples, uint64_t end_ns) {
  const size_t most = Decimator::kMaxFrames * channels;
  for (size_t at = 0; at < samples.size(); at += most)
    log.append(decimator.feed(samples.subspan(at, std::min(most, samples.size() - at))), end_ns);
}

void EchoPath::hear_far(std::span<const int16_t> samples, uint64_t end_ns) {
  append(far_decimator_, far_, far_channels_, samples, end_ns);
}

void EchoPath::hear_near(std::span<const int16_t> samples, uint64_t end_ns) {
  append(near_decimator_, near_, near_channels_, samples, end_ns);
  if (end_ns < next_update_ns_) return;
  next_update_ns_ = end_ns + kSecondNs;
  update();
}

void EchoPath::update() {
  lag_.update(far_, near_);
  if (!lag_.fresh()) return;
  const int wanted = std::max(0, static_cast<int>(*lag_.lag_ns() / 1'000'000) - kMarginMs);
  if (std::abs(wanted - hold_ms_) > kSteadyMs) hold_ms_ = wanted;
}

}  // namespace dragoman
