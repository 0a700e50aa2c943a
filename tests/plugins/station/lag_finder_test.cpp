// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/station/lag_finder.h"

#include <gtest/gtest.h>

#include <limits>

#include "plugins/station/lag_tracker.h"
#include "tests/plugins/station/sox.h"
#include "tests/plugins/station/synthetic_audio.h"

namespace dragoman {
namespace {

using namespace dragoman::testing;

constexpr double kMin = -0.1, kMax = 0.5, kWindow = 1.0;

/// A finder and what it compares: `window` is heard one second into `reference`.
struct Scene {
  explicit Scene(int rate) : rate(rate), finder(kMin, kMax, kWindow, 0.35) {
    finder.set_rate(rate);
  }
  std::optional<Lag> find(const std::vector<float>& reference, const std::vector<float>& window) {
    return finder.find(part(reference, -kMax, finder.reference_length()),
                       part(window, 0, finder.window_length()));
  }
  std::span<const float> part(const std::vector<float>& of, double from_s, size_t count) const {
    return std::span(of).subspan(static_cast<size_t>((1 + from_s) * rate), count);
  }
  int rate;
  LagFinder finder;
};

TEST(LagFinder, finds_a_delay_of_noise_and_of_a_voice) {
  for (int rate : {8000, 8820, 12000}) {
    Scene scene(rate);
    for (const auto& audio :
         {noise(static_cast<size_t>(4 * rate), 0.1), babble(static_cast<size_t>(4 * rate), rate)}) {
      for (double delay : {0.0, 0.006, 0.0371, 0.25, 0.49}) {
        const auto late = delayed(audio, static_cast<size_t>(std::lround(delay * rate)));
        const auto lag = scene.find(audio, late);
        ASSERT_TRUE(lag) << rate << " " << delay;
        EXPECT_NEAR(lag->seconds, delay, 1.5 / rate);
        EXPECT_GT(lag->correlation, 0.99);
        const auto early = scene.find(late, audio);
        if (delay < 0.1) {
          ASSERT_TRUE(early);
          EXPECT_NEAR(early->seconds, -delay, 1.5 / rate);
        }
      }
    }
  }
}

TEST(LagFinder, finds_it_whatever_gain_polarity_offset_and_noise) {
  Scene scene(8000);
  const auto voice = babble(32000, 8000);
  auto late = delayed(voice, 300);
  const auto hiss = noise(late.size(), rms(late) / 5);
  for (size_t i = 0; i < late.size(); ++i) late[i] = 0.1f - 0.2f * late[i] + 0.2f * hiss[i];
  const auto lag = scene.find(voice, late);
  ASSERT_TRUE(lag);
  EXPECT_NEAR(lag->seconds, 0.0375, 0.0002);
}

TEST(LagFinder, does_not_take_a_tone_another_voice_a_constant_or_silence_for_a_delay) {
  Scene scene(8000);
  const auto voice = babble(32000, 8000), tone = sine(32000, 440, 8000, 0.5);
  const std::vector<float> silence(32000), constant(32000, 0.5f);
  std::vector<float> square(32000);
  for (size_t i = 0; i < square.size(); ++i) square[i] = i % 20 < 10 ? 1.0f : -1.0f;
  for (unsigned seed = 2; seed < 12; ++seed) {
    EXPECT_FALSE(scene.find(voice, babble(32000, 8000, seed))) << seed;
  }
  EXPECT_TRUE(scene.finder.heard());
  EXPECT_FALSE(scene.find(tone, tone));
  EXPECT_FALSE(scene.find(square, square));
  EXPECT_FALSE(scene.find(constant, constant));
  EXPECT_FALSE(scene.find(silence, silence));
  EXPECT_FALSE(scene.finder.heard());
  EXPECT_FALSE(scene.find(voice, silence));
  EXPECT_FALSE(scene.find(silence, voice));
}

TEST(LagFinder, does_not_take_what_overflows_for_a_delay) {
  Scene scene(8000);
  const auto voice = babble(32000, 8000);
  for (const float huge : {std::numeric_limits<float>::max(), 1e25f, 1e19f}) {
    std::vector<float> loud(32000);
    for (size_t i = 0; i < loud.size(); ++i) loud[i] = i % 2 ? -huge : huge;
    EXPECT_FALSE(scene.find(loud, loud)) << huge;
    EXPECT_FALSE(scene.find(voice, loud)) << huge;
    EXPECT_FALSE(scene.finder.confirm(scene.part(loud, -kMax, scene.finder.reference_length()),
                                      scene.part(voice, 0, scene.finder.window_length()), 0.01))
        << huge;
  }
}

TEST(LagTracker, follows_a_delay_that_changes_and_keeps_it_through_silence) {
  LagTracker tracker(kMin, kMax, kWindow, 0.35);
  tracker.set_rate(8000);
  TapLog pre, post;
  const auto voice = babble(8000 * 20, 8000);
  const std::vector<float> silence(8000);
  uint64_t time = 1'700'000'000'000'000'000;
  const auto second = [&](size_t n, size_t late, bool silent) {
    time += 1'000'000'000;
    const std::span all(voice);
    pre.append(silent ? std::span<const float>(silence) : all.subspan(n * 8000, 8000), time);
    post.append(silent ? std::span<const float>(silence) : all.subspan(n * 8000 - late, 8000),
                time);
    tracker.update(pre, post);
  };
  second(1, 80, false);
  EXPECT_FALSE(tracker.lag_ns()) << "too little heard";
  for (size_t n = 2; n < 5; ++n) second(n, 80, false);
  ASSERT_TRUE(tracker.lag_ns());
  EXPECT_NEAR(static_cast<double>(*tracker.lag_ns()), 10e6, 2e5);
  EXPECT_TRUE(tracker.fresh());
  for (size_t n = 5; n < 9; ++n) second(n, 80, true);
  EXPECT_NEAR(static_cast<double>(*tracker.lag_ns()), 10e6, 2e5);
  EXPECT_FALSE(tracker.fresh());
  for (size_t n = 9; n < 16; ++n) second(n, 800, false);
  EXPECT_NEAR(static_cast<double>(*tracker.lag_ns()), 100e6, 2e5);
  tracker.reset();
  EXPECT_FALSE(tracker.lag_ns());
}

/// What a tracker says, second by second, of `audio` that is 40 ms late and from the 12th second on
/// 100 ms.
std::vector<double> lags_of(const std::vector<float>& audio) {
  LagTracker tracker(kMin, kMax, kWindow, 0.35);
  tracker.set_rate(8000);
  TapLog pre, post;
  std::vector<double> lags_ms;
  for (size_t n = 1; n < audio.size() / 8000; ++n) {
    const uint64_t time = (1'700'000'000 + n) * 1'000'000'000;
    const std::span all(audio);
    pre.append(all.subspan(n * 8000, 8000), time);
    post.append(all.subspan(n * 8000 - (n < 12 ? 320 : 800), 8000), time);
    tracker.update(pre, post);
    lags_ms.push_back(static_cast<double>(tracker.lag_ns().value_or(0)) * 1e-6);
  }
  return lags_ms;
}

TEST(LagTracker, follows_a_delay_that_changes_although_a_tone_or_hum_fits_the_old_one) {
  const auto prompt = sox_samples(kEnglishPrompt, "repeat 9 trim 0 24");
  if (prompt.empty()) GTEST_SKIP() << "no sox, or no " << kEnglishPrompt;
  std::vector<float> voice(prompt.begin(), prompt.end());
  const auto gain = static_cast<float>(0.1 / rms(voice));
  for (float& sample : voice) sample *= gain;
  const struct {
    double hz, amplitude;
  } tones[] = {{1000, 0.1}, {1000, 0.05}, {400, 0.2}, {100, 0.4}};
  for (const auto& [hz, amplitude] : tones) {
    auto audio = voice;
    const auto tone = sine(audio.size(), hz, 8000, amplitude);
    for (size_t i = 0; i < audio.size(); ++i) audio[i] += tone[i];
    const auto lags = lags_of(audio);
    EXPECT_NEAR(lags.at(9), 40, 0.2) << hz;
    for (size_t i = 15; i < lags.size(); ++i) EXPECT_NEAR(lags[i], 100, 0.2) << hz << " " << i;
  }
}

TEST(LagTracker, keeps_the_delay_of_audio_that_gets_noisy) {
  auto voice = babble(8000 * 20, 8000);
  LagTracker tracker(kMin, kMax, kWindow, 0.15);
  tracker.set_rate(8000);
  TapLog pre, post;
  const auto hiss = noise(voice.size(), 1.5 * rms(voice));
  for (size_t n = 1; n < 20; ++n) {
    const uint64_t time = (1'700'000'000 + n) * 1'000'000'000;
    std::vector<float> late(8000);
    for (size_t i = 0; i < late.size(); ++i) {
      const size_t at = n * 8000 + i;
      late[i] = voice[at - 320] + (n > 6 && n % 2 ? hiss[at] : 0);
    }
    pre.append(std::span(voice).subspan(n * 8000, 8000), time);
    post.append(late, time);
    tracker.update(pre, post);
    if (n < 4) continue;
    ASSERT_TRUE(tracker.lag_ns());
    EXPECT_NEAR(static_cast<double>(*tracker.lag_ns()) * 1e-6, 40, 0.3) << n;
  }
}

}  // namespace
}  // namespace dragoman
