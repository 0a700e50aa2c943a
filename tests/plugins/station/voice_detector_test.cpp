// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/station/voice_detector.h"

#include <gtest/gtest.h>

#include <limits>

#include "plugins/station/talk_spurts.h"
#include "tests/plugins/station/voices.h"

namespace dragoman {
namespace {

using namespace testing;

constexpr double kLead = 1;  // seconds without speech before and after a prompt

struct Decisions {
  std::vector<bool> speech;
  int spurts = 0;

  double ratio(double from, double to) const {
    const auto begin = speech.begin() + static_cast<ptrdiff_t>(from * kFramesPerSecond);
    const auto end = speech.begin() + static_cast<ptrdiff_t>(to * kFramesPerSecond);
    return static_cast<double>(std::count(begin, end, true)) / static_cast<double>(end - begin);
  }
  double ratio() const { return ratio(0, static_cast<double>(speech.size()) / kFramesPerSecond); }
};

Decisions decisions(const Audio& audio, int rate = 8000, size_t channels = 1) {
  Decisions out;
  VoiceDetector detector;
  TalkSpurts spurts;
  detector.set_format(rate, channels);
  FrameCutter cutter([&](const AudioFrame& frame) {
    detector.frame(frame);
    out.speech.push_back(detector.speech());
    out.spurts += spurts.frame(detector.active(), detector.frame_ms()).started;
  });
  cutter.set_format(rate, channels);
  cutter.feed(std::span(audio));
  cutter.finish();
  return out;
}

/// Share of the frames of a prompt, with kLead around it, that the labels agree with.
double agreement(const Decisions& heard, const std::vector<Stretch>& labels) {
  size_t agreed = 0;
  for (size_t frame = 0; frame < heard.speech.size(); ++frame) {
    const double middle_ms = static_cast<double>(frame) * 20 + 10 - 1000 * kLead;
    const bool labelled = std::ranges::any_of(labels, [&](const Stretch& stretch) {
      return middle_ms >= stretch.first && middle_ms < stretch.second;
    });
    agreed += labelled == heard.speech[frame];
  }
  return static_cast<double>(agreed) / static_cast<double>(heard.speech.size());
}

/// Power of what is labelled as speech.
double speech_power(const Audio& audio, const std::vector<Stretch>& labels) {
  Audio speech;
  for (const Stretch& stretch : labels) {
    for (auto i = static_cast<size_t>(stretch.first) * 8;
         i < std::min(audio.size(), static_cast<size_t>(stretch.second) * 8); ++i) {
      speech.push_back(audio[i]);
    }
  }
  return power_of(speech);
}

class LabelledPrompts : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_GE(labels_.size(), 10u);
    if (prompt(labels_.begin()->first).empty()) GTEST_SKIP() << "no prompts or no sox";
  }
  const std::map<std::string, std::vector<Stretch>> labels_ = speech_labels();
};

TEST_F(LabelledPrompts, are_speech_where_the_labels_say_at_8_and_16_khz) {
  for (const auto& [file, stretches] : labels_) {
    for (const int rate : {8000, 16000}) {
      const Audio audio = joined({silence(kLead, rate), prompt(file, rate), silence(kLead, rate)});
      const double agreed = agreement(decisions(audio, rate), stretches);
      EXPECT_GE(agreed, 0.9) << file << " at " << rate;
    }
  }
}

TEST_F(LabelledPrompts, have_as_many_talk_spurts_as_pauses_of_200_ms_tell) {
  for (const auto& [file, stretches] : labels_) {
    // Label and frame differ by up to 40 ms: a pause from 160 to 240 ms may be one or not.
    int least = 1, most = 1;
    for (size_t i = 1; i < stretches.size(); ++i) {
      const int pause = stretches[i].first - stretches[i - 1].second;
      least += pause >= kShortestPauseMs + 40;
      most += pause >= kShortestPauseMs - 40;
    }
    const Decisions heard = decisions(joined({silence(kLead), prompt(file), silence(kLead)}));
    EXPECT_GE(heard.spurts, least) << file;
    EXPECT_LE(heard.spurts, most + 1) << file;
  }
}

