// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/station/lag_finder.h"

#include <gtest/gtest.h>

#include "plugins/station/lag_tracker.h"
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

}  // namespace
}  // namespace dragoman
