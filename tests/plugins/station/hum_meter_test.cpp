// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/station/hum_meter.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "tests/plugins/station/measure.h"
#include "tests/plugins/station/sox.h"

namespace dragoman {
namespace {

using namespace dragoman::testing;

constexpr const char* kHum = "hum_db";
constexpr int kRates[] = {8000, 16000, 32000, 44100, 48000};

double hum_of(const std::vector<float>& samples, int rate) {
  return average(measured(samples, {rate, 1}), kHum);
}

/// Noise of -50 dBFS in half the rate with hum at `hz` and harmonics, `db` over the noise in 25 Hz.
std::vector<float> hum_in_noise(double hz, double db, double seconds, int rate) {
  constexpr double kNoise = 0.003;
  constexpr double kShares[] = {0.5, 0.3, 0.2};  // of the power: hz, 2 hz, 3 hz
  const double per_hz = kNoise * kNoise / (rate / 2.0);
  const double power = 25 * per_hz * (std::pow(10, db / 10) - 1);
  std::vector<float> samples = noise(kNoise, seconds, rate);
  for (int i = 0; i < 3; ++i) {
    samples += sine(std::sqrt(2 * power * kShares[i]), (i + 1) * hz, seconds, rate, i);
  }
  return samples;
}

TEST(HumMeter, measures_hum_of_either_mains_over_noise) {
  for (int rate : kRates) {
    for (double hz : {50.0, 60.0, 49.95, 60.05}) {
      for (double db : {10.0, 20.0, 40.0}) {
        EXPECT_NEAR(hum_of(hum_in_noise(hz, db, 20, rate), rate), db, 1) << rate << " " << hz;
      }
    }
  }
}

TEST(HumMeter, reads_about_nothing_of_noise_and_of_speech) {
  for (int rate : kRates) EXPECT_NEAR(hum_of(noise(0.1, 30, rate), rate), 0.8, 0.7) << rate;
  for (const std::string& prompt : {kEnglishPrompt, kSpanishPrompt}) {
    const auto samples = as_floats(sox_samples(prompt));
    if (samples.empty()) GTEST_SKIP() << "no sox, or no " << prompt;
    EXPECT_LT(hum_of(samples, 8000), 6);
    EXPECT_GT(hum_of(samples, 8000), -6);
  }
}

TEST(HumMeter, finds_hum_under_speech) {
  std::vector<float> samples = as_floats(sox_samples(kEnglishPrompt));
  if (samples.empty()) GTEST_SKIP() << "no sox, or no prompt";
  samples += sine(0.05, 50, 20, 8000);
  EXPECT_GT(hum_of(samples, 8000), 6);
}

TEST(HumMeter, does_not_take_tones_beside_the_mains_for_hum) {
  for (double hz : {45.0, 55.0, 75.0, 440.0, 950.0, 1050.0, 3940.0}) {
    std::vector<float> samples = noise(0.001, 10, 8000);
    samples += sine(0.1, hz, 10, 8000);
    EXPECT_LT(hum_of(samples, 8000), 6) << hz;
  }
}

TEST(HumMeter, reads_once_a_second_across_buckets_and_begins_anew_behind_a_hole) {
  MeasuredTap tap({8000, 1});
  const std::vector<float> samples = noise(0.1, 1.5, 8000);
  tap.feed(samples);
  EXPECT_EQ(of(tap.bucket(), kHum).count, 1u);
  tap.feed(samples);
  EXPECT_EQ(of(tap.bucket(), kHum).count, 2u);
  tap.feed(sine(0.1, 1000, 0.9, 8000));
  tap.hole();
  tap.feed(sine(0.1, 1000, 0.9, 8000));
  EXPECT_TRUE(absent(tap.bucket(), kHum));
}

TEST(HumMeter, stands_the_worst_signals) {
  for (int rate : kRates) {
    const auto seconds = static_cast<size_t>(2 * rate);
    EXPECT_TRUE(absent(measured(std::vector<float>(seconds), {rate, 1}), kHum));
    std::vector<float> broken = sine(0.5, 440, 2, rate);
    broken[10] = std::numeric_limits<float>::quiet_NaN();
    for (const auto& samples : {broken,
                                square(1, 50, 2, rate),
                                square(1, 60, 2, rate),
                                std::vector<float>(seconds, 1.0f),
                                std::vector<float>(seconds, -1e6f),
                                sine(0.5, 50, 2, rate),
                                {0.5f}}) {
      for (size_t channels : {1u, 2u}) {
        const auto bucket =
            measured(channels == 2 ? stereo(samples, samples) : samples, {rate, channels});
        EXPECT_EQ(not_a_number(bucket), "") << rate;
        EXPECT_LE(of(bucket, kHum).max, 100) << rate;
      }
    }
    EXPECT_GT(hum_of(square(1, 50, 2, rate), rate), 30) << rate;
    EXPECT_GT(hum_of(square(1, 60, 2, rate), rate), 30) << rate;
  }
}

TEST(HumMeter, gives_the_same_figures_whatever_the_sizes_of_the_buffers) {
  for (int rate : {11025, 16000}) {
    const std::vector<float> samples = noise(0.1, 3, rate);
    const auto reference = of(measured(samples, {rate, 1}), kHum);
    for (size_t step : {1u, 7u, 161u, 48000u}) {
      const auto bucket = of(measured(samples, {rate, 1}, step), kHum);
      EXPECT_EQ(bucket.count, reference.count);
      EXPECT_EQ(bucket.sum, reference.sum);
    }
  }
}

}  // namespace
}  // namespace dragoman
