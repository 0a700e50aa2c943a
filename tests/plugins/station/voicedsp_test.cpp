// SPDX-License-Identifier: LGPL-2.1-or-later
// voicedsp as a whole: what is heard while its settings change.
#include <gst/check/gstharness.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "tests/fakes/clicks.h"
#include "tests/plugins/common/gst_environment.h"

namespace dragoman {
namespace {

using fakes::loudest_burst;
using fakes::sine;
using fakes::worst_step;

constexpr double kTone = 440;
constexpr size_t kSecond = 16000;
constexpr char kCaps[] = "audio/x-raw,format=S16LE,rate=16000,channels=1,layout=interleaved";

GstBuffer* buffer_of(const int16_t* samples, size_t count, size_t position) {
  GstBuffer* buffer = gst_buffer_new_memdup(samples, count * sizeof(int16_t));
  GST_BUFFER_PTS(buffer) = gst_util_uint64_scale(position, GST_SECOND, kSecond);
  GST_BUFFER_DURATION(buffer) = gst_util_uint64_scale(count, GST_SECOND, kSecond);
  return buffer;
}

class VoiceDspTest : public ::testing::Test {
 protected:
  explicit VoiceDspTest(const std::string& settings = "") {
    const std::string launch =
        "voicedsp noise-suppression=false gain-control=false "
        "high-pass-filter=false " +
        settings;
    GstElement* element = gst_parse_launch(launch.c_str(), nullptr);
    near_ = gst_harness_new_with_element(element, "sink", "src");
    gst_harness_set_src_caps_str(near_, kCaps);
    element_ = element;
  }
  ~VoiceDspTest() override {
    if (far_) gst_harness_teardown(far_);
    gst_harness_teardown(near_);
    gst_object_unref(element_);
  }
  void link_far_end() {
    far_ = gst_harness_new_with_element(element_, "far_sink", "far_src");
    gst_harness_set_src_caps_str(far_, kCaps);
  }
  void set(const char* property, auto value) { g_object_set(element_, property, value, nullptr); }

  static void take(GstHarness* from, std::vector<int16_t>& to) {
    while (GstBuffer* buffer = gst_harness_try_pull(from)) {
      const size_t size = gst_buffer_get_size(buffer) / sizeof(int16_t);
      to.resize(to.size() + size);
      gst_buffer_extract(buffer, 0, to.data() + to.size() - size, size * sizeof(int16_t));
      gst_buffer_unref(buffer);
    }
  }
  /// Feeds `wave` in buffers of `size` samples; what came out is added to heard_.
  void play(const std::vector<int16_t>& wave, size_t size = 320) {
    for (size_t at = 0; at < wave.size(); at += size) {
      const size_t count = std::min(size, wave.size() - at);
      ASSERT_EQ(gst_harness_push(near_, buffer_of(wave.data() + at, count, fed_)), GST_FLOW_OK);
      fed_ += count;
      take(near_, heard_);
    }
  }
  void play_tone(double seconds, size_t size = 320) {
    play(sine(kTone, 9000, static_cast<size_t>(seconds * kSecond), fed_), size);
  }
  std::vector<int16_t> heard_since(size_t from) const {
    return {heard_.begin() + static_cast<std::ptrdiff_t>(from), heard_.end()};
  }

