// SPDX-License-Identifier: LGPL-2.1-or-later
// The UDP ports for call audio. Main loop thread only.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <set>

namespace dragoman {

/// Even ports of a range, and ports that routes prefer, one to a call.
class Ports {
 public:
  using Clock = std::function<std::chrono::steady_clock::time_point()>;
  /// A port that somebody else has is not tried again for this long.
  static constexpr std::chrono::seconds kAvoid{30};

  Ports(int first, int last, Clock clock = std::chrono::steady_clock::now)
      : first_(first + first % 2), last_(last), clock_(std::move(clock)) {}

  /// `preferred` if it is free (0: none), else the lowest free one; nothing when all are taken.
  std::optional<int> take(int preferred = 0);
  void release(int port) { taken_.erase(port); }
  /// It turned out that another program has the port: as release(), but not to be tried for a
  /// while.
  void avoid(int port);
  size_t taken() const { return taken_.size(); }

 private:
  bool usable(int port);

  int first_, last_;
  Clock clock_;
  std::set<int> taken_;
  std::map<int, std::chrono::steady_clock::time_point> avoided_until_;
};

}  // namespace dragoman
