// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/store/row_counts.h"

#include <numeric>

namespace dragoman {

const char* row_kind_name(RowKind kind) {
  static constexpr std::array names = {"traces",   "knob events",    "utterances",
                                       "segments", "knob snapshots", "metrics"};
  static_assert(names.size() == kRowKinds.size());
  return names[static_cast<size_t>(kind)];
}

RowCounts& RowCounts::operator+=(const RowCounts& other) {
  for (const RowKind kind : kRowKinds) (*this)[kind] += other[kind];
  return *this;
}

RowCounts RowCounts::operator-(const RowCounts& earlier) const {
  RowCounts difference = *this;
  for (const RowKind kind : kRowKinds) difference[kind] -= earlier[kind];
  return difference;
}

uint64_t RowCounts::total() const {
  return std::accumulate(counts_.begin(), counts_.end(), uint64_t{0});
}

std::string RowCounts::text() const {
  std::string text;
  for (auto kind = kRowKinds.rbegin(); kind != kRowKinds.rend(); ++kind) {
    const uint64_t count = (*this)[*kind];
    if (count == 0) continue;
    text += (text.empty() ? "" : ", ") + std::to_string(count) + " " + row_kind_name(*kind);
  }
  return text.empty() ? "no rows" : text;
}

}  // namespace dragoman