TEST_F(LabelledPrompts, are_speech_where_the_labels_say_in_noise_of_10_and_5_db) {
  for (const auto& [file, stretches] : labels_) {
    const Audio clean = prompt(file);
    const double level = 10 * std::log10(speech_power(clean, stretches));
    const Audio padded = joined({silence(kLead), clean, silence(kLead)});
    const double seconds = static_cast<double>(padded.size()) / 8000;
    for (const double snr : {10.0, 5.0}) {
      for (const Audio& noise :
           {white_noise(seconds + 1, level - snr), pink_noise(seconds + 1, level - snr)}) {
        EXPECT_GE(agreement(decisions(mixed(padded, noise)), stretches), 0.9)
            << file << " at " << snr << " dB";
      }
    }
  }
}

TEST(VoiceDetector, counts_spurts_and_pauses_of_gated_speech_exactly) {
  const Audio speech = prompt("en_US_f_Allison/demo-thanks.wav");
  if (speech.empty()) GTEST_SKIP() << "no prompts or no sox";
  const Audio word(speech.begin() + 400 * 8, speech.begin() + 900 * 8);  // "goodbye"
  Audio audio = silence(1);
  for (int i = 0; i < 5; ++i) audio = joined({audio, word, silence(0.4)});
  Measured measured({"talk_spurt_count", "talk_spurt_mean_ms", "pause_mean_ms"});
  measured.feed(audio).end_bucket();
  EXPECT_EQ(measured["talk_spurt_count"].last, 5);
  EXPECT_EQ(measured["talk_spurt_mean_ms"].count, 5u);
  EXPECT_NEAR(measured["talk_spurt_mean_ms"].avg(), 500, 40);
  EXPECT_EQ(measured["pause_mean_ms"].count, 4u);
  EXPECT_NEAR(measured["pause_mean_ms"].avg(), 400, 40);
}

/// 0.5 s of speech.
Audio spoken_word() {
  const Audio speech = prompt("en_US_f_Allison/demo-thanks.wav");
  return speech.empty() ? speech : Audio(speech.begin() + 400 * 8, speech.begin() + 900 * 8);
}

TEST(VoiceMeter, ends_a_talk_spurt_at_a_hole_and_knows_no_pause_there) {
  const Audio word = spoken_word();
  if (word.empty()) GTEST_SKIP() << "no prompts or no sox";
  Measured measured({"talk_spurt_count", "talk_spurt_mean_ms", "pause_mean_ms"});
  measured.feed(joined({silence(1), word})).hole(10000);
  measured.feed(joined({word, silence(0.4)})).end_bucket();
  EXPECT_EQ(measured["talk_spurt_count"].last, 2);
  EXPECT_EQ(measured["talk_spurt_mean_ms"].count, 2u);
  EXPECT_NEAR(measured["talk_spurt_mean_ms"].avg(), 500, 40);
  EXPECT_EQ(measured["pause_mean_ms"].count, 0u);
}

TEST(VoiceMeter, goes_on_with_a_talk_spurt_over_a_lost_packet) {
  const Audio word = spoken_word();
  if (word.empty()) GTEST_SKIP() << "no prompts or no sox";
  Measured measured({"talk_spurt_count", "talk_spurt_mean_ms"});
  measured.feed(joined({silence(1), word})).hole(20);
  measured.feed(joined({word, silence(0.4)})).end_bucket();
  EXPECT_EQ(measured["talk_spurt_count"].last, 1);
  EXPECT_NEAR(measured["talk_spurt_mean_ms"].avg(), 1020, 40);
}

