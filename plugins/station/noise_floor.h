// SPDX-License-Identifier: LGPL-2.1-or-later
// The level of what is heard when nobody speaks.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace dragoman {

/// Powers (mean squares, full scale 1.0) are never below this: digital silence, -100 dBFS.
inline constexpr double kSilencePower = 1e-10;

/// Follows the noise under speech, by the minimum statistics of R. Martin, "Noise Power Spectral
/// Density Estimation Based on Optimal Smoothing and Minimum Statistics" (IEEE Transactions on
/// Speech and Audio Processing 9(5), 2001), of one band instead of a spectrum: the least smoothed
/// power of the last 10 s (20 windows of 0.5 s) can only be noise, as speech pauses that often.
/// That minimum lies under the mean of the noise; rather than multiplying it with the bias that
/// Martin derives for white noise, the frames near it (under twice it) are averaged, which is true
/// for noise of any colour. Takes frames of 20 ms. Allocates nothing. One thread.
class NoiseFloor {
 public:
  void reset() { *this = {}; }

  /// The next frame's power; one of speech is not averaged.
  void add(double power, bool speech);

  /// What was loud has turned out to be steady noise: start again from `power`.
  void restart(double power);

  bool known() const { return frames_ > 0; }
  double minimum() const { return minimum_; }  ///< smoothed, of the last 10 s that were added
  /// Averaged over some seconds of noise; goes on over speech.
  double power() const { return mean_; }

 private:
  static constexpr size_t kWindows = 20, kWindowFrames = 25;

  void track_minimum();

  size_t frames_ = 0;     ///< since reset() or restart()
  size_t in_window_ = 0;  ///< of the open window
  std::array<double, 3> last_{};
  double smoothed_ = 0, minimum_ = kSilencePower, window_minimum_ = 0;
  std::array<double, kWindows> minima_{};  ///< of the last windows, oldest overwritten
  size_t window_ = 0, windows_ = 0;
  double mean_ = kSilencePower;
  double averaged_frames_ = 0;
};

/// The mean of a bucket's noise. A bucket has parts of 5 s of audio, the last may be shorter. Of a
/// part's frames without speech those count that lie near the minimum at its end: under twice it,
/// or up to 1 dB more, as they are counted in cells of 1 dB. If they are less than ten (200 ms) the
/// part is joined to the next. So the floor of a long bucket is the mean power of those of 5 s that
/// it is made of, whatever order they come in. Allocates nothing. One thread.
class NoiseAverage {
 public:
  void add(double power);
  void clear() { *this = {}; }

  /// The part ends; `minimum` is that of NoiseFloor by now.
  void end_part(double minimum);
  /// Mean power of the parts that have ended; none if none had noise enough.
  std::optional<double> power() const;

 private:
  static constexpr size_t kCells = 102;  ///< 1 dB each, from -100 dBFS
  std::array<uint32_t, kCells> counts_{};
  std::array<double, kCells> sums_{};
  uint64_t count_ = 0;  ///< of the parts that have ended
  double sum_ = 0;
};

}  // namespace dragoman
