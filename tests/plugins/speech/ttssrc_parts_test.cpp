// SPDX-License-Identifier: LGPL-2.1-or-later
// What ttssrc is made of, without an element: shaping of speech, and pace.
#include <gtest/gtest.h>

#include <cmath>

#include "plugins/speech/ttssrc_feed.h"
#include "plugins/speech/ttssrc_pace.h"
#include "plugins/speech/ttssrc_shaper.h"

namespace dragoman {
namespace {

constexpr double kPi = 3.14159265358979;

std::vector<int16_t> tone(double hertz, double seconds, unsigned rate, double amplitude = 10000) {
  std::vector<int16_t> samples(static_cast<size_t>(seconds * rate));
  for (size_t i = 0; i < samples.size(); ++i) {
    samples[i] =
        static_cast<int16_t>(amplitude * std::sin(2 * kPi * hertz * static_cast<double>(i) / rate));
  }
  return samples;
}

std::vector<int16_t> silence(double seconds, unsigned rate) {
  return std::vector<int16_t>(static_cast<size_t>(seconds * rate));
}

std::vector<int16_t> joined(std::initializer_list<std::vector<int16_t>> parts) {
  std::vector<int16_t> all;
  for (const auto& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

std::vector<int16_t> shape(const std::vector<int16_t>& samples, unsigned rate, size_t chunk) {
  SpeechShaper shaper;
  std::vector<int16_t> shaped;
  const auto take = [&](std::span<const int16_t> more) {
    shaped.insert(shaped.end(), more.begin(), more.end());
  };
  for (size_t at = 0; at < samples.size(); at += chunk) {
    const size_t length = std::min(chunk, samples.size() - at);
    take(shaper.feed(std::span(samples).subspan(at, length), rate));
  }
  take(shaper.finish());
  return shaped;
}

// Crossings of zero upwards, per second.
double frequency(const std::vector<int16_t>& samples) {
  int crossings = 0;
  for (size_t i = 1; i < samples.size(); ++i) crossings += samples[i - 1] < 0 && samples[i] >= 0;
  return crossings / (static_cast<double>(samples.size()) / SpeechShaper::kRate);
}

TEST(SpeechShaper, cuts_the_silence_at_both_ends_and_keeps_the_one_inside) {
  const unsigned rate = 16000;
  const auto speech = joined({silence(0.2, rate), tone(400, 0.3, rate), silence(0.25, rate),
                              tone(400, 0.3, rate), silence(0.5, rate)});
  for (const size_t chunk : {1ul, 37ul, 2048ul, 100000ul}) {
    const auto shaped = shape(speech, rate, chunk);
    EXPECT_NEAR(static_cast<double>(shaped.size()) / rate, 0.85, 0.013) << chunk;
  }
}

TEST(SpeechShaper, gives_the_same_whatever_the_chunks) {
  const auto speech = joined({silence(0.02, 22050), tone(300, 0.5, 22050), silence(0.3, 22050)});
  const auto whole = shape(speech, 22050, 100000);
  for (const size_t chunk : {64ul, 333ul, 4096ul}) EXPECT_EQ(shape(speech, 22050, chunk), whole);
}

TEST(SpeechShaper, resamples_without_changing_pitch_or_length) {
  for (const unsigned rate : {8000u, 22050u, 24000u, 48000u}) {
    const auto shaped = shape(tone(440, 1, rate), rate, 1000);
    EXPECT_NEAR(static_cast<double>(shaped.size()) / SpeechShaper::kRate, 1, 0.012) << rate;
    EXPECT_NEAR(frequency(shaped), 440, 6) << rate;
  }
}

TEST(SpeechShaper, fades_what_begins_or_ends_abruptly) {
  const std::vector<int16_t> square(8000, 12000);
  const auto shaped = shape(square, 16000, 512);
  ASSERT_FALSE(shaped.empty());
  EXPECT_EQ(shaped.front(), 0);
  EXPECT_EQ(shaped.back(), 0);
  for (size_t i = 1; i < shaped.size(); ++i) ASSERT_LE(std::abs(shaped[i] - shaped[i - 1]), 300);
}

TEST(SpeechShaper, gives_sound_while_more_is_to_come) {
  SpeechShaper shaper;
  EXPECT_GT(shaper.feed(tone(400, 0.1, 22050), 22050).size(), 1400u);
}

TEST(SpeechShaper, silence_alone_gives_nothing_and_the_next_clause_begins_anew) {
  SpeechShaper shaper;
  EXPECT_TRUE(shaper.feed(silence(0.3, 22050), 22050).empty());
  EXPECT_TRUE(shaper.finish().empty());
  shaper.feed(tone(400, 0.2, 22050), 22050);
  shaper.finish();
  const auto tone_again = joined({silence(0.1, 16000), tone(400, 0.2, 16000)});
  EXPECT_GT(shaper.feed(tone_again, 16000).size(), 3000u);
}

TEST(SpeechPace, speeds_up_with_the_backlog_and_not_beyond_the_most) {
  EXPECT_DOUBLE_EQ(SpeechPace::speed_up(0, 1.3), 1);
  EXPECT_DOUBLE_EQ(SpeechPace::speed_up(0.5, 1.3), 1);
  EXPECT_DOUBLE_EQ(SpeechPace::speed_up(1, 1.3), 1.15);
  EXPECT_DOUBLE_EQ(SpeechPace::speed_up(1.5, 1.3), 1.3);
  EXPECT_DOUBLE_EQ(SpeechPace::speed_up(100, 1.3), 1.3);
  EXPECT_DOUBLE_EQ(SpeechPace::speed_up(100, 1), 1);
}

TEST(SpeechPace, learns_how_long_a_language_takes) {
  SpeechPace pace;
  for (int i = 0; i < 40; ++i) pace.learn(100, 8, 1.25);
  EXPECT_NEAR(pace.seconds(50), 5, 0.01);
  EXPECT_EQ(SpeechPace::characters("¿Qué?"), 5u);
}

TEST(SplitNames, takes_names_apart_and_drops_blanks) {
  EXPECT_EQ(split_names(" memory, apertium ,,x"),
            (std::vector<std::string>{"memory", "apertium", "x"}));
  EXPECT_TRUE(split_names("").empty());
}

}  // namespace
}  // namespace dragoman