TEST(VoiceMeter, keeps_the_noise_floor_over_a_hole_and_forgets_all_before_a_new_stream) {
  const Audio word = spoken_word();
  if (word.empty()) GTEST_SKIP() << "no prompts or no sox";
  const auto keys = {"talk_spurt_count", "talk_spurt_mean_ms", "pause_mean_ms", "noise_floor_dbfs",
                     "active_speech_level_dbfs"};
  const Audio before = joined({white_noise(4, -50), word});
  Measured holed(keys);
  holed.feed(before).hole(10000).feed(word).end_bucket();
  EXPECT_NEAR(holed["noise_floor_dbfs"].last, -50, 1);
  // Word after word: nothing of the first stream is in the figures of the second.
  Measured second(keys), fresh(keys);
  second.feed(before).end_bucket().new_stream();
  const Audio after = joined({silence(0.02), word, silence(0.4)});
  second.feed(after).end_bucket();
  fresh.feed(after).end_bucket();
  for (const char* key : keys) {
    EXPECT_EQ(second[key].count, fresh[key].count) << key;
    EXPECT_EQ(second[key].last, fresh[key].last) << key;
  }
}

TEST(VoiceDetector, hears_no_speech_in_steady_noise) {
  for (const double dbfs : {-70.0, -40.0, -20.0}) {
    EXPECT_EQ(decisions(white_noise(30, dbfs)).ratio(), 0) << dbfs;
    EXPECT_LT(decisions(pink_noise(30, dbfs)).ratio(), 0.01) << dbfs;
    EXPECT_EQ(decisions(white_noise(30, dbfs, 16000), 16000).ratio(), 0) << dbfs;
    EXPECT_LT(decisions(pink_noise(30, dbfs, 48000), 48000).ratio(), 0.01) << dbfs;
  }
}

TEST(VoiceDetector, takes_noise_that_begins_for_speech_no_longer_than_a_second) {
  const Decisions heard =
      decisions(joined({white_noise(5, -70), white_noise(5, -40), white_noise(5, -20)}));
  EXPECT_EQ(heard.ratio(0, 5), 0);
  EXPECT_EQ(heard.ratio(6.1, 10), 0);
  EXPECT_EQ(heard.ratio(11.1, 15), 0);
}

TEST(VoiceDetector, hears_no_speech_in_noise_that_comes_back_after_an_outage) {
  for (const double seconds : {0.3, 2.0, 8.0}) {
    const Decisions heard =
        decisions(joined({white_noise(5, -45), silence(seconds), white_noise(5, -45)}));
    EXPECT_EQ(heard.ratio(), 0) << seconds;
  }
}

TEST(VoiceDetector, hears_no_speech_in_a_tone_longer_than_a_second) {
  for (const double hz : {200.0, 425.0, 1000.0, 3000.0}) {
    const Decisions heard = decisions(joined({silence(2), sine(5, hz, -12), silence(2)}));
    EXPECT_EQ(heard.ratio(3.1, 7), 0) << hz;
  }
}

TEST(VoiceDetector, hears_no_speech_in_silence_offset_or_a_square_wave_of_full_scale) {
  EXPECT_EQ(decisions(silence(10)).ratio(), 0);
  EXPECT_EQ(decisions(Audio(80000, 0.5f)).ratio(), 0);
  Audio square(80000);
  for (size_t i = 0; i < square.size(); ++i) square[i] = i / 4 % 2 ? -1.0f : 1.0f;
  EXPECT_EQ(decisions(square).ratio(), 0);
}

TEST(VoiceDetector, has_the_power_without_offset) {
  VoiceDetector detector;
  detector.set_format(8000, 1);
  Audio audio = sine(2, 400, -20);
  for (float& sample : audio) sample += 0.25f;
  double sum = 0;
  FrameCutter cutter([&](const AudioFrame& frame) {
    detector.frame(frame);
    sum += detector.frame_power() / 100;
  });
  cutter.set_format(8000, 1);
  cutter.feed(std::span<const float>(audio));
  EXPECT_NEAR(10 * std::log10(sum), -20, 0.02);
}

