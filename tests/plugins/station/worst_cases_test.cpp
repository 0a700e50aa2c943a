// SPDX-License-Identifier: LGPL-2.1-or-later
// Everything that a tap measures of its audio, with audio as odd as it comes: the same figures
// whatever the sizes of the buffers, nothing that is not a number, the audio untouched.
#include <gst/gst.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "plugins/common/parameters.h"
#include "tests/plugins/common/gst_environment.h"
#include "tests/plugins/station/sox.h"
#include "tests/plugins/station/tap_harness.h"

namespace dragoman {
namespace {

using namespace dragoman::testing;

constexpr const char* kFields[] = {"min", "max", "avg", "last"};

/// By bucket, parameter and field.
using Figures = std::map<std::string, double>;

/// What depends on the process instead of the audio.
enum class Processing { kWithout, kWith };

Figures figures_of(const std::vector<MessagePtr>& buckets,
                   Processing processing = Processing::kWithout) {
  Figures figures;
  for (size_t bucket = 0; bucket < buckets.size(); ++bucket) {
    const GstStructure* structure = gst_message_get_structure(buckets[bucket].get());
    const GstStructure* metrics =
        gst_value_get_structure(gst_structure_get_value(structure, "metrics"));
    for (const Parameter& parameter : parameters()) {
      const GValue* value = gst_structure_get_value(metrics, parameter.key);
      if (!value) continue;
      if (parameter.group == ParameterGroup::kProcessing && processing == Processing::kWithout) {
        continue;
      }
      const GstStructure* fields = gst_value_get_structure(value);
      const std::string name = std::to_string(bucket) + " " + parameter.key + " ";
      guint64 count = 0;
      EXPECT_TRUE(gst_structure_get_uint64(fields, "count", &count));
      figures[name + "count"] = static_cast<double>(count);
      for (const char* field : kFields) {
        EXPECT_TRUE(gst_structure_get_double(fields, field, &figures[name + field]));
      }
    }
  }
  return figures;
}

template <typename Sample>
struct Audio {
  int rate = 16000, channels = 1;
  std::vector<Sample> samples;  ///< interleaved
};

template <typename Sample>
constexpr const char* kFormat = sizeof(Sample) == 2 ? "S16LE" : "F32LE";

template <typename Sample>
void play(TapHarness& tap, const Audio<Sample>& audio, size_t step) {
  tap.caps(audio.rate, audio.channels, kFormat<Sample>);
  const auto channels = static_cast<size_t>(audio.channels);
  const size_t frames = audio.samples.size() / channels;
  for (size_t done = 0; done < frames; done += step) {
    const size_t count = std::min(step, frames - done), bytes = count * channels * sizeof(Sample);
    GstBuffer* buffer = gst_buffer_new_allocate(nullptr, bytes, nullptr);
    gst_buffer_fill(buffer, 0, audio.samples.data() + done * channels, bytes);
    const auto rate = static_cast<guint64>(audio.rate);
    GST_BUFFER_PTS(buffer) = gst_util_uint64_scale(done, GST_SECOND, rate);
    GST_BUFFER_DURATION(buffer) = gst_util_uint64_scale(count, GST_SECOND, rate);
    EXPECT_EQ(gst_harness_push(tap.get(), buffer), GST_FLOW_OK);
    GstBuffer* out = gst_harness_pull(tap.get());
    EXPECT_EQ(out, buffer) << "the audio must pass untouched";
    gst_buffer_unref(out);
  }
  tap.event(gst_event_new_eos());
}

/// What a probe that wants everything says of `audio` in buffers of `step` frames. The first bucket
/// is a second short.
template <typename Sample>
Figures measured(const Audio<Sample>& audio, size_t step) {
  TapHarness tap("stationprobe", kEdge - 4 * GST_SECOND,
                 {{"station", "everything"}, {"tap", "PRE"}, {"trace", "worst"}});
  play(tap, audio, step);
  return figures_of(tap.messages());
}

/// What POST says of two probes with nothing between them, which is its own far end too.
Figures compared(const Audio<float>& audio, size_t step) {
  TapHarness taps(gst_parse_bin_from_description(
                      "stationprobe station=everything tap=PRE trace=worst ! stationprobe "
                      "station=everything tap=POST trace=worst far-station=everything",
                      TRUE, nullptr),
                  kEdge - 4 * GST_SECOND);
  play(taps, audio, step);
  std::vector<MessagePtr> buckets = taps.messages();
  std::erase_if(buckets, [](const MessagePtr& bucket) { return text(bucket, "tap") != "POST"; });
  return figures_of(buckets, Processing::kWith);
}

/// Speech with noise, six seconds and a bit, the second channel quieter and late.
Audio<int16_t> speech(int rate, int channels) {
  const std::string raise = "rate -v " + std::to_string(rate) + " repeat 3 trim 0 6.01";
  const auto prompt = sox_samples(kEnglishPrompt, raise);
  std::mt19937 random(1);
  std::normal_distribution<double> noise(0, 60);
  Audio<int16_t> audio{rate, channels, {}};
  for (size_t i = 0; i < prompt.size(); ++i) {
    audio.samples.push_back(static_cast<int16_t>(prompt[i] * 0.9 + noise(random)));
    if (channels == 2)
      audio.samples.push_back(static_cast<int16_t>(i > 99 ? prompt[i - 99] / 3 : 0));
  }
  return audio;
}

void expect_same(const Figures& figures, const Figures& expected, const std::string& what) {
  for (const auto& [name, value] : expected) {
    const auto found = figures.find(name);
    if (found == figures.end()) {
      ADD_FAILURE() << name << " is absent " << what;
    } else {
      EXPECT_NEAR(found->second, value, 1e-9 * (1 + std::abs(value))) << name << " " << what;
    }
  }
  EXPECT_EQ(figures.size(), expected.size()) << what;
}

TEST(WorstCases, the_sizes_of_buffers_change_no_figure) {
  for (const int rate : {8000, 16000, 32000, 48000}) {
    for (const int channels : {1, 2}) {
      const Audio<int16_t> audio = speech(rate, channels);
      if (audio.samples.empty()) GTEST_SKIP() << "no sox, or no " << kEnglishPrompt;
      const Figures expected = measured(audio, static_cast<size_t>(rate / 50));
      ASSERT_GT(expected.size(), 150u);
      for (const size_t step : {size_t{1}, size_t{7}, size_t{333}, size_t{48000}}) {
        if (step == 1 && rate > 16000) continue;  // takes long and tells no more
        expect_same(measured(audio, step), expected,
                    "in buffers of " + std::to_string(step) + " at " + std::to_string(rate) +
                        " Hz, " + std::to_string(channels) + " channels");
      }
    }
  }
}

TEST(WorstCases, floats_give_the_figures_of_the_same_integers) {
  const Audio<int16_t> integers = speech(16000, 1);
  if (integers.samples.empty()) GTEST_SKIP() << "no sox, or no " << kEnglishPrompt;
  Audio<float> floats{16000, 1, {}};
  for (const int16_t sample : integers.samples)
    floats.samples.push_back(static_cast<float>(sample) / 32768.0f);
  expect_same(measured(floats, 320), measured(integers, 320), "as floats");
}

void expect_numbers(const Figures& figures, const std::string& what) {
  for (const auto& [name, value] : figures)
    EXPECT_TRUE(std::isfinite(value)) << name << " of " << what;
}

/// Odd signals, of which each pattern repeats.
std::vector<std::pair<const char*, std::vector<float>>> odd_signals() {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN(),
                  kInfinity = std::numeric_limits<float>::infinity();
  constexpr float kHuge = std::numeric_limits<float>::max();
  constexpr float kTiny = std::numeric_limits<float>::denorm_min();
  return {
      {"silence", {0}},
      {"a constant", {1}},
      {"a full-scale square", {1, 1, 1, 1, -1, -1, -1, -1}},
      {"the highest frequency", {1, -1}},
      {"NaN", {kNan}},
      {"infinity", {kInfinity, 0, -kInfinity}},
      {"ten times full scale", {10, -10, 3}},
      {"huge", {kHuge, -kHuge}},
      {"huge and not periodic", {}},
      {"denormal", {kTiny, -kTiny, 0}},
  };
}

/// In stereo; what has no pattern is noise of up to 1e30.
Audio<float> odd(const std::vector<float>& pattern, double seconds, int rate) {
  const auto count = static_cast<size_t>(seconds * rate) * 2;
  Audio<float> audio{rate, 2, {}};
  std::mt19937 random(1);
  std::uniform_real_distribution<float> value(-1e30f, 1e30f);
  while (audio.samples.size() < count) {
    if (pattern.empty()) audio.samples.push_back(value(random));
    audio.samples.insert(audio.samples.end(), pattern.begin(), pattern.end());
  }
  audio.samples.resize(count);
  return audio;
}

TEST(WorstCases, nothing_measured_is_not_a_number) {
  for (const int rate : {8000, 16000, 32000, 48000}) {
    for (const auto& [name, pattern] : odd_signals()) {
      for (const double seconds : {5.5, 0.0300001, 0.01}) {
        expect_numbers(measured(odd(pattern, seconds, rate), 480),
                       std::string(name) + ", " + std::to_string(seconds) + " s at " +
                           std::to_string(rate) + " Hz");
      }
    }
  }
}

TEST(WorstCases, nothing_compared_is_not_a_number_and_no_delay_is_made_up) {
  for (const int rate : {8000, 16000, 48000}) {
    for (const auto& [name, pattern] : odd_signals()) {
      const std::string what = std::string(name) + " at " + std::to_string(rate) + " Hz";
      const Figures figures = compared(odd(pattern, 5.5, rate), 480);
      expect_numbers(figures, what);
      for (const auto* bucket : {"0", "1"}) {
        const std::string key = std::string(bucket) + " processing_latency_ms ";
        ASSERT_TRUE(figures.contains(key + "min")) << what;
        EXPECT_GE(figures.at(key + "min"), -0.5) << what;
        EXPECT_LT(figures.at(key + "min"), 20) << what;
      }
    }
  }
}

TEST(WorstCases, one_sample_is_measured) {
  const Figures figures = measured(Audio<int16_t>{16000, 1, {16384}}, 1);
  expect_numbers(figures, "one sample");
  EXPECT_NEAR(figures.at("0 audio_level_dbfs avg"), -6.02, 0.01);
  EXPECT_EQ(figures.at("0 dc_offset avg"), 0.5);
  EXPECT_FALSE(figures.contains("0 spectral_centroid_hz avg"));
}

TEST(WorstCases, what_audio_alone_cannot_tell_is_absent) {
  const Figures figures = measured(speech(16000, 1), 320);
  for (const char* key :
       {"mos", "packet_loss_pct", "agc_gain_db", "processing_latency_ms", "echo_return_loss_db",
        "double_talk_ratio", "utterances", "emotion_valence"}) {
    EXPECT_FALSE(figures.contains(std::string("0 ") + key + " avg")) << key;
  }
}

TEST(WorstCases, digital_silence_is_minus_100_and_has_no_shape) {
  const Figures figures = measured(Audio<int16_t>{16000, 1, std::vector<int16_t>(96000)}, 320);
  for (const char* key : {"audio_level_dbfs", "peak_dbfs", "band_voice_dbfs"})
    EXPECT_NEAR(figures.at(std::string("0 ") + key + " avg"), -100, 1e-9) << key;
  EXPECT_EQ(figures.at("0 silence_ratio avg"), 1);
  for (const char* key : {"crest_factor_db", "spectral_centroid_hz", "snr_db", "pitch_hz"})
    EXPECT_FALSE(figures.contains(std::string("0 ") + key + " avg")) << key;
}

}  // namespace
}  // namespace dragoman
