// SPDX-License-Identifier: LGPL-2.1-or-later
// What stationprobe measures of one recording, or of two: before and after processing.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "launcher/measure/recording.h"
#include "plugins/common/parameters.h"

namespace dragoman {

/// One parameter of one bucket, as the probe's message has it, in the parameter's unit.
struct Figures {
  uint64_t count = 0;
  double figure = 0;  ///< that stands for the bucket: a counted parameter's total, else the mean
  double min = 0, max = 0;
  std::string state;  ///< normal, unusual, warning, critical; empty: there is no telling
};

/// What one tap measured of one bucket; by the parameters' numbers.
using TapFigures = std::map<int, Figures>;

struct MeasuredBucket {
  double start_s = 0;            ///< in the recording
  double seconds = 0;            ///< of audio
  std::vector<TapFigures> taps;  ///< one for each recording
};

struct MeasuredFile {
  std::string path, tap;
  RecordingFormat format;
  double seconds = 0;      ///< its whole length
  std::string broken_off;  ///< why it ended early; empty if it did not
};

struct Measurement {
  std::string station;
  double interval_s = 0;  ///< 0: one bucket as long as the recording
  std::vector<MeasuredFile> files;
  double seconds = 0;              ///< measured: the length of the shortest
  std::optional<double> delay_ms;  ///< POST's content after PRE's; nothing if it was not found
  std::vector<MeasuredBucket> buckets;
  MeasuredBucket whole;                       ///< if a course was asked for: of the whole recording
  std::vector<MeasuredBucket> course;         ///< for a picture, if asked for: in short buckets
  std::vector<MeasuredBucket> speech_course;  ///< in longer ones, as speech takes to be measured
};

/// A station that has no file: it measures all parameters.
inline constexpr char kEveryParameter[] = "recording";

struct MeasureOptions {
  std::string station = kEveryParameter;
  double interval_s = 0;  ///< length of a bucket; 0: the whole recording
  bool course = false;    ///< also measure what a picture shows
  /// Every piece of audio as it is measured: the recording's index, the samples.
  std::function<void(size_t, std::span<const uint8_t>)> on_audio;
};

/// The longest bucket, and so the longest recording that is measured as a whole.
inline constexpr double kMinIntervalS = 0.1, kMaxIntervalS = 86400;

/// Plays the recordings side by side through one probe each, 20 ms of one and then of the other, as
/// fast as the machine can. The first is PRE, the second POST. Throws RecordingError if they do not
/// go together, std::runtime_error if the probe is not installed or refuses the station.
Measurement measure(std::vector<Recording>& recordings, const MeasureOptions& options);

}  // namespace dragoman
