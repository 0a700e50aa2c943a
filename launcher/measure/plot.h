// SPDX-License-Identifier: LGPL-2.1-or-later
// A picture of a measurement: waveform, spectrogram, level and SNR over time.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "launcher/measure/measurement.h"
#include "launcher/measure/spectrogram.h"
#include "launcher/measure/wave_outline.h"

namespace dragoman {

/// What is drawn of one recording. Of stereo the mean of the channels. One thread.
class SoundView {
 public:
  explicit SoundView(const RecordingFormat& format);

  /// The next samples, interleaved.
  void add(std::span<const uint8_t> samples);
  void finish() { spectrogram_.finish(); }

  const WaveOutline& outline() const { return outline_; }
  const Spectrogram& spectrogram() const { return spectrogram_; }

 private:
  RecordingFormat format_;
  WaveOutline outline_;
  Spectrogram spectrogram_;
  std::vector<float> mono_;
};

/// Why no picture can be written to `path`, with the cure; empty if one can.
std::string unwritable_reason(const std::string& path);

/// Writes a PNG of `measurement`, which has a course, and its recordings' views: one beside the
/// other on the same scales. 1440 pixels wide, or 2040 for two. Throws std::runtime_error.
void write_plot(const std::string& path, const Measurement& measurement,
                const std::vector<SoundView>& views);

/// Where panels lie in the picture, in pixels from its top left.
namespace plot_layout {
inline constexpr double kLeft = 92, kBetween = 44, kLegend = 108, kOneWidth = 1240, kTwoWidth = 898;
inline constexpr double kTop = 104, kGap = 20, kWaveHeight = 150, kSpectrogramHeight = 320,
                        kLevelHeight = 170, kSnrHeight = 120, kTimeHeight = 58, kRowHeight = 46,
                        kNamesHeight = 8, kBottom = 20;
inline constexpr double kSpectrogramTop = kTop + kWaveHeight + kGap;
inline constexpr double kLevelTop = kSpectrogramTop + kSpectrogramHeight + kGap + kNamesHeight;
inline constexpr double kSnrTop = kLevelTop + kLevelHeight + kGap;
inline constexpr double kNumbersTop = kSnrTop + kSnrHeight + kTimeHeight;
inline constexpr int kNumberRows = 4, kNumbersInRow = 5;
inline constexpr double kHeight = kNumbersTop + kNumberRows * kRowHeight + kBottom;
}  // namespace plot_layout

}  // namespace dragoman
