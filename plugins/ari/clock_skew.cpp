// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/ari/clock_skew.h"

#include <algorithm>
#include <cstdlib>

namespace dragoman {

double ClockSkew::Line::at(int64_t at_ns) const {
  return static_cast<double>(through.transit_ns) +
         slope * static_cast<double>(at_ns - through.at_ns);
}

void ClockSkew::restart() {
  begun_ = false;
  fastest_.reset();
  count_ = above_ = 0;
}

void ClockSkew::packet(int64_t arrival_ns, uint32_t timestamp, uint32_t clock_rate) {
  const Point point = place(arrival_ns, timestamp, clock_rate);
  if (point.at_ns >= second_end_ns_) {
    close_second();
    second_end_ns_ = point.at_ns - point.at_ns % kSecondNs + kSecondNs;
  }
  if (!fastest_ || point.transit_ns < fastest_->transit_ns) fastest_ = point;
}

ClockSkew::Point ClockSkew::place(int64_t arrival_ns, uint32_t timestamp, uint32_t clock_rate) {
  if (begun_ && arrival_ns >= last_arrival_ns_) {
    const int64_t at_ns = arrival_ns - first_arrival_ns_;
    const int64_t ticks = ticks_ + static_cast<int32_t>(timestamp - last_timestamp_);
    const int64_t sent_ns =
        ticks / clock_rate * kSecondNs + ticks % clock_rate * kSecondNs / clock_rate;
    if (std::abs(at_ns - sent_ns) <= kSenselessNs) {
      ticks_ = ticks;
      last_timestamp_ = timestamp;
      last_arrival_ns_ = arrival_ns;
      return {at_ns, at_ns - sent_ns};
    }
  }
  restart();
  begun_ = true;
  first_arrival_ns_ = last_arrival_ns_ = arrival_ns;
  ticks_ = 0;
  last_timestamp_ = timestamp;
  second_end_ns_ = kSecondNs;
  return {};
}

void ClockSkew::close_second() {
  if (!fastest_) return;
  const Point point = *fastest_;
  fastest_.reset();
  if (count_ > 0) {
    const double off_ns = static_cast<double>(point.transit_ns) - lowest_line().at(point.at_ns);
    above_ = off_ns > kJumpNs ? above_ + 1 : 0;
    if (off_ns < -kJumpNs) keep_last(0);
  }
  if (count_ == kMostPoints) keep_last(kMostPoints - 1);
  points_[count_++] = point;
  if (above_ == kPatience) keep_last(kPatience);
}

void ClockSkew::keep_last(size_t count) {
  std::copy(points_.begin() + static_cast<ptrdiff_t>(count_ - count),
            points_.begin() + static_cast<ptrdiff_t>(count_), points_.begin());
  if (count <= kPatience) above_ = 0;
  count_ = count;
}

// Andrew's monotone chain; of the hull's edges the one over the mean time. At least one point.
ClockSkew::Line ClockSkew::lowest_line() const {
  std::array<Point, kMostPoints> hull;
  size_t corners = 0;
  double mean_ns = 0;
  const auto slope = [](const Point& a, const Point& b) {
    return static_cast<double>(b.transit_ns - a.transit_ns) /
           static_cast<double>(b.at_ns - a.at_ns);
  };
  for (const Point& point : points()) {
    mean_ns += static_cast<double>(point.at_ns) / static_cast<double>(count_);
    while (corners >= 2 &&
           slope(hull[corners - 2], hull[corners - 1]) >= slope(hull[corners - 1], point)) {
      --corners;
    }
    hull[corners++] = point;
  }
  size_t end = 1;
  while (end + 1 < corners && static_cast<double>(hull[end].at_ns) < mean_ns) ++end;
  if (corners < 2) return {hull[0], 0};
  return {hull[end], slope(hull[end - 1], hull[end])};
}

std::optional<double> ClockSkew::ppm() const {
  if (count_ < kLeastPoints || points_[count_ - 1].at_ns - points_[0].at_ns < kKnownNs) {
    return std::nullopt;
  }
  // A fast sender's timestamps run ahead of our clock: its packets seem ever faster.
  return -1e6 * lowest_line().slope;
}

}  // namespace dragoman
