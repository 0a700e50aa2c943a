// SPDX-License-Identifier: LGPL-2.1-or-later
// The peak of the waveform that the samples stand for, which may lie between them.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include "plugins/station/meter.h"

namespace dragoman {

/// The greatest magnitude of one channel, oversampled 4 times (ITU-R BS.1770-4 annex 2), at less
/// than 32 kHz 8 or 16 times (at least 128 kHz: telephone audio reaches nearer to half its rate
/// than what the annex had in mind, and 4 times would read it up to 0.7 dB low). By windowed sinc
/// of 32 samples.
///
/// A band-limited signal that peaks at S is at least S cos(pi / 4) at the nearest point of twice
/// the rate (Duffin and Schaeffer, Some properties of functions of exponential type, Bull. AMS 44,
/// 1938). So all is interpolated to twice the rate, and only what comes near the greatest peak so
/// far to more. Allocates in set_rate() only. One thread.
class TruePeak {
 public:
  /// Hz; forgets what was heard.
  void set_rate(int rate);

  /// The next samples: every `stride`th from `first` of a frame of up to 20 ms. Those between the
  /// last 18 samples are known with the next call only.
  void feed(std::span<const float> interleaved, size_t first, size_t stride);

  /// The greatest magnitude since take() was last called, full scale being 1.
  float take();

  /// A hole: nothing is interpolated across it.
  void reset();

 private:
  static constexpr size_t kTaps = 32;
  using Phase = std::array<float, kTaps>;

  void interpolate_halves(size_t samples);
  void search(size_t begin, size_t end, float& greatest) const;
  void search_interval(size_t point, float& greatest) const;

  size_t factor_ = 0;
  std::vector<Phase> phases_;   ///< by the place between two samples, in 1 / factor_
  std::vector<float> samples_;  ///< the last ones, then those of this call
  std::vector<float> points_;   ///< of twice the rate
  float greatest_ = 0, taken_ = 0;
  size_t old_ = 0;  ///< samples of before take() that were not searched then
  bool empty_ = true;
};

/// true_peak_dbtp: one reading a bucket, the greatest of all channels, never under the sample peak;
/// -100 in silence. A peak between the last 18 samples of a bucket, if it is the greatest, counts
/// in the next; at the end of a stream it is not known. One thread.
class TruePeakMeter : public Meter {
 public:
  void set_format(int rate, size_t channels) override;
  void frame(const AudioFrame& frame, BucketBoard& board) override;
  void end_bucket(BucketBoard& board) override;
  void reset() override;

 private:
  std::vector<TruePeak> channels_;
  bool heard_ = false;
};

}  // namespace dragoman
