// SPDX-License-Identifier: LGPL-2.1-or-later
// What a picture is made of: outline, spectrogram, colours, ticks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "launcher/measure/colour_map.h"
#include "launcher/measure/plot_axes.h"
#include "launcher/measure/spectrogram.h"
#include "launcher/measure/wave_outline.h"
#include "tests/plugins/common/gst_environment.h"

namespace dragoman::testing {
namespace {

using ::testing::ElementsAre;

std::vector<float> sine(int rate, double hz, double seconds, double amplitude = 1) {
  std::vector<float> samples(static_cast<size_t>(rate * seconds));
  for (size_t i = 0; i < samples.size(); ++i) {
    const double turns = hz * static_cast<double>(i) / rate;
    samples[i] = static_cast<float>(amplitude * std::sin(2 * std::numbers::pi * turns));
  }
  return samples;
}

std::vector<std::string> texts_of(const std::vector<Tick>& ticks) {
  std::vector<std::string> texts;
  for (const Tick& tick : ticks) texts.push_back(tick.text);
  return texts;
}

TEST(WaveOutlineTest, KeepsExtremesAndPowerOfAnyLengthInBoundedPoints) {
  WaveOutline outline;
  std::vector<float> wave = sine(8000, 100, 60, 0.5);
  wave[12345] = 0.9f;
  wave[400000] = -0.8f;
  for (size_t at = 0; at < wave.size(); at += 160) {
    outline.add(std::span(wave).subspan(at, std::min<size_t>(160, wave.size() - at)));
  }
  ASSERT_LE(outline.points().size(), WaveOutline::kMaxPoints);
  ASSERT_GE(outline.points().size(), WaveOutline::kMaxPoints / 2);
  double low = 0, high = 0, squares = 0;
  uint64_t samples = 0;
  for (const WaveOutline::Point& point : outline.points()) {
    low = std::min(low, double{point.low});
    high = std::max(high, double{point.high});
    squares += point.square_sum;
    samples += point.samples;
  }
  EXPECT_FLOAT_EQ(static_cast<float>(high), 0.9f);
  EXPECT_FLOAT_EQ(static_cast<float>(low), -0.8f);
  EXPECT_EQ(samples, wave.size());
  EXPECT_NEAR(std::sqrt(squares / static_cast<double>(samples)), 0.5 / std::sqrt(2), 1e-4);
}

TEST(WaveOutlineTest, FewSamplesAreAPointEach) {
  WaveOutline outline;
  outline.add(std::vector<float>{0.1f, -0.2f});
  ASSERT_EQ(outline.points().size(), 2u);
  EXPECT_FLOAT_EQ(outline.points()[1].low, -0.2f);
}

class SpectrogramTest : public ::testing::TestWithParam<int> {};

TEST_P(SpectrogramTest, ASineHasItsLevelAtItsFrequencyAllTheTime) {
  const int rate = GetParam();
  Spectrogram spectrogram(rate);
  spectrogram.add(sine(rate, 1000, 2));
  spectrogram.finish();
  const size_t bin = static_cast<size_t>(
      std::lround(1000.0 / (rate / 2.0) * static_cast<double>(spectrogram.bins() - 1)));
  const size_t half = spectrogram.columns() / 2;
  EXPECT_NEAR(spectrogram.level_dbfs(half, bin), -3.01, 1.5) << "a window may fall between bins";
  EXPECT_LT(spectrogram.level_dbfs(half, 3 * bin), -60);
  EXPECT_NEAR(static_cast<double>(spectrogram.columns()) * spectrogram.column_s(), 2, 0.02);
}
INSTANTIATE_TEST_SUITE_P(Rates, SpectrogramTest, ::testing::Values(8000, 16000, 44100, 48000));

TEST(SpectrogramTest, LongSoundsKeepTheirTimesAndPowersInBoundedColumns) {
  constexpr int kRate = 8000;
  Spectrogram spectrogram(kRate);
  const std::vector<float> loud = sine(kRate, 1000, 1), quiet = sine(kRate, 1000, 1, 0.01);
  for (int second = 0; second < 200; ++second) spectrogram.add(second < 100 ? loud : quiet);
  spectrogram.finish();
  ASSERT_LE(spectrogram.columns(), Spectrogram::kMaxColumns);
  EXPECT_NEAR(static_cast<double>(spectrogram.columns()) * spectrogram.column_s(), 200, 0.5);
  const size_t bin = (spectrogram.bins() - 1) / 4;
  const auto column = [&](double s) { return static_cast<size_t>(s / spectrogram.column_s()); };
  for (const double s : {1.0, 50.0, 99.0}) {
    EXPECT_NEAR(spectrogram.level_dbfs(column(s), bin), -3.01, 0.5) << s;
  }
  for (const double s : {101.0, 150.0, 199.0}) {
    EXPECT_NEAR(spectrogram.level_dbfs(column(s), bin), -43.01, 0.5) << s;
  }
}

TEST(SpectrogramTest, SilenceAndOneSampleHaveLevelsToo) {
  Spectrogram silent(8000);
  silent.add(std::vector<float>(8000));
  silent.finish();
  EXPECT_EQ(silent.peak_dbfs(), Spectrogram::kFloorDbfs);
  Spectrogram one(8000);
  one.add(std::vector<float>{1.0f});
  one.finish();
  EXPECT_TRUE(std::isfinite(one.peak_dbfs()));
}

TEST(ColourMapTest, EqualStepsAreEquallyLighter) {
  for (int i = 0; i < 100; ++i) {
    const double step =
        lightness_of(map_colour((i + 1) / 100.0)) - lightness_of(map_colour(i / 100.0));
    EXPECT_NEAR(step, 0.0082, 0.0002) << i;
  }
}

TEST(TicksTest, AreRoundAndFewEnough) {
  EXPECT_THAT(texts_of(round_ticks({0, 4}, 4)), ElementsAre("0", "1", "2", "3", "4"));
  EXPECT_THAT(texts_of(round_ticks({-90, 0}, 5)),
              ElementsAre("\u221280", "\u221260", "\u221240", "\u221220", "0"));
  EXPECT_THAT(texts_of(round_ticks({-0.2, 0.2}, 4)),
              ElementsAre("\u22120.2", "\u22120.1", "0.0", "0.1", "0.2"));
  EXPECT_THAT(texts_of(round_ticks({0, 0.001}, 2)), ElementsAre("0.0000", "0.0005", "0.0010"));
}

TEST(TicksTest, TimesAreInTheUnitThatTheirLengthAsksFor) {
  EXPECT_THAT(texts_of(time_ticks({0, 9}, 5)), ElementsAre("0", "2", "4", "6", "8"));
  EXPECT_THAT(texts_of(time_ticks({0, 300}, 5)),
              ElementsAre("0:00", "1:00", "2:00", "3:00", "4:00", "5:00"));
  EXPECT_THAT(texts_of(time_ticks({0, 4 * 3600}, 4)),
              ElementsAre("0:00", "1:00", "2:00", "3:00", "4:00"));
  EXPECT_STREQ(time_unit({0, 9}), "time (s)");
  EXPECT_STREQ(time_unit({0, 300}), "time (min:s)");
  EXPECT_STREQ(time_unit({0, 14400}), "time (h:min)");
}

}  // namespace
}  // namespace dragoman::testing
