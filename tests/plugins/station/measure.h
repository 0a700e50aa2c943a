// SPDX-License-Identifier: LGPL-2.1-or-later
// What the meters of a tap say of samples.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "plugins/station/bucket_board.h"
#include "plugins/station/tap_meters.h"

namespace dragoman::testing {

struct Format {
  int rate = 8000;
  size_t channels = 1;
};

/// A tap whose board wants `keys` only; all, if there are none.
class MeasuredTap {
 public:
  explicit MeasuredTap(Format format, std::initializer_list<const char*> keys = {})
      : format_(format) {
    if (keys.size()) {
      std::vector<bool> wanted(parameters().size());
      for (const char* key : keys) wanted.at(BucketBoard::index_of(key)) = true;
      board_.want(wanted);
    }
    meters_.set_format(format.rate, format.channels);
  }

  /// In buffers of `step` sample frames.
  template <typename Sample>
  void feed(const std::vector<Sample>& samples, size_t step = 1 << 20) {
    std::span<const Sample> rest(samples);
    while (!rest.empty()) {
      const size_t count = std::min(rest.size(), step * format_.channels);
      meters_.feed(rest.first(count));
      rest = rest.subspan(count);
    }
  }
  void hole(double ms = 1000) {
    meters_.finish();
    meters_.hole(ms);
  }
  /// Ends the bucket; the figures of all parameters.
  std::vector<Aggregate> bucket() {
    meters_.finish();
    meters_.end_bucket();
    const std::optional<Bucket> closed = board_.snapshot(0);
    board_.clear();
    return closed ? closed->aggregates : std::vector<Aggregate>(parameters().size());
  }

 private:
  Format format_;
  BucketBoard board_;
  TapMeters meters_{board_};
};

/// The figures of one bucket of `samples`.
template <typename Sample>
std::vector<Aggregate> measured(const std::vector<Sample>& samples, Format format = {},
                                size_t step = 1 << 20,
                                std::initializer_list<const char*> keys = {}) {
  MeasuredTap tap(format, keys);
  tap.feed(samples, step);
  return tap.bucket();
}

inline const Aggregate& of(const std::vector<Aggregate>& bucket, const char* key) {
  return bucket.at(BucketBoard::index_of(key));
}
/// The bucket's `avg`, as the table says it is made; NaN without a reading.
inline double average(const std::vector<Aggregate>& bucket, const char* key) {
  const Aggregate& aggregate = of(bucket, key);
  return aggregate.count ? average_of(*find_parameter(key), aggregate) : std::nan("");
}
inline bool absent(const std::vector<Aggregate>& bucket, const char* key) {
  return of(bucket, key).count == 0;
}

inline std::vector<float> sine(double amplitude, double hz, double seconds, int rate,
                               double phase = 0) {
  std::vector<float> out(static_cast<size_t>(std::lround(seconds * rate)));
  for (size_t i = 0; i < out.size(); ++i) {
    const double turns = hz * static_cast<double>(i) / rate;
    out[i] = static_cast<float>(amplitude * std::sin(2 * std::numbers::pi * turns + phase));
  }
  return out;
}

/// White Gaussian noise.
inline std::vector<float> noise(double rms, double seconds, int rate, unsigned seed = 1) {
  std::mt19937 random(seed);
  std::normal_distribution<float> value(0, static_cast<float>(rms));
  std::vector<float> out(static_cast<size_t>(std::lround(seconds * rate)));
  for (float& sample : out) sample = value(random);
  return out;
}

inline std::vector<float> square(double amplitude, double hz, double seconds, int rate) {
  std::vector<float> out(static_cast<size_t>(std::lround(seconds * rate)));
  for (size_t i = 0; i < out.size(); ++i) {
    const auto half = static_cast<uint64_t>(2 * hz * static_cast<double>(i) / rate);
    out[i] = static_cast<float>(half % 2 ? -amplitude : amplitude);
  }
  return out;
}

inline std::vector<float>& operator+=(std::vector<float>& sum, const std::vector<float>& more) {
  for (size_t i = 0; i < std::min(sum.size(), more.size()); ++i) sum[i] += more[i];
  return sum;
}

/// Left and right as one interleaved stream.
inline std::vector<float> stereo(const std::vector<float>& left, const std::vector<float>& right) {
  std::vector<float> out;
  out.reserve(2 * left.size());
  for (size_t i = 0; i < left.size(); ++i) {
    out.push_back(left[i]);
    out.push_back(right[i]);
  }
  return out;
}

inline std::vector<float> as_floats(const std::vector<int16_t>& samples) {
  std::vector<float> out(samples.begin(), samples.end());
  for (float& sample : out) sample /= 32768;
  return out;
}

/// Why a bucket cannot be: a figure that is no number; empty if there is none.
inline std::string not_a_number(const std::vector<Aggregate>& bucket) {
  for (size_t i = 0; i < bucket.size(); ++i) {
    const Aggregate& aggregate = bucket[i];
    if (!aggregate.count) continue;
    const double all[] = {aggregate.min, aggregate.max, average_of(parameters()[i], aggregate),
                          aggregate.last};
    if (!std::ranges::all_of(all, [](double value) { return std::isfinite(value); })) {
      return parameters()[i].key;
    }
  }
  return {};
}

}  // namespace dragoman::testing
