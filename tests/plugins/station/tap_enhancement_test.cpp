// SPDX-License-Identifier: LGPL-2.1-or-later
// What the processing between two taps did: gain, noise reduction, spectral distance.
#include <gst/gst.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>

#include "plugins/station/spectral_distance.h"
#include "tests/plugins/common/gst_environment.h"
#include "tests/plugins/common/temp_folder.h"
#include "tests/plugins/station/synthetic_audio.h"
#include "tests/plugins/station/tap_pipeline.h"

namespace dragoman {
namespace {

using namespace dragoman::testing;

constexpr int kRate = 16000;

std::string taps(const std::string& between, int rate = kRate) {
  return "audiotestsrc wave=silence samplesperbuffer=" + std::to_string(rate / 50) +
         " num-buffers=750 ! audio/x-raw,format=F32LE,channels=1,rate=" + std::to_string(rate) +
         " ! identity name=in ! stationprobe tap=PRE trace=t ! " + between +
         " ! stationprobe name=post tap=POST trace=t ! fakesink";
}

std::vector<float> sum(const std::vector<float>& a, const std::vector<float>& b, double gain) {
  std::vector<float> result(a);
  for (size_t i = 0; i < a.size(); ++i) result[i] += static_cast<float>(gain) * b[i];
  return result;
}

/// What POST says if the DSP makes `after` of `before`.
TapFigures compare(const std::vector<float>& before, const std::vector<float>& after,
                   int rate = kRate) {
  TapPipeline pipeline(taps("identity name=dsp", rate));
  pipeline.on_buffer("in", "src", Player(before));
  pipeline.on_buffer("dsp", "src", Player(after));
  return pipeline.run()["POST"];
}

class TapEnhancement : public ::testing::Test {
 protected:
  const std::vector<float> voice = babble(15 * kRate, kRate), hiss = noise(15 * kRate, 1);
  const std::vector<float> noisy = sum(voice, hiss, 0.002);
};

TEST_F(TapEnhancement, hears_the_gain_of_a_volume) {
  for (double gain_db : {6.0, -10.0}) {
    TapPipeline pipeline(taps("volume volume=" + std::to_string(std::pow(10, gain_db / 20))));
    pipeline.on_buffer("in", "src", Player(noisy));
    const TapFigures post = pipeline.run()["POST"];
    EXPECT_EQ(post.buckets("agc_gain_db"), 3u);
    EXPECT_NEAR(post.mean("agc_gain_db"), gain_db, 0.2);
    EXPECT_NEAR(post.mean("noise_reduction_db"), -gain_db, 1);
    EXPECT_NEAR(post.mean("log_spectral_distance_db"), std::abs(gain_db), 0.1);
  }
}

TEST_F(TapEnhancement, hears_how_much_less_noise_there_is) {
  for (double less_db : {6.0, 12.0, 20.0}) {
    const TapFigures post = compare(noisy, sum(voice, hiss, 0.002 * std::pow(10, -less_db / 20)));
    EXPECT_NEAR(post.last("noise_reduction_db"), less_db, 1);
    EXPECT_NEAR(post.last("agc_gain_db"), 0, 0.2);
  }
}

TEST_F(TapEnhancement, finds_nothing_done_where_nothing_was) {
  const TapFigures post = compare(noisy, delayed(noisy, 160));
  EXPECT_NEAR(post.mean("agc_gain_db"), 0, 0.2);
  EXPECT_NEAR(post.mean("noise_reduction_db"), 0, 1);
  EXPECT_NEAR(post.mean("log_spectral_distance_db"), 0, 0.1);
}

TEST_F(TapEnhancement, has_no_figures_of_silence) {
  const TapFigures post = compare(std::vector<float>(noisy.size()), noisy);
  EXPECT_FALSE(post.has("agc_gain_db"));
  EXPECT_FALSE(post.has("log_spectral_distance_db"));
}

TEST_F(TapEnhancement, has_no_figures_without_a_partner) {
  TapPipeline pipeline(taps("identity"));
  g_object_set(pipeline.element("post").get(), "trace", "another", nullptr);
  pipeline.on_buffer("in", "src", Player(noisy));
  const TapFigures post = pipeline.run()["POST"];
  EXPECT_TRUE(post.has("active_speech_level_dbfs"));
  for (const char* key : {"agc_gain_db", "noise_reduction_db", "log_spectral_distance_db"}) {
    EXPECT_FALSE(post.has(key)) << key;
  }
}

double numpy_distance(const std::vector<float>& before, const std::vector<float>& after, int rate,
                      size_t lag) {
  const TempFolder folder;
  std::string command = "/usr/bin/python3 " TEST_SOURCE_DIR "/spectral_distance.py";
  for (const auto* samples : {&before, &after}) {
    const auto file = folder.path() / (samples == &before ? "before" : "after");
    std::ofstream(file, std::ios::binary)
        .write(reinterpret_cast<const char*>(samples->data()),
               static_cast<std::streamsize>(samples->size() * sizeof(float)));
    command += " " + file.string();
  }
  command += " " + std::to_string(rate) + " " + std::to_string(lag);
  FILE* output = popen(command.c_str(), "r");
  double value = NAN;
  if (std::fscanf(output, "%lf", &value) != 1) value = NAN;
  pclose(output);
  return value;
}

TEST(LogSpectralDistance, of_a_known_filter_agrees_with_numpy_at_any_rate) {
  for (int rate : {8000, 16000, 48000}) {
    const auto count = static_cast<size_t>(15 * rate);
    const auto voice = sum(babble(count, rate), noise(count, 1), 0.002);
    const auto lag = static_cast<size_t>(rate / 50);
    std::vector<float> filtered(count);
    float state = 0;  // a one-pole low pass at some 500 Hz, 20 ms late
    const auto pole = static_cast<float>(std::exp(-2 * std::numbers::pi * 500 / rate));
    for (size_t i = lag; i < count; ++i) {
      filtered[i] = state = pole * state + (1 - pole) * voice[i - lag];
    }
    const double expected = numpy_distance(voice, filtered, rate, lag);
    ASSERT_GT(expected, 5);
    const TapFigures post = compare(voice, filtered, rate);
    EXPECT_NEAR(post.last_mean("log_spectral_distance_db"), expected, 0.1) << rate;
  }
}

TEST(SpectralDistance, of_a_gain_is_the_gain_and_of_silence_bounded) {
  SpectralDistance distance;
  for (int rate : {8000, 8820, 12000}) {
    distance.set_rate(rate);
    auto before = noise(distance.frame_length(), 0.1), after = before;
    for (float& sample : after) sample *= 0.5f;
    EXPECT_NEAR(distance.frame(before, before), 0, 1e-6);
    EXPECT_NEAR(distance.frame(before, after), 6.0206, 1e-3);
    const std::vector<float> silence(before.size());
    EXPECT_EQ(distance.frame(silence, silence), 0);
    EXPECT_LT(distance.frame(silence, before), 110);
  }
}

}  // namespace
}  // namespace dragoman
