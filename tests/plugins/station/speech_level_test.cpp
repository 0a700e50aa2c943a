// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/station/speech_level.h"

#include <gtest/gtest.h>

#include <limits>
#include <optional>

#include "tests/plugins/station/voices.h"

namespace dragoman {
namespace {

using namespace testing;

/// P.56 method B word for word: every sample, every threshold, all in double, interpolated by
/// halving.
std::optional<double> by_the_standard(const Audio& audio, int rate) {
  constexpr int kBits = 15;
  const double g = std::exp(-1 / (rate * 0.03));
  const auto hangover = static_cast<int>(std::ceil(0.2 * rate));
  double energy = 0, p = 0, q = 0;
  std::vector<double> active(kBits, 0);
  std::vector<int> since(kBits, hangover);
  for (const float sample : audio) {
    energy += double{sample} * sample;
    p = g * p + (1 - g) * std::abs(sample);
    q = g * q + (1 - g) * p;
    for (int j = 0; j < kBits; ++j) {
      if (q >= std::ldexp(1, j - kBits)) {
        ++active[j];
        since[j] = 0;
      } else if (since[j] < hangover) {
        ++active[j];
        ++since[j];
      }
    }
  }
  const auto level = [&](int j) { return 10 * std::log10(energy / active[j]); };
  const auto threshold = [&](int j) { return 20 * std::log10(std::ldexp(1, j - kBits)); };
  for (int j = 1; j < kBits && active[j] > 0; ++j) {
    if (level(j) - threshold(j) > 15.9) continue;
    double low = 0, high = 1;
    while (high - low > 1e-9) {
      const double t = (low + high) / 2;
      const double a = level(j - 1) + t * (level(j) - level(j - 1));
      const double c = threshold(j - 1) + t * (threshold(j) - threshold(j - 1));
      (a - c > 15.9 ? low : high) = t;
    }
    return level(j - 1) + low * (level(j) - level(j - 1));
  }
  return std::nullopt;
}

std::optional<double> measured(const Audio& audio, int rate, size_t channels = 1,
                               size_t step = SIZE_MAX) {
  SpeechLevel level;
  level.set_format(rate, channels);
  std::span<const float> rest(audio);
  while (!rest.empty()) {
    const auto piece = rest.first(std::min(rest.size() / channels, step) * channels);
    level.feed(piece, power_of(piece) * static_cast<double>(piece.size() / channels));
    rest = rest.subspan(piece.size());
  }
  const auto power = level.active_power();
  return power ? std::optional(10 * std::log10(*power)) : std::nullopt;
}

Audio gated(double on_seconds, double off_seconds, int times, double dbfs, int rate) {
  Audio out;
  for (int i = 0; i < times; ++i) {
    out = joined({out, white_noise(on_seconds, dbfs, rate, static_cast<unsigned>(i) + 1),
                  silence(off_seconds, rate)});
  }
  return out;
}

TEST(SpeechLevel, is_that_of_the_standard_sample_by_sample) {
  for (const int rate : {8000, 16000, 32000, 44100, 48000}) {
    for (const Audio& audio : {gated(0.5, 0.5, 5, -20, rate), gated(1.5, 3.5, 2, -35, rate),
                               gated(0.3, 0.1, 8, -10, rate), white_noise(3, -30, rate)}) {
      EXPECT_NEAR(measured(audio, rate).value(), by_the_standard(audio, rate).value(), 0.05)
          << rate;
    }
  }
}

TEST(SpeechLevel, of_prompts_is_that_of_the_standard) {
  for (const char* file : {"en_US_f_Allison/vm-options.wav", "es_MX_f_Allison/vm-options.wav"}) {
    const Audio audio = prompt(file);
    if (audio.empty()) GTEST_SKIP() << "no prompts or no sox";
    EXPECT_NEAR(measured(audio, 8000).value(), by_the_standard(audio, 8000).value(), 0.05) << file;
  }
}

TEST(SpeechLevel, of_gated_noise_is_the_level_of_its_on_parts) {
  for (const double dbfs : {-10.0, -26.0, -45.0}) {
    for (const int rate : {8000, 16000, 48000}) {
      EXPECT_NEAR(measured(gated(5, 5, 2, dbfs, rate), rate).value(), dbfs, 0.5) << rate;  // 50 %
      EXPECT_NEAR(measured(gated(3, 7, 2, dbfs, rate), rate).value(), dbfs, 0.5) << rate;  // 30 %
    }
  }
}

TEST(SpeechLevel, of_silence_and_of_nothing_is_none) {
  EXPECT_FALSE(measured(silence(5), 8000));
  EXPECT_FALSE(measured({}, 8000));
  EXPECT_FALSE(measured({0.5f}, 8000));
}

TEST(SpeechLevel, of_two_channels_is_that_of_one_and_pieces_change_nothing) {
  const Audio audio = gated(0.7, 0.6, 4, -23, 16000);
  const double mono = measured(audio, 16000).value();
  EXPECT_NEAR(measured(in_stereo(audio), 16000, 2).value(), mono, 1e-3);
  for (const size_t step : {1, 13, 320, 48000}) {
    EXPECT_NEAR(measured(audio, 16000, 1, step).value(), mono, 1e-6) << step;
  }
}

TEST(SpeechLevel, begins_anew_with_the_bucket_while_the_envelope_goes_on) {
  SpeechLevel level;
  level.set_format(8000, 1);
  const auto feed = [&](const Audio& audio) {
    level.feed(audio, power_of(audio) * static_cast<double>(audio.size()));
    return level.active_power().value();
  };
  feed(white_noise(5, -10));
  level.start_over();
  // With an envelope from zero, the first 60 ms would not be active.
  EXPECT_NEAR(10 * std::log10(feed(white_noise(0.5, -30))), -30, 0.1);
}

constexpr auto kLevels = {"active_speech_level_dbfs", "snr_db", "noise_floor_dbfs"};

TEST(VoiceMeter, has_the_speech_level_of_each_bucket_with_speech_in_it) {
  const Audio speech = prompt("en_US_f_Allison/vm-options.wav");
  if (speech.empty()) GTEST_SKIP() << "no prompts or no sox";
  const Audio audio = joined({speech, silence(10)});  // 16.4 s of speech
  Measured meter(kLevels);
  const auto buckets = meter.buckets(audio, 8000);
  ASSERT_EQ(buckets.size(), 6u);
  for (size_t i = 0; i < 3; ++i) {
    const Audio part(audio.begin() + static_cast<ptrdiff_t>(i) * 40000,
                     audio.begin() + static_cast<ptrdiff_t>(i + 1) * 40000);
    const Aggregate& level = of(buckets[i], "active_speech_level_dbfs");
    EXPECT_EQ(level.count, 1u);
    EXPECT_NEAR(level.last, by_the_standard(part, 8000).value(), 0.3) << i;
  }
  for (size_t i = 4; i < 6; ++i) {
    EXPECT_EQ(of(buckets[i], "active_speech_level_dbfs").count, 0u) << i;
    EXPECT_EQ(of(buckets[i], "snr_db").count, 0u) << i;
    // The prompt's own least steps, as long as they are not older than 10 s.
    EXPECT_LT(of(buckets[i], "noise_floor_dbfs").last, -95) << i;
  }
}

}  // namespace
}  // namespace dragoman
