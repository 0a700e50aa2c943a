// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/station/level_meter.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "tests/plugins/station/measure.h"
#include "tests/plugins/station/sox.h"

namespace dragoman {
namespace {

using namespace dragoman::testing;

constexpr int kRate = 8000;
constexpr size_t kFrame = 160;  // 20 ms
constexpr double kExact = 1e-9;

LevelReading reading_of(const std::vector<float>& samples) { return level_sums(samples).reading(); }
LevelReading reading_of(const std::vector<int16_t>& samples) {
  return reading_of(as_floats(samples));
}

std::vector<int16_t> noise_with_clipping(size_t samples) {
  std::mt19937 random(7);
  std::uniform_int_distribution<int> value(-60000, 60000);
  std::vector<int16_t> out(samples);
  for (auto& sample : out) sample = static_cast<int16_t>(std::clamp(value(random), -32768, 32767));
  return out;
}

/// Samples counted as clipping in each frame.
std::vector<uint64_t> clipped_frames(const std::vector<int16_t>& samples, size_t channels = 1) {
  ClippingRuns runs;
  std::vector<uint64_t> counts;
  const auto note = [&counts](const std::optional<ClippingRuns::Count>& count) {
    if (count) counts.push_back(count->clipped);
  };
  const std::vector<float> floats = as_floats(samples);
  for (std::span<const float> rest(floats); !rest.empty();) {
    const auto frame = rest.first(std::min(rest.size(), kFrame * channels));
    note(runs.frame(frame, channels, level_sums(frame).peak));
    rest = rest.subspan(frame.size());
  }
  note(runs.flush());
  return counts;
}

TEST(LevelSums, measure_a_sine_by_its_closed_form) {
  const LevelReading reading = reading_of(sine(0.5, 1000, 0.02, kRate));
  EXPECT_NEAR(reading.rms_dbfs, 20 * std::log10(0.5 / std::sqrt(2.0)), 1e-5);
  EXPECT_NEAR(reading.peak_dbfs, 20 * std::log10(0.5), 1e-5);
  EXPECT_NEAR(reading.crest_db.value(), 10 * std::log10(2), 1e-5);
  EXPECT_NEAR(reading.dc_offset, 0, 1e-7);
  EXPECT_FALSE(reading.silent);
}

TEST(LevelSums, measure_any_number_of_samples) {
  std::vector<int16_t> samples;
  double sum = 0, squares = 0, peak = 0;
  for (int i = 0; i < 40; ++i) {
    samples.push_back(static_cast<int16_t>(i * 811 % 2000 - 1200));
    const double x = samples.back() / 32768.0;
    sum += x;
    squares += x * x;
    peak = std::max(peak, std::abs(x));
    const LevelSums sums = level_sums(as_floats(samples));
    EXPECT_NEAR(sums.sum, sum, 1e-7);
    EXPECT_NEAR(sums.square_sum, squares, 1e-7);
    EXPECT_EQ(sums.peak, peak);
    EXPECT_EQ(sums.samples, samples.size());
  }
}

TEST(LevelSums, put_a_full_scale_square_wave_at_0_dbfs) {
  const LevelReading reading = reading_of(square(1, 1000, 0.02, kRate));
  EXPECT_NEAR(reading.rms_dbfs, 0, kExact);
  EXPECT_NEAR(reading.peak_dbfs, 0, kExact);
  EXPECT_NEAR(reading.crest_db.value(), 0, kExact);
}

TEST(LevelSums, measure_a_constant_as_its_offset) {
  const LevelReading reading = reading_of(std::vector<int16_t>(kFrame, -8192));
  EXPECT_NEAR(reading.dc_offset, -0.25, kExact);
  EXPECT_NEAR(reading.rms_dbfs, 20 * std::log10(0.25), kExact);
  EXPECT_NEAR(reading.crest_db.value(), 0, kExact);
}

TEST(LevelSums, report_silence_as_minus_100_without_a_crest_factor) {
  const LevelReading reading = reading_of(std::vector<int16_t>(kFrame, 0));
  EXPECT_EQ(reading.rms_dbfs, -100);
  EXPECT_EQ(reading.peak_dbfs, -100);
  EXPECT_FALSE(reading.crest_db);
  EXPECT_EQ(reading.dc_offset, 0);
  EXPECT_TRUE(reading.silent);
}

TEST(LevelSums, call_a_frame_silent_below_minus_60_dbfs_only) {
  // 32.768 is -60 dBFS.
  EXPECT_TRUE(reading_of(std::vector<int16_t>(kFrame, 32)).silent);
  EXPECT_FALSE(reading_of(std::vector<int16_t>(kFrame, 33)).silent);
}

TEST(LevelSums, agree_with_sox_on_recorded_speech) {
  for (const std::string& prompt : {testing::kEnglishPrompt, testing::kSpanishPrompt}) {
    const auto stats = testing::sox_stats(prompt);
    if (!stats) GTEST_SKIP() << "no sox, or no " << prompt;
    const auto bucket = measured(testing::sox_samples(prompt));
    EXPECT_NEAR(average(bucket, "audio_level_dbfs"), stats->at("RMS lev dB"), 0.01);
    EXPECT_NEAR(of(bucket, "peak_dbfs").max, stats->at("Pk lev dB"), 0.01);
    EXPECT_NEAR(average(bucket, "dc_offset"), stats->at("DC offset"), 1e-6);
    EXPECT_NEAR(average(bucket, "crest_factor_db"), 20 * std::log10(stats->at("Crest factor")),
                0.02);
  }
}

TEST(ClippingRuns, count_runs_of_three_at_full_scale_and_not_of_two) {
  std::vector<int16_t> samples(kFrame, 0);
  samples[10] = samples[11] = 32767;                    // two: a peak
  samples[20] = samples[21] = samples[22] = -32768;     // three
  for (size_t i = 50; i < 57; ++i) samples[i] = 32767;  // seven
  samples[80] = samples[81] = samples[82] = 32766;      // not quite
  EXPECT_EQ(clipped_frames(samples), std::vector<uint64_t>{10});
}

TEST(ClippingRuns, count_a_run_across_frames_in_each_frame_its_own_samples) {
  for (size_t before : {1u, 2u, 3u}) {
    std::vector<int16_t> samples(3 * kFrame, 0);
    for (size_t i = kFrame - before; i < kFrame - before + 4; ++i) samples[i] = 32767;
    EXPECT_EQ(clipped_frames(samples), (std::vector<uint64_t>{before, 4 - before, 0}));
  }
  std::vector<int16_t> two(2 * kFrame, 0);
  two[kFrame - 1] = two[kFrame] = 32767;
  EXPECT_EQ(clipped_frames(two), (std::vector<uint64_t>{0, 0}));
  EXPECT_EQ(clipped_frames(std::vector<int16_t>(3 * kFrame, -32768)),
            (std::vector<uint64_t>{kFrame, kFrame, kFrame}));
}

TEST(ClippingRuns, follow_each_channel_by_itself) {
  std::vector<int16_t> stereo(4 * kFrame, 0);
  for (size_t i = 0; i < 3; ++i) stereo[2 * i] = 32767;  // left: three; right: none
  EXPECT_EQ(clipped_frames(stereo, 2), (std::vector<uint64_t>{3, 0}));
  std::vector<int16_t> alternating(2 * kFrame, 0);
  alternating[0] = alternating[1] = alternating[2] = 32767;  // left two, right one
  EXPECT_EQ(clipped_frames(alternating, 2), std::vector<uint64_t>{0});
  std::vector<int16_t> across(4 * kFrame, 0);
  for (size_t i = kFrame - 1; i < kFrame + 2; ++i) across[2 * i + 1] = 32767;  // right only
  across[2 * kFrame] = 32767;
  EXPECT_EQ(clipped_frames(across, 2), (std::vector<uint64_t>{1, 2}));
}

TEST(LevelMeter, carries_a_run_across_buckets_and_not_across_a_hole) {
  const std::vector<int16_t> two(2, 32767);
  MeasuredTap buckets({kRate, 1});
  buckets.feed(two);
  EXPECT_EQ(average(buckets.bucket(), "clipping_ratio"), 0);
  buckets.feed(two);
  EXPECT_EQ(average(buckets.bucket(), "clipping_ratio"), 1);
  MeasuredTap hole({kRate, 1});
  hole.feed(two);
  hole.hole();
  hole.feed(two);
  const auto bucket = hole.bucket();
  EXPECT_EQ(average(bucket, "clipping_ratio"), 0);
  EXPECT_EQ(of(bucket, "clipping_ratio").count, 2u);
}

TEST(LevelMeter, measures_a_single_sample) {
  const auto bucket = measured(std::vector<int16_t>{16384});
  EXPECT_NEAR(average(bucket, "audio_level_dbfs"), 20 * std::log10(0.5), kExact);
  EXPECT_NEAR(average(bucket, "dc_offset"), 0.5, kExact);
  EXPECT_EQ(average(bucket, "clipping_ratio"), 0);
  EXPECT_TRUE(absent(bucket, "dynamic_range_db"));
}

TEST(LevelMeter, reports_nothing_of_nothing) {
  for (const Aggregate& aggregate : measured(std::vector<float>{})) EXPECT_EQ(aggregate.count, 0u);
}

TEST(LevelMeter, gives_the_same_figures_whatever_the_sizes_of_the_buffers) {
  const std::vector<int16_t> samples = noise_with_clipping(48000);
  for (size_t channels : {1u, 2u}) {
    const auto reference = measured(samples, {kRate, channels});
    ASSERT_EQ(of(reference, "audio_level_dbfs").count, 48000 / kFrame / channels);
    EXPECT_GT(average(reference, "clipping_ratio"), 0);
    for (size_t step : {1u, 7u, 159u, 160u, 161u, 4096u, 48000u}) {
      const auto bucket = measured(samples, {kRate, channels}, step);
      for (const char* key : {"audio_level_dbfs", "peak_dbfs", "dc_offset", "clipping_ratio",
                              "dynamic_range_db", "zero_crossing_rate"}) {
        EXPECT_EQ(average(bucket, key), average(reference, key)) << key << " " << step;
        EXPECT_EQ(of(bucket, key).max, of(reference, key).max) << key << " " << step;
      }
    }
  }
}

TEST(LevelMeter, cuts_50_frames_a_second_at_rates_where_20_ms_are_no_whole_samples) {
  const auto bucket = measured(std::vector<int16_t>(11025, 1), {11025, 1}, 13);
  EXPECT_EQ(of(bucket, "audio_level_dbfs").count, 50u);
}

TEST(LevelMeter, takes_what_is_not_a_number_as_nothing) {
  std::vector<float> samples(kFrame, 0.5f);
  samples[3] = std::numeric_limits<float>::quiet_NaN();
  samples[4] = -std::numeric_limits<float>::infinity();
  samples[5] = std::numeric_limits<float>::max();
  const auto bucket = measured(samples);
  EXPECT_NEAR(of(bucket, "peak_dbfs").max, 20 * std::log10(0.5), kExact);
  EXPECT_NEAR(average(bucket, "dc_offset"), 0.5 * (kFrame - 3) / kFrame, kExact);
}

TEST(LevelHistogram, gives_percentiles_as_numpy_does) {
  LevelHistogram levels;
  for (double db : {-40.0, -10.0, -30.0, -20.0}) levels.add(db);
  EXPECT_NEAR(levels.percentile(0), -40, kExact);
  EXPECT_NEAR(levels.percentile(50), -25, kExact);
  EXPECT_NEAR(levels.percentile(95), -11.5, kExact);
  EXPECT_NEAR(levels.percentile(100), -10, kExact);
  levels.clear();
  EXPECT_EQ(levels.count(), 0u);
  levels.add(-250);
  levels.add(77);
  EXPECT_NEAR(levels.percentile(0), -100, kExact);
  EXPECT_NEAR(levels.percentile(100), 20, kExact);
}

TEST(DynamicRange, is_that_of_the_frames_of_each_bucket) {
  MeasuredTap tap({kRate, 1});
  std::vector<float> loud = sine(0.5, 1000, 1, kRate);
  const std::vector<float> quiet = sine(0.005, 1000, 1, kRate);
  loud.insert(loud.end(), quiet.begin(), quiet.end());
  tap.feed(loud);
  const auto both = tap.bucket();
  EXPECT_NEAR(average(both, "dynamic_range_db"), 40, 0.05);
  EXPECT_EQ(of(both, "dynamic_range_db").count, 1u);
  tap.feed(quiet);
  EXPECT_NEAR(average(tap.bucket(), "dynamic_range_db"), 0, 0.05);
  EXPECT_EQ(average(measured(std::vector<float>(kRate)), "dynamic_range_db"), 0);
}

TEST(ZeroCrossing, counts_every_change_of_sign) {
  EXPECT_NEAR(average(measured(sine(0.5, 400, 2, kRate, 0.1)), "zero_crossing_rate"), 800, 0.51);
  const std::vector<int16_t> few{0, 0, 5, 0, -5, 0, -1, 0, 0, 1};  // two
  EXPECT_EQ(average(measured(few), "zero_crossing_rate"), 2.0 * kRate / few.size());
  EXPECT_EQ(average(measured(std::vector<int16_t>(kRate, 0)), "zero_crossing_rate"), 0);
  EXPECT_EQ(average(measured(std::vector<int16_t>(kRate, -7)), "zero_crossing_rate"), 0);
  std::vector<int16_t> alternating(kRate);
  for (size_t i = 0; i < alternating.size(); ++i) alternating[i] = i % 2 ? 1 : -1;
  EXPECT_EQ(average(measured(alternating), "zero_crossing_rate"), kRate - 1);
}

TEST(ZeroCrossing, counts_a_change_between_frames_in_the_later_and_none_across_a_hole) {
  std::vector<int16_t> samples(2 * kFrame, 1);
  std::fill(samples.begin() + kFrame, samples.end(), -1);
  const Aggregate frames = of(measured(samples), "zero_crossing_rate");
  EXPECT_EQ(frames.min, 0);
  EXPECT_EQ(frames.last, 50);
  for (bool hole : {false, true}) {
    MeasuredTap tap({kRate, 1});
    tap.feed(std::vector<int16_t>(kFrame, 1));
    tap.bucket();
    if (hole) tap.hole();
    tap.feed(std::vector<int16_t>(kFrame, -1));
    EXPECT_EQ(average(tap.bucket(), "zero_crossing_rate"), hole ? 0 : 50);
  }
}

}  // namespace
}  // namespace dragoman