  GstElement* element_ = nullptr;
  GstHarness *near_ = nullptr, *far_ = nullptr;
  size_t fed_ = 0;
  std::vector<int16_t> heard_;
};

TEST(Listening, FindsATornSineAndAnEdge) {
  std::vector<int16_t> wave = sine(kTone, 9000, kSecond);
  EXPECT_LE(worst_step(wave, kTone), 1.01);
  EXPECT_LT(loudest_burst(wave, 2500), -75);
  wave.erase(wave.begin() + 8000, wave.begin() + 8010);
  EXPECT_GT(worst_step(wave, kTone), 1.5);
  EXPECT_GT(loudest_burst(wave, 2500), -55);
}

struct Change {
  const char* property;
  int value;
};

class VoiceDspChange : public VoiceDspTest, public ::testing::WithParamInterface<Change> {};

TEST_P(VoiceDspChange, IsNotHeardAsAClickThereAndBack) {
  for (const size_t size : {320, 256, 77}) {
    play_tone(1.5, size);
    const size_t before = heard_.size();
    set(GetParam().property, GetParam().value);
    play_tone(1.5, size);
    set(GetParam().property, GetParam().value == 18 ? 3 : 0);
    play_tone(1.5, size);
    const std::vector<int16_t> around = heard_since(before);
    EXPECT_LE(worst_step(around, kTone), 1.1) << "buffers of " << size;
    EXPECT_LT(loudest_burst(around, 2500), -65) << "buffers of " << size;
    EXPECT_GE(heard_.size() + 160, fed_) << "nothing is lost";
    set("gain-control", 0);
  }
}

INSTANTIATE_TEST_SUITE_P(Each, VoiceDspChange,
                         ::testing::Values(Change{"noise-suppression", 1},
                                           Change{"gain-control", 1},
                                           Change{"target-level-dbfs", 18},
                                           Change{"high-pass-filter", 1}),
                         [](const auto& change) {
                           std::string name = change.param.property;
                           std::erase(name, '-');
                           return name;
                         });

TEST_F(VoiceDspTest, WithEverythingOffAudioLeavesAsItCame) {
  const std::vector<int16_t> wave = sine(kTone, 9000, kSecond);
  play(wave);
  ASSERT_EQ(heard_.size(), wave.size());
  int most = 0;
  for (size_t i = 0; i < wave.size(); ++i) most = std::max(most, std::abs(heard_[i] - wave[i]));
  EXPECT_LE(most, 1);
}

TEST_F(VoiceDspTest, AChangeTakesEffect) {
  std::mt19937 random(1);
  std::normal_distribution<double> noise(0, 1000);
  std::vector<int16_t> hiss(3 * kSecond);
  for (int16_t& sample : hiss) sample = static_cast<int16_t>(noise(random));
  const auto power = [this](size_t from) {
    double all = 0;
    for (size_t i = from; i < heard_.size(); ++i) all += double(heard_[i]) * heard_[i];
    return 10 * std::log10(all / double(heard_.size() - from));
  };
  play(hiss);
  const double loud = power(heard_.size() - kSecond);
  set("noise-suppression", 1);
  play(hiss);
  EXPECT_LT(power(heard_.size() - kSecond), loud - 6);
  set("noise-suppression", 0);
  play(hiss);
  EXPECT_NEAR(power(heard_.size() - kSecond), loud, 0.5);
}

/// Noise in syllables, as speech comes.
std::vector<int16_t> babble(double seconds) {
  std::mt19937 random(7);
  std::normal_distribution<double> noise(0, 1);
  std::vector<int16_t> wave(static_cast<size_t>(seconds * kSecond));
  double low = 0;
  for (size_t i = 0; i < wave.size(); ++i) {
    low += 0.3 * (noise(random) - low);
    const double syllable = std::max(0.0, std::sin(2 * std::numbers::pi * 3 * double(i) / kSecond));
    wave[i] = static_cast<int16_t>(9000 * syllable * low);
  }
  return wave;
}

class VoiceDspEcho : public VoiceDspTest {
 protected:
  /// How much quieter the echo of the far end, 120 ms late and 10 dB down, leaves in the last
  /// second, dB.
  double echo_loss(double seconds) {
    const std::vector<int16_t> far = babble(seconds);
    std::vector<int16_t> near(far.size());
    constexpr size_t kDelay = kSecond * 120 / 1000;
    for (size_t i = kDelay; i < far.size(); ++i)
      near[i] = static_cast<int16_t>(0.32 * far[i - kDelay]);
    for (size_t at = 0; at + 320 <= far.size(); at += 320) {
      EXPECT_EQ(gst_harness_push(far_, buffer_of(far.data() + at, 320, fed_)), GST_FLOW_OK);
      take(far_, far_heard_);
      play({near.begin() + std::ptrdiff_t(at), near.begin() + std::ptrdiff_t(at) + 320});
    }
    EXPECT_EQ(far_heard_, far) << "the far end leaves as it came";
    far_heard_.clear();
    double in = 0, out = 0;
    for (size_t i = 1; i <= kSecond; ++i) {
      in += double(near[near.size() - i]) * near[near.size() - i];
      out += double(heard_[heard_.size() - i]) * heard_[heard_.size() - i];
    }
    return 10 * std::log10(in / (out + 1));
  }
  std::vector<int16_t> far_heard_;
};

TEST_F(VoiceDspEcho, IsTakenOutOnceSwitchedOnInMidStream) {
  link_far_end();
  EXPECT_NEAR(echo_loss(3), 0, 0.1);
  set("echo-cancel", 1);
  const double loss = echo_loss(8);
  RecordProperty("loss_db", std::to_string(loss));
  std::printf("echo return loss %.1f dB\n", loss);
  EXPECT_GT(loss, 15);
  set("echo-cancel", 0);
  EXPECT_NEAR(echo_loss(3), 0, 0.1);
}

TEST_F(VoiceDspEcho, WithoutTheFarEndPlaysOnAndWarns) {
  GstBus* bus = gst_bus_new();
  gst_element_set_bus(element_, bus);
  set("echo-cancel", 1);
  play_tone(1);
  GstMessage* warning = gst_bus_pop_filtered(bus, GST_MESSAGE_WARNING);
  ASSERT_TRUE(warning);
  gst_message_unref(warning);
  EXPECT_LE(worst_step(heard_, kTone), 1.1);
  gst_element_set_bus(element_, nullptr);
  gst_object_unref(bus);
}

}  // namespace
}  // namespace dragoman
