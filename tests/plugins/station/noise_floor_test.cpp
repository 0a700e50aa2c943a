// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/station/noise_floor.h"

#include <gtest/gtest.h>

#include <limits>

#include "plugins/station/speech_level.h"
#include "tests/plugins/station/voices.h"

namespace dragoman {
namespace {

using namespace testing;

constexpr auto kKeys = {"noise_floor_dbfs", "snr_db", "active_speech_level_dbfs"};
const char* const kPrompts[] = {
    "en_US_f_Allison/demo-echotest.wav", "en_US_f_Allison/demo-moreinfo.wav",
    "en_US_f_Allison/vm-options.wav", "es_MX_f_Allison/demo-congrats.wav",
    "es_MX_f_Allison/vm-options.wav"};

/// P.56 of clean speech.
double speech_dbfs(std::span<const float> audio, int rate) {
  SpeechLevel level;
  level.set_format(rate, 1);
  level.feed(audio, power_of(audio) * static_cast<double>(audio.size()));
  return 10 * std::log10(level.active_power().value_or(1e-12));
}

TEST(NoiseFloor, of_noise_alone_is_its_level) {
  for (const int rate : {8000, 16000, 48000}) {
    for (const double dbfs : {-80.0, -50.0, -20.0}) {
      for (const Audio& noise : {white_noise(15, dbfs, rate), pink_noise(15, dbfs, rate)}) {
        Measured meter(kKeys, rate);
        size_t i = 0;
        for (const auto& bucket : meter.buckets(noise, rate)) {
          const auto from = noise.begin() + static_cast<ptrdiff_t>(i++) * 5 * rate;
          EXPECT_EQ(of(bucket, "noise_floor_dbfs").count, 1u);
          EXPECT_NEAR(of(bucket, "noise_floor_dbfs").last, level_of({from, from + 5 * rate}), 1)
              << rate;
          EXPECT_EQ(of(bucket, "snr_db").count, 0u);
        }
      }
    }
  }
}

/// What a mix of speech and noise measured over what it is made of, by bucket.
struct Errors {
  double floor = 0, snr = 0;
};

std::vector<Errors> errors_of_mix(const Audio& speech, const Audio& noise, int rate = 8000) {
  std::vector<Errors> errors;
  Measured meter(kKeys, rate);
  const auto bucket_length = static_cast<size_t>(5 * rate);
  size_t at = 0;
  for (const auto& bucket : meter.buckets(mixed(speech, noise), rate)) {
    const size_t length = std::min(bucket_length, speech.size() - at);
    const double noise_dbfs = level_of(std::span(noise).subspan(at, length));
    const double snr = speech_dbfs(std::span(speech).subspan(at, length), rate) - noise_dbfs;
    EXPECT_EQ(of(bucket, "snr_db").count, 1u);
    errors.push_back(
        {of(bucket, "noise_floor_dbfs").last - noise_dbfs, of(bucket, "snr_db").last - snr});
    at += length;
  }
  return errors;
}

class Mixes : public ::testing::TestWithParam<int> {};

TEST_P(Mixes, have_the_noise_floor_and_snr_that_they_were_made_with) {
  const double snr = GetParam();
  for (const std::string file : kPrompts) {
    // The Spanish prompts have noise of their own, 40 dB under the speech.
    if (snr == 40 && file.starts_with("es")) continue;
    const Audio speech = prompt(file);
    if (speech.empty()) GTEST_SKIP() << "no prompts or no sox";
    const double seconds = static_cast<double>(speech.size()) / 8000;
    const double noise_dbfs = speech_dbfs(speech, 8000) - snr;
    for (const Audio& noise :
         {white_noise(seconds + 1, noise_dbfs), pink_noise(seconds + 1, noise_dbfs)}) {
      double mean = 0;
      const auto errors = errors_of_mix(speech, noise);
      for (const Errors& error : errors) {
        EXPECT_LE(std::abs(error.floor), 1) << file;
        // At 0 dB the speech of 5 s is found to 2.1 dB, that of a prompt to 1.5.
        EXPECT_LE(std::abs(error.snr), snr > 0 ? 1.5 : 2.1) << file;
        mean += error.snr / static_cast<double>(errors.size());
      }
      EXPECT_LE(std::abs(mean), 1.5) << file;
    }
  }
}
INSTANTIATE_TEST_SUITE_P(Snr, Mixes, ::testing::Values(0, 10, 20, 30, 40));

TEST(NoiseFloor, and_snr_are_the_same_at_any_rate_in_stereo_and_in_any_pieces) {
  const Audio speech = prompt(kPrompts[2]);
  if (speech.empty()) GTEST_SKIP() << "no prompts or no sox";
  for (const int rate : {16000, 32000, 44100, 48000}) {
    const Audio wide = prompt(kPrompts[2], rate);
    const double seconds = static_cast<double>(wide.size()) / rate;
    for (const Errors& error : errors_of_mix(wide, white_noise(seconds + 1, -45, rate), rate)) {
      EXPECT_LE(std::abs(error.floor), 1) << rate;
      EXPECT_LE(std::abs(error.snr), 1.5) << rate;
    }
  }
  const Audio mix = mixed(speech, white_noise(20, -45));
  const auto figures = [](const Audio& audio, size_t channels, size_t step) {
    Measured meter(kKeys, 8000, channels);
    meter.feed(audio, step).end_bucket();
    std::vector<double> all;
    for (const char* key : kKeys) all.push_back(meter[key].last);
    return all;
  };
  const auto reference = figures(mix, 1, SIZE_MAX);
  for (const size_t step : {1, 7, 160, 4000, 48000}) EXPECT_EQ(figures(mix, 1, step), reference);
  const auto stereo = figures(in_stereo(mix), 2, 480);
  for (size_t i = 0; i < stereo.size(); ++i) EXPECT_NEAR(stereo[i], reference[i], 0.01);
}

TEST(NoiseFloor, of_two_channels_is_their_mean_power_though_they_differ) {
  const Audio left = white_noise(5, -40, 8000, 1), right = white_noise(5, -40, 8000, 2);
  Audio both;
  for (size_t i = 0; i < left.size(); ++i) both.insert(both.end(), {left[i], right[i]});
  Measured meter(kKeys, 8000, 2);
  EXPECT_NEAR(meter.feed(both).end_bucket()["noise_floor_dbfs"].last, -40, 0.5);
}

TEST(NoiseFloor, of_silence_and_offset_is_minus_100_and_has_no_snr) {
  Audio square(80000);
  for (size_t i = 0; i < square.size(); ++i) square[i] = i / 4 % 2 ? -1.0f : 1.0f;
  for (const auto& [audio, floor] :
       {std::pair(silence(10), -100.0), std::pair(Audio(80000, 0.5f), -100.0),
        std::pair(square, 0.0)}) {
    Measured meter(kKeys);
    for (const auto& bucket : meter.buckets(audio, 8000)) {
      EXPECT_NEAR(of(bucket, "noise_floor_dbfs").last, floor, 0.05);
      EXPECT_EQ(of(bucket, "snr_db").count, 0u);
      EXPECT_EQ(of(bucket, "active_speech_level_dbfs").count, 0u);
    }
  }
}

TEST(NoiseFloor, of_a_single_sample_is_unknown) {
  Measured meter(kKeys);
  meter.feed(Audio{0.5f}).end_bucket();
  for (const char* key : kKeys) EXPECT_EQ(meter[key].count, 0u) << key;
}

TEST(NoiseFloor, takes_what_is_not_finite) {
  Audio audio = white_noise(5, -40);
  for (size_t i = 0; i < audio.size(); i += 500) {
    audio[i] =
        i % 1000 ? std::numeric_limits<float>::infinity() : std::numeric_limits<float>::quiet_NaN();
  }
  Measured meter(kKeys);
  EXPECT_NEAR(meter.feed(audio).end_bucket()["noise_floor_dbfs"].last, -40, 0.5);
}

TEST(NoiseFloor, is_bounded_over_digital_silence_and_so_is_the_snr) {
  const Audio speech = prompt("en_US_f_Allison/demo-thanks.wav");
  if (speech.empty()) GTEST_SKIP() << "no prompts or no sox";
  Measured meter(kKeys);
  meter.feed(joined({silence(1), speech, silence(2)})).end_bucket();
  EXPECT_LT(meter["noise_floor_dbfs"].last, -95);  // the prompt has steps of 16 bit
  EXPECT_GT(meter["snr_db"].last, 70);
  EXPECT_LE(meter["snr_db"].last, 100);
}

TEST(NoiseFloor, is_not_that_of_a_short_hole) {
  Audio audio = white_noise(10, -40);
  for (size_t at = 4000; at + 800 < audio.size(); at += 12000) {
    std::fill_n(audio.begin() + static_cast<ptrdiff_t>(at), 800, 0.0f);  // 100 ms
  }
  Measured meter(kKeys);
  for (const auto& bucket : meter.buckets(audio, 8000)) {
    EXPECT_NEAR(of(bucket, "noise_floor_dbfs").last, -40, 1);
  }
}

/// Of the bucket that each figure names; NaN where it has none.
std::vector<double> figures(const Audio& audio, const char* key) {
  Measured meter(kKeys);
  std::vector<double> all;
  for (const auto& bucket : meter.buckets(audio, 8000)) {
    all.push_back(of(bucket, key).count ? of(bucket, key).last : std::nan(""));
  }
  return all;
}

Audio with_outages(Audio audio, std::initializer_list<Stretch> outages) {
  for (const auto& [begin_ms, end_ms] : outages) {
    std::fill(audio.begin() + 8 * begin_ms, audio.begin() + 8 * end_ms, 0.0f);
  }
  return audio;
}

/// 20 s of a prompt again and again, with noise.
Audio speech_in_noise(double noise_dbfs) {
  const Audio said = prompt(kPrompts[0]);
  if (said.empty()) return {};
  Audio speech;
  while (speech.size() < 20 * 8000) speech = joined({speech, silence(0.5), said});
  return mixed(speech, white_noise(20, noise_dbfs));
}

TEST(NoiseFloor, and_snr_do_not_see_outages_of_speech_in_noise) {
  const Audio audio = speech_in_noise(-50);
  if (audio.empty()) GTEST_SKIP() << "no prompts or no sox";
  const auto snr = figures(audio, "snr_db");
  // Within a pause and a word, not on the edges of frames; one as long as half a bucket.
  for (const auto& outages : {std::initializer_list<Stretch>{{7000, 7300}},
                              {{3111, 3411}, {7007, 7307}, {9205, 9415}, {13333, 13733}},
                              {{6003, 8503}}}) {
    const Audio broken = with_outages(audio, outages);
    for (const double floor : figures(broken, "noise_floor_dbfs")) EXPECT_NEAR(floor, -50, 1);
    const auto broken_snr = figures(broken, "snr_db");
    for (size_t i = 0; i < snr.size(); ++i) EXPECT_NEAR(broken_snr[i], snr[i], 1.5) << i;
  }
}

TEST(NoiseFloor, of_silence_is_minus_100_once_no_noise_was_heard_for_10_s) {
  const auto floors =
      figures(joined({white_noise(5, -50), silence(20), white_noise(10, -75)}), "noise_floor_dbfs");
  ASSERT_EQ(floors.size(), 7u);
  for (const size_t i : {0, 1}) EXPECT_NEAR(floors[i], -50, 1) << i;
  for (const size_t i : {2, 3, 4}) EXPECT_EQ(floors[i], -100) << i;
  for (const size_t i : {5, 6}) EXPECT_NEAR(floors[i], -75, 1) << i;
}

TEST(NoiseFloor, of_a_bucket_counts_its_noise_though_silence_follows_for_long) {
  Measured meter(kKeys);
  meter.feed(joined({white_noise(10, -50), silence(20)})).end_bucket();
  EXPECT_NEAR(meter["noise_floor_dbfs"].last, -50, 1);
}

TEST(NoiseFloor, of_words_between_digital_silence_is_minus_100) {
  const Audio said = prompt("en_US_f_Allison/demo-thanks.wav");
  if (said.empty()) GTEST_SKIP() << "no prompts or no sox";
  const Audio word(said.begin() + 400 * 8, said.begin() + 900 * 8);
  Audio audio = silence(1);
  while (audio.size() < 25 * 8000) audio = joined({audio, word, silence(0.4)});
  for (const double floor : figures(audio, "noise_floor_dbfs")) EXPECT_EQ(floor, -100);
}

TEST(NoiseFloor, of_a_long_bucket_is_the_mean_of_its_noise_in_any_order) {
  const Audio loud = white_noise(15, -40), quiet = white_noise(15, -60);
  const double mean = level_of(joined({loud, quiet}));
  for (const Audio& audio : {joined({loud, quiet}), joined({quiet, loud})}) {
    Measured meter(kKeys);
    EXPECT_NEAR(meter.feed(audio).end_bucket()["noise_floor_dbfs"].last, mean, 0.5);
  }
}

TEST(NoiseFloor, of_a_long_bucket_is_the_mean_power_of_those_of_5_s) {
  const Audio audio = speech_in_noise(-50);
  if (audio.empty()) GTEST_SKIP() << "no prompts or no sox";
  Measured meter(kKeys);
  EXPECT_NEAR(meter.feed(audio).end_bucket()["noise_floor_dbfs"].last, -50, 1);
}

TEST(NoiseFloor, goes_on_through_a_bucket_without_a_pause) {
  Audio talk = white_noise(5, -15);
  for (size_t i = 0; i < talk.size(); ++i) {
    const double swing_db = 6 * std::sin(2 * std::numbers::pi * 4 * static_cast<double>(i) / 8000);
    talk[i] *= static_cast<float>(std::pow(10, swing_db / 20));
  }
  Measured meter(kKeys);
  const auto buckets = meter.buckets(joined({white_noise(5, -50), talk}), 8000);
  EXPECT_NEAR(of(buckets[1], "noise_floor_dbfs").last, -50, 1);
  EXPECT_EQ(of(buckets[1], "snr_db").count, 1u);
}

TEST(NoiseFloor, follows_the_noise_up_and_down) {
  Measured meter(kKeys);
  const auto buckets = meter.buckets(
      joined({white_noise(5, -60), white_noise(10, -35), white_noise(10, -55)}), 8000);
  EXPECT_NEAR(of(buckets[2], "noise_floor_dbfs").last, -35, 1);
  EXPECT_NEAR(of(buckets[4], "noise_floor_dbfs").last, -55, 1);
}

}  // namespace
}  // namespace dragoman
