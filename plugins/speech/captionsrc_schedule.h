// SPDX-License-Identifier: LGPL-2.1-or-later
// When captions are shown, and how long.
#pragma once

#include <cstdint>
#include <deque>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace dragoman {

/// A caption fit for a screen: one or two lines' worth of text.
struct Caption {
  std::string text;
  uint64_t time = 0, duration = 0;  ///< running time, ns
};

/// Lays captions on a time line, one after the other: each stays long enough to be read and none
/// overlaps the next, which waits. While some wait, the one that is shown goes sooner. Times are
/// running time in ns. For one thread at a time.
class CaptionSchedule {
 public:
  struct Rule {
    double reading_speed = 15;  ///< characters per second
    uint64_t min_duration = 1'000'000'000, max_duration = 6'000'000'000;
  };
  /// No time of its own: shown as soon as possible.
  static constexpr uint64_t kNow = std::numeric_limits<uint64_t>::max();
  /// Longer texts are cut between words: the most that two lines of a screen hold.
  static constexpr size_t kMaxCharacters = 84;

  explicit CaptionSchedule(const Rule& rule) : rule_(rule) {}

  /// `text` in pieces of at most kMaxCharacters, cut between words where there are any; blanks and
  /// line ends become single spaces.
  static std::vector<std::string> split(const std::string& text);

  /// A clause to be shown not before `time`.
  void add(const std::string& text, uint64_t time = kNow);

  bool empty() const { return waiting_.empty(); }
  /// Until when the time line is filled.
  uint64_t position() const { return position_; }

  /// The next caption if there is one that can be shown at `now`, else nothing. Moves position() to
  /// its end.
  std::optional<Caption> take(uint64_t now);

  /// Nothing was shown until `now`.
  void skip_to(uint64_t now);

 private:
  struct Waiting {
    std::string text;
    uint64_t time;
  };
  uint64_t duration_of(const std::string& text) const;

  Rule rule_;
  std::deque<Waiting> waiting_;
  uint64_t position_ = 0;
};

}  // namespace dragoman
