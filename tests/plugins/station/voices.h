// SPDX-License-Identifier: LGPL-2.1-or-later
// Audio with and without speech, made or recorded, and the board that measures it.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <numbers>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "plugins/station/bucket_board.h"
#include "plugins/station/tap_meters.h"
#include "tests/plugins/station/sox.h"

namespace dragoman::testing {

using Audio = std::vector<float>;

inline double power_of(std::span<const float> audio) {
  double sum = 0;
  for (const float sample : audio) sum += double{sample} * sample;
  return audio.empty() ? 0 : sum / static_cast<double>(audio.size());
}
inline double level_of(std::span<const float> audio) { return 10 * std::log10(power_of(audio)); }

inline Audio at_level(Audio audio, double dbfs) {
  const double gain = std::pow(10, dbfs / 20) / std::sqrt(power_of(audio));
  for (float& sample : audio) sample = static_cast<float>(sample * gain);
  return audio;
}

inline Audio silence(double seconds, int rate = 8000) {
  return Audio(static_cast<size_t>(seconds * rate), 0.0f);
}

inline Audio white_noise(double seconds, double dbfs, int rate = 8000, unsigned seed = 1) {
  std::mt19937 random(seed);
  std::normal_distribution<float> value;
  Audio out = silence(seconds, rate);
  for (float& sample : out) sample = value(random);
  return at_level(out, dbfs);
}

/// -3 dB an octave down to 10 Hz: a sum of low-passed noises an octave apart.
inline Audio pink_noise(double seconds, double dbfs, int rate = 8000, unsigned seed = 1) {
  Audio out = silence(seconds, rate);
  for (double hz = 10; hz < rate / 3.0; hz *= 2) {
    const Audio white = white_noise(seconds, 0, rate, ++seed);
    const auto pole = static_cast<float>(std::exp(-2 * std::numbers::pi * hz / rate));
    float state = 0;
    for (size_t i = 0; i < out.size(); ++i) {
      state = pole * state + (1 - pole) * white[i];
      out[i] += state / static_cast<float>(std::sqrt(1 - pole));
    }
  }
  return at_level(out, dbfs);
}

inline Audio sine(double seconds, double hz, double dbfs, int rate = 8000) {
  Audio out = silence(seconds, rate);
  for (size_t i = 0; i < out.size(); ++i) {
    out[i] =
        static_cast<float>(std::sin(2 * std::numbers::pi * hz * static_cast<double>(i) / rate));
  }
  return at_level(out, dbfs);
}

inline Audio joined(std::initializer_list<Audio> parts) {
  Audio out;
  for (const Audio& part : parts) out.insert(out.end(), part.begin(), part.end());
  return out;
}

/// As long as the shorter.
inline Audio mixed(const Audio& a, const Audio& b) {
  Audio out(std::min(a.size(), b.size()));
  for (size_t i = 0; i < out.size(); ++i) out[i] = a[i] + b[i];
  return out;
}

inline Audio in_stereo(const Audio& mono) {
  Audio out;
  out.reserve(2 * mono.size());
  for (const float sample : mono) out.insert(out.end(), {sample, sample});
  return out;
}

/// A prompt of Debian's (path under the sounds directory) at `rate`; empty if it is not installed.
inline Audio prompt(const std::string& file, int rate = 8000) {
  const auto samples = sox_samples("/usr/share/asterisk/sounds/" + file,
                                   rate == 8000 ? "" : "rate " + std::to_string(rate));
  Audio out(samples.size());
  std::ranges::transform(samples, out.begin(), [](int16_t s) { return s / 32768.0f; });
  return out;
}

using Stretch = std::pair<int, int>;  ///< ms: begin, end

/// What tests/plugins/station/speech_labels.csv says, by file.
inline std::map<std::string, std::vector<Stretch>> speech_labels() {
  std::map<std::string, std::vector<Stretch>> labels;
  const char* path = std::getenv("SPEECH_LABELS");
  std::ifstream in(path ? path : "");
  for (std::string line; std::getline(in, line);) {
    const size_t first = line.find(','), second = line.find(',', first + 1);
    if (line.starts_with('#') || second == std::string::npos || line.ends_with("end_ms")) continue;
    labels[line.substr(0, first)].emplace_back(std::atoi(line.c_str() + first + 1),
                                               std::atoi(line.c_str() + second + 1));
  }
  return labels;
}

/// The bucket that `audio`, fed `step` sample frames at a time, makes of what `keys` name.
class Measured {
 public:
  explicit Measured(std::initializer_list<const char*> keys, int rate = 8000, size_t channels = 1)
      : channels_(channels) {
    std::vector<bool> wanted(parameters().size(), false);
    for (const char* key : keys) wanted[BucketBoard::index_of(key)] = true;
    board_.want(wanted);
    meters_.set_format(rate, channels);
  }

  template <typename Samples>
  Measured& feed(const Samples& audio, size_t step = SIZE_MAX) {
    std::span rest(audio);
    while (!rest.empty()) {
      const size_t count = std::min(rest.size() / channels_, step) * channels_;
      meters_.feed(rest.first(count));
      rest = rest.subspan(count);
    }
    return *this;
  }
  Measured& hole(double ms) {
    meters_.finish();
    meters_.hole(ms);
    return *this;
  }
  /// After end_bucket().
  Measured& new_stream() {
    meters_.reset();
    return *this;
  }
  Measured& end_bucket() {
    meters_.finish();
    meters_.end_bucket();
    const auto bucket = board_.snapshot(0);
    aggregates_ = bucket ? bucket->aggregates : std::vector<Aggregate>(parameters().size());
    board_.clear();
    return *this;
  }
  /// Feeds `audio` in buckets of 5 s; the last may be shorter.
  template <typename Samples>
  std::vector<std::vector<Aggregate>> buckets(const Samples& audio, int rate) {
    std::vector<std::vector<Aggregate>> all;
    std::span rest(audio);
    while (!rest.empty()) {
      const size_t count = std::min(rest.size(), static_cast<size_t>(5 * rate) * channels_);
      feed(rest.first(count)).end_bucket();
      all.push_back(aggregates_);
      rest = rest.subspan(count);
    }
    return all;
  }

  const Aggregate& operator[](const char* key) const {
    return aggregates_[BucketBoard::index_of(key)];
  }
  const TapMeters& meters() const { return meters_; }

 private:
  size_t channels_;
  BucketBoard board_;
  TapMeters meters_{board_};
  std::vector<Aggregate> aggregates_ = std::vector<Aggregate>(parameters().size());
};

inline const Aggregate& of(const std::vector<Aggregate>& bucket, const char* key) {
  return bucket[BucketBoard::index_of(key)];
}

}  // namespace dragoman::testing
