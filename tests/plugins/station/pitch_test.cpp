// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <limits>

#include "plugins/station/pitch_tracker.h"
#include "plugins/station/speech_band.h"
#include "tests/plugins/station/voices.h"

namespace dragoman {
namespace {

using namespace testing;

struct Vowel {
  const char* name;
  double formants[3], bandwidths[3];
};
constexpr Vowel kVowels[] = {{"a", {730, 1090, 2440}, {80, 90, 120}},
                             {"e", {530, 1840, 2480}, {60, 90, 120}},
                             {"i", {270, 2290, 3010}, {60, 90, 150}},
                             {"o", {570, 840, 2410}, {70, 80, 120}},
                             {"u", {300, 870, 2240}, {60, 80, 120}}};

/// A train of glottal pulses (-12 dB an octave) at `hz`, through formant resonators.
Audio vowel(const Vowel& vowel, double hz, double seconds, int rate = 8000) {
  Audio out = silence(seconds, rate);
  double phase = 0, rest = 0, first = 0, second = 0;
  for (float& sample : out) {
    phase += hz / rate;
    // A pulse between two samples is shared by them, so that the period is not whole samples.
    const double late = phase >= 1 ? (phase -= 1) / (hz / rate) : -1;
    const double in = (late >= 0 ? 1 - late : 0) + rest;
    rest = late >= 0 ? late : 0;
    first = 0.95 * first + in;
    second = 0.95 * second + first;
    sample = static_cast<float>(second);
  }
  double mean = 0;
  for (const float sample : out) mean += sample / static_cast<double>(out.size());
  for (float& sample : out) sample -= static_cast<float>(mean);
  for (int f = 0; f < 3; ++f) {
    const double r = std::exp(-std::numbers::pi * vowel.bandwidths[f] / rate);
    const double a1 = 2 * r * std::cos(2 * std::numbers::pi * vowel.formants[f] / rate);
    double y1 = 0, y2 = 0;
    for (float& sample : out) {
      const double y = (1 - a1 + r * r) * sample + a1 * y1 - r * r * y2;
      y2 = y1;
      y1 = y;
      sample = static_cast<float>(y);
    }
  }
  return at_level(out, -20);
}

/// Syllables of `vowel`, as speech is.
Audio syllables(const Vowel& which, double hz, int rate = 8000) {
  Audio out = silence(0.5, rate);
  for (int i = 0; i < 5; ++i) {
    Audio syllable = vowel(which, hz, 0.3, rate);
    for (size_t n = 0; n < syllable.size(); ++n) {
      const double at = static_cast<double>(n) / static_cast<double>(syllable.size());
      syllable[n] *= static_cast<float>(std::sin(std::numbers::pi * at));
    }
    out = joined({out, syllable, silence(0.2, rate)});
  }
  return out;
}

constexpr auto kKeys = {"pitch_hz", "voiced_ratio"};

TEST(Pitch, of_vowels_from_80_to_350_hz_is_within_2_percent) {
  for (const Vowel& which : kVowels) {
    for (double hz = 80; hz <= 350; hz += 13.5) {
      Measured meter(kKeys);
      meter.feed(syllables(which, hz)).end_bucket();
      EXPECT_NEAR(meter["pitch_hz"].median, hz, 0.02 * hz) << which.name;
      EXPECT_GT(meter["voiced_ratio"].avg(), 0.6) << which.name << " " << hz;
    }
  }
}

TEST(Pitch, of_vowels_is_the_same_at_any_rate_and_in_noise) {
  for (const int rate : {8000, 16000, 32000, 44100, 48000}) {
    for (const double hz : {90.0, 170.0, 310.0}) {
      const Audio clean = syllables(kVowels[0], hz, rate);
      for (const double noise : {-90.0, -30.0}) {
        Measured meter(kKeys, rate);
        meter.feed(mixed(clean, white_noise(3, noise, rate))).end_bucket();
        EXPECT_NEAR(meter["pitch_hz"].median, hz, 0.02 * hz) << rate << " " << noise;
      }
    }
  }
}

TEST(Pitch, follows_a_glide_without_octave_errors) {
  PitchTracker tracker;
  tracker.set_format(8000);
  double phase = 0, hz = 100;
  for (int frame = 0; frame < 100; ++frame, hz += 2) {
    Audio samples(160);
    for (float& sample : samples) {
      phase += hz / 8000;
      sample = 0;
      for (int k = 1; k * hz < 1000; ++k) {
        sample += static_cast<float>(0.1 / k * std::sin(2 * std::numbers::pi * k * phase));
      }
    }
    tracker.feed(samples);
    // The window and its predecessor lie in the past.
    if (frame < 4) continue;
    EXPECT_NEAR(tracker.pitch().value_or(0), hz - 2, 4) << frame;
  }
}

TEST(Pitch, of_noise_silence_and_offset_is_none) {
  for (const Audio& audio :
       {white_noise(5, -30), pink_noise(5, -30), silence(5), Audio(40000, 0.5f)}) {
    PitchTracker tracker;
    SpeechBand band;
    band.set_format(8000);
    tracker.set_format(8000);
    int voiced = 0;
    for (size_t at = 0; at + 160 <= audio.size(); at += 160) {
      band.feed(std::span(audio).subspan(at, 160));
      tracker.feed(band.low());
      voiced += at > 8000 && tracker.pitch().has_value();
    }
    EXPECT_LE(voiced, 10);  // of 200
  }
}

TEST(Pitch, of_prompts_is_that_of_a_woman) {
  for (const char* file : {"en_US_f_Allison/vm-options.wav", "es_MX_f_Allison/vm-options.wav",
                           "en_US_f_Allison/demo-echotest.wav"}) {
    const Audio audio = prompt(file);
    if (audio.empty()) GTEST_SKIP() << "no prompts or no sox";
    Measured meter(kKeys);
    meter.feed(audio).end_bucket();
    EXPECT_GT(meter["pitch_hz"].median, 160) << file;
    EXPECT_LT(meter["pitch_hz"].median, 260) << file;
    EXPECT_GT(meter["voiced_ratio"].avg(), 0.5) << file;
    EXPECT_LT(meter["voiced_ratio"].avg(), 0.9) << file;
  }
}

TEST(Pitch, is_the_same_in_any_pieces_in_stereo_and_at_any_rate) {
  const std::string file = "en_US_f_Allison/vm-options.wav";
  const Audio audio = prompt(file);
  if (audio.empty()) GTEST_SKIP() << "no prompts or no sox";
  const auto figures = [](const Audio& audio, int rate, size_t channels, size_t step) {
    Measured meter(kKeys, rate, channels);
    meter.feed(audio, step).end_bucket();
    return std::pair(meter["pitch_hz"].median, meter["voiced_ratio"].avg());
  };
  const auto reference = figures(audio, 8000, 1, SIZE_MAX);
  for (const size_t step : {1, 7, 160, 4000, 48000}) {
    EXPECT_EQ(figures(audio, 8000, 1, step), reference) << step;
  }
  EXPECT_EQ(figures(in_stereo(audio), 8000, 2, 480), reference);
  for (const int rate : {16000, 32000, 48000}) {
    const auto other = figures(prompt(file, rate), rate, 1, 480);
    EXPECT_NEAR(other.first, reference.first, 0.02 * reference.first) << rate;
    EXPECT_NEAR(other.second, reference.second, 0.03) << rate;
  }
}

TEST(Pitch, is_absent_without_speech) {
  Audio square(40000), bad = white_noise(5, -40);
  for (size_t i = 0; i < square.size(); ++i) square[i] = i / 20 % 2 ? -1.0f : 1.0f;
  for (size_t i = 0; i < bad.size(); i += 100) bad[i] = std::numeric_limits<float>::quiet_NaN();
  for (const Audio& audio : {silence(5), Audio(40000, 0.5f), square, bad, Audio{0.5f}}) {
    Measured meter(kKeys);
    meter.feed(audio).end_bucket();
    EXPECT_EQ(meter["pitch_hz"].count, 0u);
    EXPECT_EQ(meter["voiced_ratio"].count, 0u);
  }
}

}  // namespace
}  // namespace dragoman
