// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/station/level_meter.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numbers>
#include <random>
#include <string>
#include <vector>

#include "tests/plugins/station/sox.h"

namespace dragoman {
namespace {

constexpr int kRate = 8000;
constexpr size_t kFrame = 160;  // 20 ms
constexpr double kExact = 1e-9;

std::vector<float> sine(double amplitude, double hz, size_t samples) {
  std::vector<float> out(samples);
  for (size_t i = 0; i < samples; ++i) {
    out[i] = static_cast<float>(amplitude * std::sin(2 * std::numbers::pi * hz * i / kRate));
  }
  return out;
}

std::vector<int16_t> noise_with_clipping(size_t samples) {
  std::mt19937 random(7);
  std::uniform_int_distribution<int> value(-60000, 60000);
  std::vector<int16_t> out(samples);
  for (auto& sample : out) sample = static_cast<int16_t>(std::clamp(value(random), -32768, 32767));
  return out;
}

template <typename Sample>
std::vector<LevelSums> frames_of(const std::vector<Sample>& samples, size_t channels = 1,
                                 size_t step = SIZE_MAX, int rate = kRate) {
  std::vector<LevelSums> frames;
  LevelMeter meter([&](const LevelSums& frame) { frames.push_back(frame); });
  meter.set_format(rate, channels);
  std::span<const Sample> rest(samples);
  while (!rest.empty()) {
    const size_t count = std::min(rest.size(), step == SIZE_MAX ? rest.size() : step * channels);
    meter.feed(rest.first(count));
    rest = rest.subspan(count);
  }
  meter.finish();
  return frames;
}

template <typename Sample>
LevelReading whole(const std::vector<Sample>& samples, size_t channels = 1) {
  LevelSums sums;
  for (const LevelSums& frame : frames_of(samples, channels)) sums += frame;
  return sums.reading();
}

TEST(LevelMeter, measures_a_sine_by_its_closed_form) {
  const std::vector<LevelSums> frames = frames_of(sine(0.5, 1000, 10 * kFrame));
  ASSERT_EQ(frames.size(), 10u);
  for (const LevelSums& frame : frames) {
    const LevelReading reading = frame.reading();
    EXPECT_NEAR(reading.rms_dbfs, 20 * std::log10(0.5 / std::sqrt(2.0)), 1e-5);
    EXPECT_NEAR(reading.peak_dbfs, 20 * std::log10(0.5), 1e-5);
    EXPECT_NEAR(reading.crest_db.value(), 10 * std::log10(2), 1e-5);
    EXPECT_NEAR(reading.dc_offset, 0, 1e-7);
    EXPECT_EQ(reading.clipping_ratio, 0);
    EXPECT_FALSE(reading.silent);
  }
}

TEST(LevelMeter, puts_a_full_scale_square_wave_at_0_dbfs_and_all_clipped) {
  std::vector<float> square(kFrame);
  for (size_t i = 0; i < square.size(); ++i) square[i] = i / 4 % 2 ? -1.0f : 1.0f;
  const LevelReading reading = whole(square);
  EXPECT_NEAR(reading.rms_dbfs, 0, kExact);
  EXPECT_NEAR(reading.peak_dbfs, 0, kExact);
  EXPECT_NEAR(reading.crest_db.value(), 0, kExact);
  EXPECT_EQ(reading.clipping_ratio, 1);
}

TEST(LevelMeter, measures_a_constant_as_its_offset) {
  const LevelReading reading = whole(std::vector<int16_t>(kFrame, -8192));
  EXPECT_NEAR(reading.dc_offset, -0.25, kExact);
  EXPECT_NEAR(reading.rms_dbfs, 20 * std::log10(0.25), kExact);
  EXPECT_NEAR(reading.crest_db.value(), 0, kExact);
}

TEST(LevelMeter, reports_silence_as_minus_100_without_a_crest_factor) {
  const LevelReading reading = whole(std::vector<int16_t>(kFrame, 0));
  EXPECT_EQ(reading.rms_dbfs, -100);
  EXPECT_EQ(reading.peak_dbfs, -100);
  EXPECT_FALSE(reading.crest_db);
  EXPECT_EQ(reading.dc_offset, 0);
  EXPECT_TRUE(reading.silent);
}

TEST(LevelMeter, calls_a_frame_silent_below_minus_60_dbfs_only) {
  // 32.768 is -60 dBFS.
  EXPECT_TRUE(whole(std::vector<int16_t>(kFrame, 32)).silent);
  EXPECT_FALSE(whole(std::vector<int16_t>(kFrame, 33)).silent);
}

TEST(LevelMeter, measures_a_single_sample) {
  const std::vector<LevelSums> frames = frames_of(std::vector<int16_t>{16384});
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_NEAR(frames[0].reading().rms_dbfs, 20 * std::log10(0.5), kExact);
  EXPECT_NEAR(frames[0].reading().dc_offset, 0.5, kExact);
}

TEST(LevelMeter, reports_nothing_of_nothing) {
  EXPECT_TRUE(frames_of(std::vector<float>{}).empty());
}

TEST(LevelMeter, counts_runs_of_three_at_full_scale_and_not_of_two) {
  std::vector<int16_t> samples(kFrame, 0);
  samples[10] = samples[11] = 32767;                    // two: a peak
  samples[20] = samples[21] = samples[22] = -32768;     // three
  for (size_t i = 50; i < 57; ++i) samples[i] = 32767;  // seven
  samples[80] = samples[81] = samples[82] = 32766;      // not quite
  EXPECT_EQ(whole(samples).clipping_ratio, 10.0 / kFrame);
  std::vector<float> floats(samples.begin(), samples.end());
  for (float& sample : floats) sample /= 32768;
  EXPECT_EQ(whole(floats).clipping_ratio, 10.0 / kFrame);
}

TEST(LevelMeter, counts_a_run_across_frames_in_each_frame_its_own_samples) {
  for (size_t before : {1u, 2u, 3u}) {
    std::vector<int16_t> samples(3 * kFrame, 0);
    for (size_t i = kFrame - before; i < kFrame - before + 4; ++i) samples[i] = 32767;
    const std::vector<LevelSums> frames = frames_of(samples);
    ASSERT_EQ(frames.size(), 3u);
    EXPECT_EQ(frames[0].clipped, before);
    EXPECT_EQ(frames[1].clipped, 4 - before);
    EXPECT_EQ(frames[2].clipped, 0u);
  }
  std::vector<int16_t> two(2 * kFrame, 0);
  two[kFrame - 1] = two[kFrame] = 32767;
  EXPECT_EQ(frames_of(two)[0].clipped + frames_of(two)[1].clipped, 0u);
}

TEST(LevelMeter, does_not_carry_a_run_across_finish) {
  std::vector<LevelSums> frames;
  LevelMeter meter([&](const LevelSums& frame) { frames.push_back(frame); });
  meter.set_format(kRate, 1);
  const std::vector<int16_t> two(2, 32767);
  meter.feed(std::span(two));
  meter.finish();
  meter.feed(std::span(two));
  meter.finish();
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_EQ(frames[0].clipped + frames[1].clipped, 0u);
}

TEST(LevelMeter, follows_runs_of_each_channel_by_itself) {
  std::vector<int16_t> stereo(2 * kFrame, 0);
  for (size_t i = 0; i < 3; ++i) stereo[2 * i] = 32767;  // left: three; right: none
  const LevelReading reading = whole(stereo, 2);
  EXPECT_EQ(reading.clipping_ratio, 3.0 / (2 * kFrame));
  std::vector<int16_t> alternating(2 * kFrame, 0);
  alternating[0] = alternating[1] = alternating[2] = 32767;  // left two, right one
  EXPECT_EQ(whole(alternating, 2).clipping_ratio, 0);
}

TEST(LevelMeter, gives_the_same_figures_whatever_the_sizes_of_the_buffers) {
  const std::vector<int16_t> samples = noise_with_clipping(48000);
  for (size_t channels : {1u, 2u}) {
    const std::vector<LevelSums> reference = frames_of(samples, channels);
    ASSERT_EQ(reference.size(), 48000 / kFrame / channels);
    for (size_t step : {1u, 7u, 159u, 160u, 161u, 4096u, 48000u}) {
      const std::vector<LevelSums> frames = frames_of(samples, channels, step);
      ASSERT_EQ(frames.size(), reference.size());
      for (size_t i = 0; i < frames.size(); ++i) {
        EXPECT_EQ(frames[i].square_sum, reference[i].square_sum) << step << " " << i;
        EXPECT_EQ(frames[i].peak, reference[i].peak);
        EXPECT_EQ(frames[i].clipped, reference[i].clipped) << step << " " << i;
      }
    }
  }
}

TEST(LevelMeter, cuts_50_frames_a_second_at_rates_where_20_ms_are_no_whole_samples) {
  const std::vector<LevelSums> frames = frames_of(std::vector<int16_t>(11025, 1), 1, 13, 11025);
  ASSERT_EQ(frames.size(), 50u);
  for (const LevelSums& frame : frames) EXPECT_TRUE(frame.samples == 220 || frame.samples == 221);
}

TEST(LevelMeter, takes_what_is_not_a_number_as_nothing) {
  std::vector<float> samples(kFrame, 0.5f);
  samples[3] = std::numeric_limits<float>::quiet_NaN();
  samples[4] = -std::numeric_limits<float>::infinity();
  const LevelReading reading = whole(samples);
  EXPECT_NEAR(reading.peak_dbfs, 20 * std::log10(0.5), kExact);
  EXPECT_NEAR(reading.dc_offset, 0.5 * (kFrame - 2) / kFrame, kExact);
}

TEST(LevelMeter, agrees_with_sox_on_recorded_speech) {
  for (const std::string& prompt : {testing::kEnglishPrompt, testing::kSpanishPrompt}) {
    const auto stats = testing::sox_stats(prompt);
    if (!stats) GTEST_SKIP() << "no sox, or no " << prompt;
    const LevelReading reading = whole(testing::sox_samples(prompt));
    EXPECT_NEAR(reading.rms_dbfs, stats->at("RMS lev dB"), 0.01);
    EXPECT_NEAR(reading.peak_dbfs, stats->at("Pk lev dB"), 0.01);
    EXPECT_NEAR(reading.dc_offset, stats->at("DC offset"), 1e-6);
    EXPECT_NEAR(reading.crest_db.value(), 20 * std::log10(stats->at("Crest factor")), 0.02);
  }
}

}  // namespace
}  // namespace dragoman