TEST_F(LabelledPrompts, measure_the_same_at_any_rate_in_stereo_and_in_any_pieces) {
  const std::string file = "en_US_f_Allison/vm-options.wav";
  const auto activity = [](const Audio& audio, int rate, size_t channels, size_t step) {
    Measured measured({"voice_activity_ratio", "talk_spurt_count"}, rate, channels);
    measured.feed(audio, step).end_bucket();
    return std::pair(measured["voice_activity_ratio"].avg(), measured["talk_spurt_count"].last);
  };
  const auto reference = activity(prompt(file), 8000, 1, SIZE_MAX);
  for (const size_t step : {1, 7, 160, 4000, 48000}) {
    EXPECT_EQ(activity(prompt(file), 8000, 1, step), reference) << step;
  }
  EXPECT_EQ(activity(in_stereo(prompt(file)), 8000, 2, 480), reference);
  for (const int rate : {16000, 32000, 44100, 48000}) {
    const auto other = activity(prompt(file, rate), rate, 1, 480);
    EXPECT_NEAR(other.first, reference.first, 0.02) << rate;
    EXPECT_NEAR(other.second, reference.second, 1) << rate;
  }
}

TEST(VoiceDetector, takes_a_single_sample_and_what_is_not_finite) {
  Measured one({"voice_activity_ratio", "talk_spurt_count"});
  one.feed(Audio{0.5f}).end_bucket();
  EXPECT_EQ(one["voice_activity_ratio"].avg(), 0);
  EXPECT_EQ(one["voice_activity_ratio"].count, 1u);
  Measured bad({"voice_activity_ratio", "talk_spurt_count"});
  Audio audio = white_noise(2, -40);
  for (size_t i = 0; i < audio.size(); i += 100) {
    audio[i] =
        i % 200 ? std::numeric_limits<float>::infinity() : std::numeric_limits<float>::quiet_NaN();
  }
  bad.feed(audio).end_bucket();
  EXPECT_EQ(bad["voice_activity_ratio"].avg(), 0);
}

TEST(VoiceDetector, recovers_from_floats_that_are_no_audio) {
  const auto keys = {"voice_activity_ratio", "noise_floor_dbfs", "snr_db", "pitch_hz"};
  Measured meter(keys);
  Audio audio = joined({white_noise(5, -40), white_noise(1, -40), white_noise(9, -40)});
  std::fill_n(audio.begin() + 42000, 1000, std::numeric_limits<float>::max());
  for (size_t i = 46000; i < 47000; ++i) audio[i] = i % 2 ? 1e30f : -1e25f;
  for (const auto& bucket : meter.buckets(audio, 8000)) {
    for (const Aggregate& figure : bucket) {
      EXPECT_TRUE(std::isfinite(figure.sum) && std::isfinite(figure.last));
    }
    EXPECT_NEAR(of(bucket, "noise_floor_dbfs").last, -40, 1);
  }
}

TEST(TapMeters, run_the_voice_detector_only_for_who_needs_it) {
  EXPECT_EQ(Measured({"audio_level_dbfs"}).meters().voice(), nullptr);
  EXPECT_NE(Measured({"log_spectral_distance_db"}).meters().voice(), nullptr);
  EXPECT_NE(Measured({"pitch_hz"}).meters().voice(), nullptr);
}

TEST(TalkSpurts, join_what_a_pause_under_200_ms_parts) {
  TalkSpurts spurts;
  const auto run = [&](bool active, int frames) {
    TalkSpurts::Event last;
    for (int i = 0; i < frames; ++i) {
      const auto event = spurts.frame(active, 20);
      last.started |= event.started;
      if (event.spurt_ms) last.spurt_ms = event.spurt_ms;
      if (event.pause_ms) last.pause_ms = event.pause_ms;
    }
    return last;
  };
  EXPECT_FALSE(run(false, 20).started);
  const auto first = run(true, 10);
  EXPECT_TRUE(first.started);
  EXPECT_FALSE(first.pause_ms) << "nobody spoke before";
  EXPECT_FALSE(run(false, 9).spurt_ms);
  EXPECT_FALSE(run(true, 10).started);
  EXPECT_EQ(run(false, 10).spurt_ms, 580);
  EXPECT_FALSE(run(false, 10).spurt_ms);
  const auto second = run(true, 1);
  EXPECT_TRUE(second.started);
  EXPECT_EQ(second.pause_ms, 400);
}

}  // namespace
}  // namespace dragoman
