// SPDX-License-Identifier: LGPL-2.1-or-later
// How fast a sender's clock runs against ours, from the timestamps and arrivals of its packets.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace dragoman {

/// Jitter only ever adds to a packet's transit time, so the fastest packets lie on a line whose
/// slope is the skew: the edge of the lower convex hull of all transit times over their mean time,
/// which of all lines under them has the least distance from them (Moon, Skelly, Towsley:
/// "Estimation and removal of clock skew from network delay measurements", INFOCOM 1999, section
/// III; Zhang, Liu, Xia: "Clock synchronization algorithms for network measurements", INFOCOM 2002,
/// section III). Kept is the fastest packet of each second, five minutes long. Where the line jumps
/// (timestamps that leave out a pause, another route) it begins again. Its error grows with the
/// jitter and falls with the square of the time: within 5 ppm after 60 s of 20 ms jitter, 20 ppm
/// after 30 s; jitter without a floor (Gaussian) it cannot see through. Allocates nothing. Not
/// thread-safe.
class ClockSkew {
 public:
  /// The next packet of a stream with `clock_rate` Hz; `arrival_ns` by our clock; it begins again
  /// where that goes back.
  void packet(int64_t arrival_ns, uint32_t timestamp, uint32_t clock_rate);

  /// Another stream follows.
  void restart();

  /// Parts per million by which the sender's clock is faster than ours; nothing before 30 s.
  std::optional<double> ppm() const;

 private:
  struct Point {
    int64_t at_ns = 0;       // since the first packet
    int64_t transit_ns = 0;  // more than that of the first packet
  };
  struct Line {
    Point through;
    double slope = 0;
    double at(int64_t at_ns) const;
  };

  static constexpr int64_t kSecondNs = 1'000'000'000;
  static constexpr int64_t kKnownNs = 30 * kSecondNs;
  static constexpr size_t kMostPoints = 300;
  static constexpr size_t kLeastPoints = 20;
  static constexpr int64_t kJumpNs = 15'000'000;
  static constexpr int64_t kSenselessNs = 3600 * kSecondNs;  // no clock runs off by that
  static constexpr size_t kPatience = 10;  // seconds above the line until it is another one

  std::span<const Point> points() const { return std::span(points_).first(count_); }
  /// Where the packet lies; the first one of a line if it belongs to none.
  Point place(int64_t arrival_ns, uint32_t timestamp, uint32_t clock_rate);
  void close_second();
  void keep_last(size_t count);
  Line lowest_line() const;

  bool begun_ = false;
  int64_t first_arrival_ns_ = 0, last_arrival_ns_ = 0, ticks_ = 0;
  uint32_t last_timestamp_ = 0;
  std::optional<Point> fastest_;  // of the open second
  int64_t second_end_ns_ = 0;
  std::array<Point, kMostPoints> points_;  // by time
  size_t count_ = 0;
  size_t above_ = 0;  // of the last points, those above the line
};

}  // namespace dragoman
