// SPDX-License-Identifier: LGPL-2.1-or-later
// A sound's spectrum over time, in few columns.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "plugins/station/windowed_fft.h"

namespace dragoman {

/// Short-time power spectra: Hann windows of 32 ms or a little more, overlapping by half or more,
/// centred on their time. Columns are as short as their number allows: when there are kMaxColumns,
/// neighbours are joined to their mean power. One thread.
class Spectrogram {
 public:
  static constexpr size_t kMaxColumns = 2048;

  explicit Spectrogram(int rate);

  /// Mono, full scale is 1.
  void add(std::span<const float> samples);
  /// The sound ends: the last windows are filled with silence.
  void finish();

  size_t columns() const { return columns_.size(); }
  /// From 0 Hz up to half the rate, both included.
  size_t bins() const { return fft_.bins(); }
  /// Seconds from one column to the next.
  double column_s() const;
  /// RMS level of a steady tone that would have this bin's power, dBFS (a full-scale sine -3.01);
  /// at least kFloorDbfs.
  double level_dbfs(size_t column, size_t bin) const;
  static constexpr double kFloorDbfs = -140;

  /// The greatest level.
  double peak_dbfs() const;

 private:
  using Column = std::vector<float>;  ///< power of each bin

  void take(Column&& power);
  void join_neighbours();

  int rate_;
  WindowedFft fft_;
  std::vector<float> pending_;
  size_t hop_ = 0, per_column_ = 1;  ///< samples between windows, windows in a column
  size_t in_last_ = 0;               ///< windows in the last column so far
  std::vector<Column> columns_;
};

}  // namespace dragoman
