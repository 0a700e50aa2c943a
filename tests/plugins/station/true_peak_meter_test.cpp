// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/station/true_peak_meter.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "tests/plugins/station/measure.h"
#include "tests/plugins/station/reference.h"
#include "tests/plugins/station/sox.h"

namespace dragoman {
namespace {

using namespace dragoman::testing;

constexpr const char* kTruePeak = "true_peak_dbtp";
constexpr int kRates[] = {8000, 16000, 32000, 48000};

/// A tone that begins and ends softly: an edge would ring.
std::vector<float> tone(double amplitude, double hz, double seconds, int rate, double phase) {
  std::vector<float> samples = sine(amplitude, hz, seconds, rate, phase);
  const auto fade = static_cast<size_t>(rate / 20);
  for (size_t i = 0; i < fade; ++i) {
    const double turn = std::numbers::pi * static_cast<double>(i) / static_cast<double>(fade);
    const auto gain = static_cast<float>(0.5 - 0.5 * std::cos(turn));
    samples[i] *= gain;
    samples[samples.size() - 1 - i] *= gain;
  }
  return samples;
}

double true_peak(const std::vector<float>& samples, int rate, size_t channels = 1) {
  return average(measured(samples, {rate, channels}), kTruePeak);
}

TEST(TruePeakMeter, finds_the_peak_between_the_samples) {
  for (int rate : kRates) {
    // A quarter of the rate, sampled at 45 degrees: all samples are 3 dB under the peak.
    const auto bucket = measured(tone(0.5, rate / 4.0, 1, rate, std::numbers::pi / 4), {rate, 1});
    EXPECT_NEAR(of(bucket, "peak_dbfs").max, -9.03, 0.01) << rate;
    EXPECT_NEAR(average(bucket, kTruePeak), -6.02, 0.05) << rate;
    EXPECT_EQ(of(bucket, kTruePeak).count, 1u);
  }
}

TEST(TruePeakMeter, measures_tones_of_any_frequency_and_phase) {
  for (int rate : kRates) {
    for (double share : {0.01, 0.1, 0.2, 0.333, 0.4, 0.43}) {
      for (double phase : {0.0, 0.4, 0.8, 1.2}) {
        // At 4 times the rate a tone of share f reads up to cos(pi f / 4) low.
        const double low = rate < 32000 ? 0.15 : 0.55;
        const double db = true_peak(tone(0.5, share * rate, 0.3, rate, phase), rate);
        EXPECT_LE(db, -6.02 + 0.03) << rate << " " << share << " " << phase;
        EXPECT_GE(db, -6.02 - low) << rate << " " << share << " " << phase;
      }
    }
  }
}

TEST(TruePeakMeter, takes_the_greatest_of_each_bucket_and_channel) {
  MeasuredTap tap({16000, 2});
  const std::vector<float> loud = tone(0.5, 1000, 1, 16000, 0);
  const std::vector<float> quiet = tone(0.05, 1000, 1, 16000, 0);
  tap.feed(stereo(quiet, loud));
  EXPECT_NEAR(average(tap.bucket(), kTruePeak), -6.02, 0.05);
  tap.feed(stereo(quiet, quiet));
  EXPECT_NEAR(average(tap.bucket(), kTruePeak), -26.02, 0.05);
  EXPECT_TRUE(absent(tap.bucket(), kTruePeak));
}

TEST(TruePeakMeter, interpolates_nothing_across_a_hole) {
  for (bool hole : {false, true}) {
    MeasuredTap tap({8000, 1});
    tap.feed(std::vector<float>(800, -0.5f));
    if (hole) tap.hole();
    tap.feed(std::vector<float>(800, 0.5f));
    const double peak = average(tap.bucket(), kTruePeak);
    if (hole) {
      EXPECT_NEAR(peak, -6.02, 0.01);
    } else {
      EXPECT_GT(peak, -5.5);  // the step rings
    }
  }
}

TEST(TruePeakMeter, stands_the_worst_signals) {
  for (int rate : kRates) {
    EXPECT_EQ(true_peak(std::vector<float>(4800), rate), -100);
    EXPECT_NEAR(true_peak(std::vector<float>(4800, 0.5f), rate), -6.02, 0.01);
    EXPECT_NEAR(true_peak({0.5f}, rate), -6.02, 0.01);
    std::vector<float> broken = sine(0.5, 440, 0.5, rate);
    broken[10] = std::numeric_limits<float>::quiet_NaN();
    broken[20] = std::numeric_limits<float>::infinity();
    EXPECT_TRUE(std::isfinite(true_peak(broken, rate)));
    const double peak = true_peak(square(1, 500, 0.5, rate), rate);
    EXPECT_GT(peak, 0);
    EXPECT_LT(peak, 3);
  }
}

TEST(TruePeakMeter, is_never_under_the_sample_peak_and_finds_what_a_full_search_finds) {
  for (int rate : kRates) {
    const std::vector<float> samples = noise(0.1, 2, rate);
    const auto bucket = measured(samples, {rate, 1});
    EXPECT_GE(average(bucket, kTruePeak), of(bucket, "peak_dbfs").max);
    // Each frame a bucket of its own: the search begins at nothing and so computes nearly all.
    double greatest = -100;
    MeasuredTap tap({rate, 1}, {kTruePeak});
    const auto frame = static_cast<ptrdiff_t>(rate / 50);
    for (auto at = samples.begin(); at != samples.end(); at += frame) {
      tap.feed(std::vector<float>(at, at + frame));
      greatest = std::max(greatest, average(tap.bucket(), kTruePeak));
    }
    EXPECT_EQ(average(bucket, kTruePeak), greatest) << rate;
  }
}

TEST(TruePeakMeter, gives_the_same_figure_whatever_the_sizes_of_the_buffers) {
  const std::vector<float> samples = noise(0.1, 1, 16000);
  const double reference = true_peak(samples, 16000, 2);
  for (size_t step : {1u, 7u, 321u, 48000u}) {
    EXPECT_EQ(average(measured(samples, {16000, 2}, step), kTruePeak), reference);
  }
}

TEST(TruePeakMeter, agrees_with_ffmpeg) {
  const struct {
    const char* what;
    std::vector<float> samples;
    int rate;
  } cases[] = {
      {"English prompt", as_floats(sox_samples(kEnglishPrompt)), 8000},
      {"Spanish prompt", as_floats(sox_samples(kSpanishPrompt)), 8000},
      {"Spanish prompt", as_floats(sox_samples(kSpanishPrompt, "rate 16000")), 16000},
      {"tone near half the rate", tone(0.5, 3390, 1, 8000, 0.3), 8000},
      {"square", square(0.5, 437, 1, 8000), 8000},
      {"square", square(0.5, 437, 1, 16000), 16000},
      {"square", square(0.5, 437, 1, 48000), 48000},
      {"noise", noise(0.1, 3, 8000), 8000},
      {"noise", noise(0.1, 3, 16000), 16000},
      {"noise", noise(0.1, 3, 48000), 48000},
      {"prompt", as_floats(sox_samples(kEnglishPrompt, "rate 48000")), 48000},
  };
  for (const auto& [what, samples, rate] : cases) {
    const auto reference = ffmpeg_reference(samples, rate);
    if (reference.empty()) GTEST_SKIP() << "no ffmpeg";
    const double expected = 20 * std::log10(reference.back().true_peak);
    EXPECT_NEAR(true_peak(samples, rate), expected, 0.2) << what << " at " << rate;
    RecordProperty(std::string(what) + std::to_string(rate),
                   std::to_string(true_peak(samples, rate) - expected));
  }
}

}  // namespace
}  // namespace dragoman
