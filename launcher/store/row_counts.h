// SPDX-License-Identifier: LGPL-2.1-or-later
// Rows counted by kind.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace dragoman {

/// The journal's tables, the most important kind first.
enum class RowKind { kTrace, kKnobEvent, kUtterance, kSegment, kKnobSnapshot, kMetric };

inline constexpr std::array kRowKinds = {RowKind::kTrace,        RowKind::kKnobEvent,
                                         RowKind::kUtterance,    RowKind::kSegment,
                                         RowKind::kKnobSnapshot, RowKind::kMetric};

/// "metrics": a kind's name in the plural, for people.
const char* row_kind_name(RowKind kind);

class RowCounts {
 public:
  uint64_t& operator[](RowKind kind) { return counts_[static_cast<size_t>(kind)]; }
  uint64_t operator[](RowKind kind) const { return counts_[static_cast<size_t>(kind)]; }
  RowCounts& operator+=(const RowCounts& other);
  RowCounts operator-(const RowCounts& earlier) const;
  uint64_t total() const;
  /// "12 metrics, 3 segments", only what is not zero; "no rows".
  std::string text() const;

 private:
  std::array<uint64_t, kRowKinds.size()> counts_{};
};

}  // namespace dragoman
