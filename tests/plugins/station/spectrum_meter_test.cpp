// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/station/spectrum_meter.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "tests/plugins/station/measure.h"
#include "tests/plugins/station/reference.h"
#include "tests/plugins/station/sox.h"

namespace dragoman {
namespace {

using namespace dragoman::testing;

constexpr const char* kShape[] = {"spectral_centroid_hz",  "spectral_rolloff_hz",
                                  "spectral_bandwidth_hz", "spectral_flatness",
                                  "spectral_flux",         "spectral_tilt_db_per_octave"};
constexpr const char* kBands[] = {"band_low_dbfs", "band_voice_dbfs", "band_high_dbfs"};
constexpr int kRates[] = {8000, 16000, 32000, 48000};

double sum_of_bands(const std::vector<Aggregate>& bucket) {
  double power = 0;
  for (const char* key : kBands) power += std::pow(10, average(bucket, key) / 10);
  return 10 * std::log10(power);
}

/// Noise whose power falls by `db` an octave, from 60 Hz up: a sum of sines of random phase.
std::vector<float> sloped_noise(double db, double seconds, int rate) {
  std::mt19937 random(3);
  std::uniform_real_distribution<double> phase(0, 2 * std::numbers::pi);
  const auto samples = static_cast<size_t>(seconds * rate);
  std::vector<double> sum(samples);
  for (double hz = 60; hz < rate / 2.0; hz += 7.3) {
    const double amplitude = 0.02 * std::pow(10, db / 20 * std::log2(hz / 1000));
    const double start = phase(random);
    const double step = 2 * std::numbers::pi * hz / rate;
    for (size_t i = 0; i < samples; ++i) {
      sum[i] += amplitude * std::sin(step * static_cast<double>(i) + start);
    }
  }
  return {sum.begin(), sum.end()};
}

TEST(FrameSpectrum, has_a_window_of_32_ms_at_every_rate) {
  EXPECT_EQ(FrameSpectrum::window_length(8000), 256u);
  EXPECT_EQ(FrameSpectrum::window_length(16000), 512u);
  EXPECT_EQ(FrameSpectrum::window_length(32000), 1024u);
  EXPECT_EQ(FrameSpectrum::window_length(48000), 1536u);
  EXPECT_EQ(FrameSpectrum::window_length(44100), 1440u);
}

TEST(FrameSpectrum, gives_a_spectrum_once_a_window_has_been_heard_of_whole_frames_only) {
  FrameSpectrum spectrum;
  spectrum.set_rate(8000);
  EXPECT_EQ(spectrum.current(), nullptr);
  const std::vector<float> tone = sine(0.5, 1000, 0.02, 8000);
  spectrum.push(tone);
  EXPECT_EQ(spectrum.current(), nullptr);
  spectrum.push(tone);
  ASSERT_NE(spectrum.current(), nullptr);
  EXPECT_EQ(spectrum.current()->power.size(), 129u);
  EXPECT_EQ(spectrum.current()->bin_hz, 31.25);
  spectrum.push(std::span(tone).first(80));
  EXPECT_EQ(spectrum.current(), nullptr);
  spectrum.push(tone);
  EXPECT_NE(spectrum.current(), nullptr);
  spectrum.reset();
  EXPECT_EQ(spectrum.current(), nullptr);
  spectrum.push(tone);
  EXPECT_EQ(spectrum.current(), nullptr);
}

TEST(FrameSpectrum, adds_up_to_the_mean_square_under_the_window) {
  FrameSpectrum spectrum;
  spectrum.set_rate(16000);
  std::vector<float> all = noise(0.1, 0.04, 16000);
  for (float& sample : all) sample += 0.2f;
  spectrum.push(std::span(all).first(320));
  spectrum.push(std::span(all).last(320));
  double expected = 0, weight = 0, sum = 0;
  for (size_t i = 0; i < 512; ++i) {
    const double w = 0.5 - 0.5 * std::cos(2 * std::numbers::pi * static_cast<double>(i) / 512);
    expected += std::pow(w * all[128 + i], 2);
    weight += w * w;
  }
  for (float power : spectrum.current()->power) sum += power;
  EXPECT_NEAR(sum, expected / weight, 1e-6);
}

TEST(SpectrumMeter, measures_a_sine_where_and_as_loud_as_it_is) {
  const double amplitude = std::sqrt(2.0) * 0.1;  // -20 dBFS RMS
  for (int rate : kRates) {
    const auto at = [&](double hz) { return measured(sine(amplitude, hz, 2, rate), {rate, 1}); };
    EXPECT_NEAR(average(at(150), "band_low_dbfs"), -20, 0.1) << rate;
    EXPECT_NEAR(average(at(1000), "band_voice_dbfs"), -20, 0.1) << rate;
    EXPECT_NEAR(average(at(3650), "band_high_dbfs"), -20, 0.1) << rate;
    const auto bucket = at(1234);
    EXPECT_NEAR(average(bucket, "spectral_centroid_hz"), 1234, 1) << rate;
    EXPECT_NEAR(average(bucket, "spectral_rolloff_hz"), 1234, 32) << rate;
    EXPECT_LT(average(bucket, "spectral_bandwidth_hz"), 31.25) << rate;
    EXPECT_LT(average(bucket, "spectral_flatness"), 1e-4) << rate;
    EXPECT_LT(average(bucket, "spectral_flux"), 0.1) << rate;
    EXPECT_LT(average(bucket, "band_low_dbfs"), -60) << rate;
    EXPECT_EQ(of(bucket, "spectral_centroid_hz").count, 99u) << rate;
    EXPECT_EQ(of(bucket, "spectral_flux").count, 98u) << rate;
  }
}

TEST(SpectrumMeter, measures_white_noise_by_its_expectation) {
  for (int rate : kRates) {
    const auto bucket = measured(noise(0.1, 10, rate), {rate, 1});
    EXPECT_NEAR(average(bucket, "spectral_centroid_hz"), rate / 4.0, rate / 4.0 * 0.02) << rate;
    EXPECT_NEAR(average(bucket, "spectral_rolloff_hz"), 0.85 * rate / 2, 0.02 * rate) << rate;
    EXPECT_NEAR(average(bucket, "spectral_bandwidth_hz"), rate / 2.0 / std::sqrt(12), 0.01 * rate)
        << rate;
    // exp(E ln p) of an exponential distribution: e to minus Euler's constant.
    EXPECT_NEAR(average(bucket, "spectral_flatness"), 0.5615, 0.02) << rate;
    EXPECT_NEAR(average(bucket, "spectral_tilt_db_per_octave"), 0, 0.5) << rate;
  }
}

TEST(SpectrumMeter, measures_the_slope_of_a_spectrum) {
  for (double slope : {-12.0, -6.0, -3.0, 0.0, 6.0}) {
    for (int rate : {8000, 16000}) {
      const auto bucket = measured(sloped_noise(slope, 3, rate), {rate, 1});
      EXPECT_NEAR(average(bucket, "spectral_tilt_db_per_octave"), slope, 0.5) << rate;
    }
  }
}

TEST(SpectrumMeter, has_a_flux_from_none_of_the_same_shape_to_one_of_another) {
  BucketBoard board;
  FrameSpectrum spectrum;
  SpectrumMeter meter(board);
  spectrum.set_rate(8000);
  meter.set_format(8000, 1);
  // Frames that are longer than the window: nothing of one is in the spectrum of the next.
  const auto hear = [&](double amplitude, double hz) {
    const std::vector<float> tone = sine(amplitude, hz, 0.04, 8000);
    spectrum.push(tone);
    meter.frame({tone, tone, 1, &spectrum}, board);
    return of(board.snapshot(0)->aggregates, "spectral_flux");
  };
  EXPECT_EQ(hear(0.5, 500).count, 0u);
  EXPECT_NEAR(hear(0.25, 500).last, 0, 1e-3);
  EXPECT_NEAR(hear(0.25, 3000).last, 1, 0.01);
  meter.reset();
  EXPECT_EQ(hear(0.25, 500).count, 2u);
}

TEST(SpectrumMeter, splits_all_of_the_level_among_the_bands) {
  for (int rate : kRates) {
    for (double offset : {0.0, 0.3}) {
      std::vector<float> samples = noise(0.1, 5, rate);
      for (float& sample : samples) sample += static_cast<float>(offset);
      const auto bucket = measured(samples, {rate, 1});
      EXPECT_NEAR(sum_of_bands(bucket), average(bucket, "audio_level_dbfs"), 0.1) << rate;
    }
  }
  const auto speech = measured(sox_samples(kEnglishPrompt));
  EXPECT_NEAR(sum_of_bands(speech), average(speech, "audio_level_dbfs"), 0.5);
}

TEST(SpectrumMeter, leaves_out_the_shape_of_what_is_too_quiet_or_constant) {
  for (int rate : kRates) {
    for (const auto& samples :
         {std::vector<float>(static_cast<size_t>(rate)),
          std::vector<float>(static_cast<size_t>(rate), 0.5f), sine(0.0013, 1000, 1, rate)}) {
      const auto bucket = measured(samples, {rate, 1});
      for (const char* key : kShape) EXPECT_TRUE(absent(bucket, key)) << key;
      for (const char* key : kBands) EXPECT_EQ(of(bucket, key).count, 49u) << key;
      EXPECT_EQ(not_a_number(bucket), "");
    }
    EXPECT_EQ(average(measured(std::vector<float>(4800), {rate, 1}), "band_low_dbfs"), -100);
    EXPECT_NEAR(average(measured(std::vector<float>(4800, 0.5f), {rate, 1}), "band_low_dbfs"),
                -6.02, 0.01);
  }
}

TEST(SpectrumMeter, skips_frames_in_silence_and_the_flux_behind_them) {
  std::vector<float> samples = sine(0.3, 1000, 0.2, 8000);
  samples.resize(8000 * 4 / 10);
  const std::vector<float> again = sine(0.3, 1000, 0.2, 8000);
  samples.insert(samples.end(), again.begin(), again.end());
  const auto bucket = measured(samples);
  // 30 frames; the first has no window yet, 8 hold nothing but silence. The window of the first
  // silent frame holds 12 ms of tone.
  EXPECT_EQ(of(bucket, "band_low_dbfs").count, 29u);
  EXPECT_EQ(of(bucket, "spectral_centroid_hz").count, 20u);
  EXPECT_EQ(of(bucket, "spectral_flux").count, 18u);
}

TEST(SpectrumMeter, stands_the_worst_signals) {
  for (int rate : kRates) {
    std::vector<float> broken = sine(0.5, 440, 0.5, rate);
    broken[100] = std::numeric_limits<float>::quiet_NaN();
    broken[200] = std::numeric_limits<float>::infinity();
    broken[300] = -std::numeric_limits<float>::max();
    std::vector<float> huge(static_cast<size_t>(rate / 2), 1e6f);
    for (size_t i = 0; i < huge.size(); i += 2) huge[i] = -1e6f;
    for (const auto& samples : {broken,
                                huge,
                                square(1, 440, 0.5, rate),
                                {0.5f},
                                std::vector<float>(static_cast<size_t>(rate / 2), 1e-40f)}) {
      for (size_t channels : {1u, 2u}) {
        const auto bucket =
            measured(channels == 2 ? stereo(samples, samples) : samples, {rate, channels});
        EXPECT_EQ(not_a_number(bucket), "") << rate;
      }
    }
  }
}

TEST(SpectrumMeter, measures_the_mean_of_the_channels) {
  const std::vector<float> tone = sine(0.3, 1000, 1, 16000);
  const std::vector<float> other = sine(0.3, 2500, 1, 16000);
  std::vector<float> mixed = tone;
  for (size_t i = 0; i < mixed.size(); ++i) mixed[i] = 0.5f * (tone[i] + other[i]);
  const auto expected = measured(mixed, {16000, 1});
  const auto bucket = measured(stereo(tone, other), {16000, 2});
  for (const char* key : kShape) EXPECT_EQ(average(bucket, key), average(expected, key)) << key;
}

TEST(SpectrumMeter, gives_the_same_figures_whatever_the_sizes_of_the_buffers) {
  const std::vector<int16_t> samples = sox_samples(kEnglishPrompt, "trim 0 4");
  for (size_t channels : {1u, 2u}) {
    const auto reference = measured(samples, {8000, channels});
    for (size_t step : {1u, 7u, 161u, 48000u}) {
      const auto bucket = measured(samples, {8000, channels}, step);
      for (size_t i = 0; i < bucket.size(); ++i) {
        EXPECT_EQ(bucket[i].count, reference[i].count) << parameters()[i].key;
        EXPECT_EQ(bucket[i].sum, reference[i].sum) << parameters()[i].key;
        EXPECT_EQ(bucket[i].max, reference[i].max) << parameters()[i].key;
      }
    }
  }
}

TEST(SpectrumMeter, agrees_with_numpy) {
  std::vector<float> bursts = noise(0.02, 3, 16000);
  bursts += square(0.4, 237, 1.5, 16000);
  bursts += std::vector<float>(20000, 0.1f);
  const struct {
    std::vector<float> samples;
    int rate;
  } cases[] = {{as_floats(sox_samples(kEnglishPrompt)), 8000},
               {as_floats(sox_samples(kSpanishPrompt, "rate 48000")), 48000},
               {sine(0.1, 700, 2, 32000), 32000},
               {bursts, 16000},
               {noise(0.1, 1.011, 11025), 11025}};
  for (const auto& [samples, rate] : cases) {
    const auto reference = numpy_reference(samples, rate);
    if (reference.empty()) GTEST_SKIP() << "no numpy";
    const auto bucket = measured(samples, {rate, 1});
    const auto close = [&](const char* key, double tolerance) {
      if (!reference.count(key)) {
        EXPECT_TRUE(absent(bucket, key)) << key;
        return;
      }
      const Figures expected = reference.at(key);
      EXPECT_EQ(of(bucket, key).count, expected.count) << key << " " << rate;
      EXPECT_NEAR(average(bucket, key), expected.mean, tolerance) << key << " " << rate;
      EXPECT_NEAR(of(bucket, key).min, expected.min, tolerance) << key << " " << rate;
      EXPECT_NEAR(of(bucket, key).max, expected.max, tolerance) << key << " " << rate;
    };
    const auto within_percent = [&](const char* key) {
      close(key, std::max(0.01 * reference.at(key).mean, 1e-9));
    };
    within_percent("spectral_centroid_hz");
    within_percent("spectral_bandwidth_hz");
    within_percent("spectral_flatness");
    within_percent("spectral_flux");
    close("spectral_rolloff_hz", 31.25);
    close("spectral_tilt_db_per_octave", 0.05);
    for (const char* key : kBands) close(key, 0.05);
    EXPECT_NEAR(average(bucket, "zero_crossing_rate"), reference.at("zero_crossing_rate").mean,
                1e-6);
    close("dynamic_range_db", 0.1);
    close("hum_db", 0.1);
  }
}

}  // namespace
}  // namespace dragoman
