// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/station/decimator.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "tests/plugins/station/synthetic_audio.h"

namespace dragoman {
namespace {

using namespace dragoman::testing;

constexpr size_t kDelay = 11;  // samples at 8 kHz

std::vector<float> decimate(const std::vector<float>& in, int rate, size_t step,
                            size_t channels = 1) {
  Decimator decimator;
  decimator.set_format(rate, channels);
  std::vector<float> out;
  for (size_t i = 0; i < in.size(); i += step) {
    const auto part = decimator.feed(std::span(in).subspan(i, std::min(step, in.size() - i)));
    out.insert(out.end(), part.begin(), part.end());
  }
  return out;
}

double db(double ratio) { return 20 * std::log10(ratio); }

TEST(Decimator, makes_8_khz_of_the_usual_rates_and_a_little_more_of_others) {
  Decimator decimator;
  for (int rate : {8000, 16000, 24000, 32000, 48000}) {
    decimator.set_format(rate, 1);
    EXPECT_EQ(decimator.rate(), 8000) << rate;
  }
  decimator.set_format(44100, 1);
  EXPECT_EQ(decimator.rate(), 8820);
  EXPECT_EQ(decimate(noise(48000, 0.1), 48000, 480).size(), 8000u);
}

TEST(Decimator, passes_the_telephone_band_and_keeps_what_would_fold_out) {
  for (int rate : {16000, 48000}) {
    const auto gain = [&](double hz) {
      auto out = decimate(sine(static_cast<size_t>(rate), hz, rate, 0.5), rate, 1000);
      out.erase(out.begin(), out.begin() + 50);  // where the sine begins it has other frequencies
      return db(rms(out) / (0.5 / std::numbers::sqrt2));
    };
    for (double hz : {100.0, 1000.0, 3000.0, 3380.0}) EXPECT_NEAR(gain(hz), 0, 0.1) << hz;
    for (double hz : {4800.0, 6000.0, 7900.0}) EXPECT_LT(gain(hz), -45) << hz;
  }
}

TEST(Decimator, gives_the_same_in_pieces_of_any_size) {
  const auto in = noise(9000, 0.2);
  const auto reference = decimate(in, 48000, 1000);
  for (size_t step : {1u, 7u, 160u, 1024u}) EXPECT_EQ(decimate(in, 48000, step), reference);
}

TEST(Decimator, takes_the_mean_of_two_channels_and_counts_what_is_no_number_as_silence) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  std::vector<float> in{0.5f, 0.25f, nan, 0.5f};
  in.resize(2 * (2 + kDelay));
  const auto out = decimate(in, 8000, 4, 2);
  EXPECT_EQ(std::vector<float>(out.begin() + kDelay, out.end()),
            (std::vector<float>{0.375f, 0.25f}));
}

TEST(Decimator, counts_what_is_huge_as_silence) {
  for (const float huge : {std::numeric_limits<float>::max(), 2e6f}) {
    for (int rate : {8000, 16000, 48000}) {
      const std::vector<float> in(4800, huge);
      EXPECT_EQ(rms(decimate(in, rate, 1000)), 0) << rate;
    }
  }
}

TEST(Decimator, holds_back_as_much_whatever_the_rate) {
  constexpr double kHz = 500;
  const auto expected = sine(400, kHz, 8000, 0.5);
  for (int rate : {8000, 16000, 24000, 32000, 48000}) {
    const auto out = decimate(sine(static_cast<size_t>(rate / 20), kHz, rate, 0.5), rate, 1000);
    ASSERT_EQ(out.size(), expected.size());
    for (size_t i = 50; i < out.size(); ++i) {
      ASSERT_NEAR(out[i], expected[i - kDelay], 0.003) << rate << " Hz, sample " << i;
    }
  }
}

}  // namespace
}  // namespace dragoman
