// SPDX-License-Identifier: LGPL-2.1-or-later
// Listens to a steady sine through a real worker while knobs are turned.
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>

#include "launcher/worker/workers.h"
#include "tests/fakes/clicks.h"
#include "tests/fakes/main_loop.h"

namespace dragoman {
namespace {

namespace fs = std::filesystem;
using fakes::wait_until;

constexpr double kTone = 440, kRampSamples = 0.030 * fakes::kListenRate;

/// What stands in call-translate between the taps.
constexpr char kFile[] = R"([parameters]
out = path /dev/null   raw audio
[knobs]
gain_db = gain.volume
raw_gain = fast.amplification
noise_reduction.enabled = dsp.noise-suppression
agc.enabled = dsp.gain-control
[launch]
audiotestsrc is-live=true freq=440 volume=0.2 samplesperbuffer=320 !
  audio/x-raw,format=S16LE,rate=16000,channels=1 ! volume name=gain !
  voicedsp name=dsp noise-suppression=false gain-control=false high-pass-filter=false !
  audioamplify name=fast ! filesink location=${out} buffer-mode=unbuffered
)";

class KnobListening : public testing::Test, public WorkersListener {
 protected:
  KnobListening() {
    char name[] = "/tmp/dragoman-knobs-XXXXXX";
    folder_ = mkdtemp(name);
    std::ofstream(folder_ / "tone.pipeline") << kFile;
    workers_ = std::make_unique<Workers>(Workers::Options{DRAGOMAN_PROGRAM, 1, {}}, *this);
  }
  ~KnobListening() override {
    workers_.reset();
    fs::remove_all(folder_);
  }
  void on_pipeline_message(const std::string&, const std::string&, GVariant*) override {}
  void on_pipeline_ended(const std::string&, const std::string& reason,
                         const std::string& detail) override {
    ended_ = reason + detail;
  }
  void on_worker_restarted(const std::vector<std::string>&) override {}

  size_t recorded() const {
    std::error_code none;
    const auto size = fs::file_size(folder_ / "out.raw", none);
    return none ? 0 : size / sizeof(int16_t);
  }
  bool wait_for(double seconds) {
    const size_t until = recorded() + static_cast<size_t>(seconds * fakes::kListenRate);
    return wait_until([&] { return recorded() >= until; }, 30000);
  }
  void turn(const std::string& knob, const std::string& value) {
    std::optional<std::string> answer;
    workers_->set_knob("a", knob, g_variant_new_string(value.c_str()),
                       [&](const std::string& error, GVariant*) { answer = error; });
    ASSERT_TRUE(wait_until([&] { return answer.has_value(); }));
    ASSERT_EQ(*answer, "");
  }
  /// What is heard while `turning` turns knobs.
  std::vector<int16_t> listen(const std::function<void()>& turning) {
    std::optional<std::string> answer;
    PipelineRequest request{.id = "a", .file = (folder_ / "tone.pipeline").string()};
    request.parameters["out"] = (folder_ / "out.raw").string();
    workers_->start(request, "g", [&](const std::string& error, int) { answer = error; });
    EXPECT_TRUE(wait_until([&] { return answer.has_value(); }, 20000));
    EXPECT_EQ(answer.value_or("no answer"), "");
    EXPECT_TRUE(wait_for(0.5));
    turning();
    workers_->stop("a");
    EXPECT_TRUE(wait_until([&] { return !ended_.empty(); }, 10000));
    EXPECT_EQ(ended_, "stopped");
    std::vector<int16_t> wave(recorded());
    std::ifstream(folder_ / "out.raw", std::ios::binary)
        .read(reinterpret_cast<char*>(wave.data()), static_cast<std::streamsize>(wave.size() * 2));
    return wave;
  }
  static double level_at_end(const std::vector<int16_t>& wave) {
    int most = 0;
    for (size_t i = wave.size() - 1600; i < wave.size(); ++i) most = std::max(most, abs(wave[i]));
    return most / 32768.0;
  }

  fs::path folder_;
  std::unique_ptr<Workers> workers_;
  std::string ended_;
};

TEST_F(KnobListening, AGainThatIsTurnedIsARampWithoutAStep) {
  const std::vector<int16_t> wave = listen([this] {
    for (const char* factor : {"0.25", "2", "1", "0", "1", "0.5"}) {
      turn("gain_db", factor);
      EXPECT_TRUE(wait_for(0.25));
    }
  });
  // At most the sine's own slope at the greatest gain, and the ramp's: 0.2 · 1.75 in 30 ms.
  const double slope = 2 * 0.4 * std::sin(std::numbers::pi * kTone / fakes::kListenRate);
  const double most = 32768 * (slope + 0.4 / kRampSamples) + 2;
  for (size_t i = 1; i < wave.size(); ++i)
    ASSERT_LE(std::abs(wave[i] - wave[i - 1]), most) << "sample " << i;
  EXPECT_LE(fakes::worst_step(wave, kTone), 1.1);
  EXPECT_LT(fakes::loudest_burst(wave, 2500), -65);
  EXPECT_NEAR(level_at_end(wave), 0.1, 0.002);
}

TEST_F(KnobListening, TurnsInQuickSuccessionGoOnFromWhereTheGainIs) {
  const std::vector<int16_t> wave = listen([this] {
    for (int i = 0; i < 20; ++i) turn("gain_db", i % 2 ? "1" : "0.1");
    EXPECT_TRUE(wait_for(0.3));
  });
  EXPECT_LE(fakes::worst_step(wave, kTone), 1.1);
  EXPECT_LT(fakes::loudest_burst(wave, 2500), -65);
  EXPECT_NEAR(level_at_end(wave), 0.2, 0.002);
}

TEST_F(KnobListening, SwitchesOfTheDspAreNoBurst) {
  const std::vector<int16_t> wave = listen([this] {
    for (const char* on : {"true", "false"}) {
      turn("noise_reduction.enabled", on);
      EXPECT_TRUE(wait_for(0.3));
      turn("agc.enabled", on);
      EXPECT_TRUE(wait_for(1.6));
    }
  });
  EXPECT_LE(fakes::worst_step(wave, kTone), 1.1);
  EXPECT_LT(fakes::loudest_burst(wave, 2500), -65);
}

TEST_F(KnobListening, AnElementThatJumpsIsHeardByTheseEars) {
  const std::vector<int16_t> wave = listen([this] {
    for (const char* factor : {"0", "1", "0", "1", "0", "1", "0", "1"}) {
      turn("raw_gain", factor);
      EXPECT_TRUE(wait_for(0.1));
    }
  });
  EXPECT_GT(fakes::loudest_burst(wave, 2500), -60);
}

}  // namespace
}  // namespace dragoman
