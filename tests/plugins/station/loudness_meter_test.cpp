// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/station/loudness_meter.h"

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

constexpr const char* kMomentary = "loudness_momentary_lufs";
constexpr const char* kShortTerm = "loudness_short_term_lufs";
constexpr const char* kIntegrated = "loudness_integrated_lufs";
constexpr int kRates[] = {8000, 16000, 32000, 48000};
constexpr double kTolerance = 0.1;  // LU

std::vector<float> silence(double seconds, int rate) {
  return std::vector<float>(static_cast<size_t>(seconds * rate));
}

std::vector<float> after(std::vector<float> first, const std::vector<float>& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

TEST(LoudnessMeter, measures_the_calibration_tone_of_bs_1770) {
  // 997 Hz at 0 dBFS peak in one channel reads -3.01 LUFS.
  const auto bucket = measured(sine(1, 997, 5, 48000), {48000, 1});
  EXPECT_NEAR(average(bucket, kMomentary), -3.01, 0.01);
  EXPECT_NEAR(average(bucket, kShortTerm), -3.01, 0.01);
  EXPECT_NEAR(average(bucket, kIntegrated), -3.01, 0.06);
  const std::vector<float> tone = sine(1, 997, 5, 48000);
  EXPECT_NEAR(average(measured(stereo(tone, tone), {48000, 2}), kMomentary), 0, 0.01);
}

TEST(LoudnessMeter, reads_every_100_ms_once_its_window_was_heard) {
  for (int rate : kRates) {
    const auto bucket = measured(sine(0.1, 1000, 5, rate), {rate, 1});
    EXPECT_EQ(of(bucket, kMomentary).count, 47u);
    EXPECT_EQ(of(bucket, kShortTerm).count, 3u);
    EXPECT_EQ(of(bucket, kIntegrated).count, 1u);
    const auto little = measured(sine(0.1, 1000, 0.38, rate), {rate, 1});
    EXPECT_TRUE(absent(little, kMomentary));
    EXPECT_TRUE(absent(little, kShortTerm));
    EXPECT_TRUE(absent(little, kIntegrated));
  }
}

TEST(LoudnessMeter, goes_on_across_buckets_and_begins_anew_behind_a_hole) {
  MeasuredTap tap({16000, 1});
  const std::vector<float> loud = sine(0.5, 1000, 4.95, 16000);
  const std::vector<float> quiet = sine(0.05, 1000, 5, 16000);
  tap.feed(loud);
  const double level = average(tap.bucket(), kIntegrated);
  tap.feed(quiet);
  const auto second = tap.bucket();
  EXPECT_EQ(of(second, kMomentary).count, 50u);
  EXPECT_GT(of(second, kMomentary).max, level - 1);
  EXPECT_LT(average(second, kIntegrated), level - 0.1);
  tap.hole();
  tap.feed(loud);
  const auto third = tap.bucket();
  EXPECT_GE(of(third, kMomentary).count, 46u);
  EXPECT_LE(of(third, kShortTerm).count, 3u);
  EXPECT_NEAR(of(third, kMomentary).min, level, 0.1);  // nothing quiet in its windows
  EXPECT_FALSE(absent(third, kIntegrated));
  EXPECT_TRUE(absent(tap.bucket(), kIntegrated));  // nothing was heard
}

TEST(LoudnessMeter, says_nothing_of_silence_and_of_what_is_gated) {
  for (int rate : kRates) {
    const auto bucket = measured(silence(5, rate), {rate, 1});
    EXPECT_TRUE(absent(bucket, kMomentary));
    EXPECT_TRUE(absent(bucket, kShortTerm));
    EXPECT_TRUE(absent(bucket, kIntegrated));
    const auto gated = measured(sine(0.0001, 1000, 5, rate), {rate, 1});  // -83 LUFS
    EXPECT_TRUE(absent(gated, kIntegrated));
    EXPECT_NEAR(average(gated, kMomentary), -83, 0.5);
    const auto ended = measured(after(sine(0.5, 1000, 1, rate), silence(4, rate)), {rate, 1});
    EXPECT_EQ(not_a_number(ended), "");
    EXPECT_GE(of(ended, kMomentary).min, -100);
  }
}

TEST(LoudnessMeter, stands_the_worst_signals) {
  for (int rate : kRates) {
    std::vector<float> broken = sine(0.5, 440, 1, rate);
    broken[10] = std::numeric_limits<float>::quiet_NaN();
    broken[20] = std::numeric_limits<float>::infinity();
    for (const auto& samples : {broken,
                                square(1, 440, 4, rate),
                                std::vector<float>(static_cast<size_t>(4 * rate), 1.0f),
                                std::vector<float>(static_cast<size_t>(rate), -1e6f),
                                {0.5f}}) {
      EXPECT_EQ(not_a_number(measured(samples, {rate, 1})), "");
      EXPECT_EQ(not_a_number(measured(stereo(samples, samples), {rate, 2})), "");
    }
  }
}

TEST(LoudnessMeter, measures_what_is_wanted_only) {
  const std::vector<float> tone = sine(0.5, 1000, 4, 8000);
  const auto momentary = measured(tone, {8000, 1}, 160, {kMomentary});
  EXPECT_FALSE(absent(momentary, kMomentary));
  EXPECT_TRUE(absent(momentary, kShortTerm));
  EXPECT_TRUE(absent(momentary, kIntegrated));
  const auto integrated = measured(tone, {8000, 1}, 160, {kIntegrated});
  EXPECT_TRUE(absent(integrated, kMomentary));
  EXPECT_NEAR(average(integrated, kIntegrated), average(momentary, kMomentary), kTolerance);
}

TEST(LoudnessMeter, agrees_with_ffmpeg) {
  // Loud, quiet and silent stretches: both gates have something to do.
  std::vector<float> stretches = after(noise(0.2, 4, 48000), noise(0.004, 3, 48000));
  stretches = after(after(stretches, silence(2, 48000)), sine(0.3, 150, 3, 48000));
  const struct {
    std::vector<float> samples;
    int rate;
    size_t channels;
  } cases[] = {{as_floats(sox_samples(kEnglishPrompt)), 8000, 1},
               {as_floats(sox_samples(kSpanishPrompt, "rate 16000")), 16000, 1},
               {stretches, 48000, 1},
               {stereo(noise(0.1, 5, 32000, 1), sine(0.2, 3000, 5, 32000)), 32000, 2}};
  for (const auto& [samples, rate, channels] : cases) {
    const auto reference = ffmpeg_reference(samples, rate, channels);
    if (reference.empty()) GTEST_SKIP() << "no ffmpeg";
    MeasuredTap tap({rate, channels});
    const size_t step = static_cast<size_t>(rate / 10) * channels;
    size_t compared = 0;
    double integrated = 0;
    for (size_t i = 0; i < reference.size() && (i + 1) * step <= samples.size(); ++i) {
      tap.feed(std::vector<float>(samples.begin() + static_cast<ptrdiff_t>(i * step),
                                  samples.begin() + static_cast<ptrdiff_t>((i + 1) * step)));
      const auto bucket = tap.bucket();
      const std::string where = std::to_string(rate) + " Hz, step " + std::to_string(i);
      if (!absent(bucket, kMomentary)) {
        EXPECT_NEAR(average(bucket, kMomentary), reference[i].momentary, kTolerance) << where;
        ++compared;
      }
      if (!absent(bucket, kShortTerm)) {
        EXPECT_NEAR(average(bucket, kShortTerm), reference[i].short_term, kTolerance) << where;
      }
      if (!absent(bucket, kIntegrated)) {
        integrated = average(bucket, kIntegrated);
        EXPECT_NEAR(integrated, reference[i].integrated, kTolerance) << where;
      }
    }
    EXPECT_GT(compared, 30u);
    EXPECT_LT(integrated, 0);
  }
}

}  // namespace
}  // namespace dragoman
