// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/station/echo_meter.h"

#include <gtest/gtest.h>

#include <map>

#include "plugins/station/double_talk_meter.h"
#include "tests/plugins/station/synthetic_audio.h"

namespace dragoman {
namespace {

using namespace dragoman::testing;

constexpr int kRate = 8000;
constexpr size_t kSeconds = 20;
constexpr size_t kCount = kSeconds * kRate;
constexpr uint64_t kSecondNs = 1'000'000'000;

using Audio = std::vector<float>;

/// Reflections over 30 ms, none stronger than the first.
Audio through_a_room(const Audio& audio) {
  Audio result(audio.size());
  const auto paths = noise(240, 0.2, 99);
  for (size_t n = 0; n < paths.size(); ++n) {
    const float gain = n ? paths[n] * std::exp(-static_cast<float>(n) / 60) : 1;
    for (size_t i = n; i < audio.size(); ++i) result[i] += gain * audio[i - n];
  }
  return result;
}

/// `audio` delayed and `loss_db` quieter in all.
Audio echo_of(const Audio& audio, double delay_s, double loss_db) {
  Audio echo = delayed(through_a_room(audio), static_cast<size_t>(delay_s * kRate));
  const double gain = std::pow(10, -loss_db / 20) * rms(audio) / rms(echo);
  for (float& sample : echo) sample *= static_cast<float>(gain);
  return echo;
}

Audio operator+(const Audio& a, const Audio& b) {
  Audio sum(a);
  for (size_t i = 0; i < sum.size(); ++i) sum[i] += b[i];
  return sum;
}
Audio operator*(double gain, Audio audio) {
  for (float& sample : audio) sample *= static_cast<float>(gain);
  return audio;
}

constexpr size_t kBucketSeconds = 5;

Audio at_level(Audio audio, double dbfs) {
  const double gain = std::pow(10, dbfs / 20) / rms(audio);
  return gain * std::move(audio);
}

struct Result {
  std::map<size_t, double> loss, enhancement;  ///< by bucket
};

/// Power of `a` over that of `b` in a bucket.
double true_ratio_db(const Audio& a, const Audio& b, size_t bucket) {
  const auto part = [&](const Audio& of) {
    const auto begin = of.begin() + static_cast<ptrdiff_t>(bucket * kBucketSeconds * kRate);
    return Audio(begin, begin + kBucketSeconds * kRate);
  };
  return 20 * std::log10(rms(part(a)) / rms(part(b)));
}

/// Feeds the taps second by second, in buckets of 5 s; the far end `far_behind` seconds later.
Result measure(const Audio& far, const Audio& pre, const Audio& post, int64_t lag_ns = 0,
               size_t far_behind = 0) {
  EchoMeter meter;
  TapLog far_log, pre_log, post_log;
  Result result;
  BucketBoard board;
  const size_t loss = BucketBoard::index_of("echo_return_loss_db"),
               enhancement = BucketBoard::index_of("echo_return_loss_enhancement_db");
  uint64_t time = 1'700'000'000 * kSecondNs;
  for (size_t n = 0; n < kSeconds; ++n) {
    time += kSecondNs;
    const auto second = [](const Audio& audio, size_t number) {
      return std::span(audio).subspan(number * kRate, kRate);
    };
    if (n >= far_behind) far_log.append(second(far, n - far_behind), time - far_behind * kSecondNs);
    pre_log.append(second(pre, n), time);
    post_log.append(second(post, n), time);
    meter.listen(far_log, pre_log, post_log, lag_ns);
    if ((n + 1) % kBucketSeconds) continue;
    meter.end_bucket(board);
    if (const auto bucket = board.snapshot(0)) {
      if (bucket->aggregates[loss].count)
        result.loss[n / kBucketSeconds] = bucket->aggregates[loss].last;
      if (bucket->aggregates[enhancement].count) {
        result.enhancement[n / kBucketSeconds] = bucket->aggregates[enhancement].last;
      }
    }
    board.clear();
  }
  return result;
}

class Echo : public ::testing::Test {
 protected:
  const Audio far = at_level(babble(kCount, kRate, 5), -26), hiss = noise(kCount, 1e-4);
};

TEST_F(Echo, of_known_loss_is_measured_at_any_delay) {
  for (double delay : {0.02, 0.13, 0.42}) {
    for (double loss : {10.0, 20.0, 30.0}) {
      const Audio echo = echo_of(far, delay, loss), pre = echo + hiss;
      const Result result = measure(far, pre, pre);
      ASSERT_GE(result.loss.size(), 3u) << delay << " " << loss;
      const Audio heard = delayed(far, static_cast<size_t>(delay * kRate));
      for (const auto& [bucket, db] : result.loss) {
        EXPECT_NEAR(db, true_ratio_db(heard, echo, bucket), 1) << delay << " " << loss;
      }
      for (const auto& [bucket, db] : result.enhancement) EXPECT_NEAR(db, 0, 0.1) << delay;
    }
  }
}

TEST_F(Echo, is_measured_although_the_far_end_is_another_thread_and_behind) {
  const Audio echo = echo_of(far, 0.1, 15), pre = echo + hiss, post = 0.5 * echo + hiss;
  const Result together = measure(far, pre, post), behind = measure(far, pre, post, 0, 1);
  ASSERT_GE(behind.loss.size(), 3u);
  for (const auto& [bucket, db] : behind.loss) {
    EXPECT_NEAR(db, 15, 2);
    EXPECT_NEAR(behind.enhancement.at(bucket), 6.02, 1);
  }
  EXPECT_EQ(behind.loss.size(), together.loss.size());
}

TEST_F(Echo, that_is_taken_out_is_the_enhancement) {
  for (double less : {6.0, 20.0}) {
    const Audio echo = echo_of(far, 0.1, 12);
    const Audio post = std::pow(10, -less / 20) * echo + hiss;
    const Result result = measure(far, echo + hiss, delayed(post, 80), 10'000'000);
    ASSERT_GE(result.enhancement.size(), 3u);
    for (const auto& [bucket, db] : result.enhancement) EXPECT_NEAR(db, less, 1);
  }
}

TEST_F(Echo, that_is_all_gone_has_an_enhancement_of_what_could_be_seen) {
  const Result result = measure(far, echo_of(far, 0.1, 10) + hiss, hiss);
  ASSERT_GE(result.enhancement.size(), 3u);
  for (const auto& [bucket, db] : result.enhancement) {
    EXPECT_GT(db, 25);
    EXPECT_LE(db, 60);
  }
}

TEST_F(Echo, is_measured_although_the_caller_speaks_too) {
  const Audio near = at_level(babble(kCount, kRate, 6), -26);
  Audio pauses = near;  // speaks in three seconds of five
  for (size_t i = 0; i < pauses.size(); ++i) {
    if (i / kRate % 5 >= 3) pauses[i] = 0;
  }
  const Audio echo = echo_of(far, 0.1, 12), pre = echo + pauses + hiss;
  const Result result = measure(far, pre, pre);
  ASSERT_GE(result.loss.size(), 2u);
  const Audio heard = delayed(far, kRate / 10);
  for (const auto& [bucket, db] : result.loss) {
    EXPECT_NEAR(db, true_ratio_db(heard, echo, bucket), 1.5);
  }
}

TEST_F(Echo, is_absent_where_there_is_none) {
  for (unsigned seed = 10; seed < 30; ++seed) {
    const Audio near = at_level(babble(kCount, kRate, seed), -26) + hiss;
    EXPECT_TRUE(measure(far, near, near).loss.empty()) << seed;
  }
  EXPECT_TRUE(measure(far, noise(kCount, 0.01), hiss).loss.empty());
  const Audio silence(kCount);
  EXPECT_TRUE(measure(far, silence, silence).loss.empty());
  EXPECT_TRUE(measure(silence, far, far).loss.empty());
  EXPECT_TRUE(measure(hiss, echo_of(hiss, 0.1, 10), hiss).loss.empty()) << "nobody speaks";
}

TEST_F(Echo, of_odd_audio_is_a_number_or_none) {
  const Audio constant(kCount, 1.0f), tone = sine(kCount, 400, kRate, 1);
  for (const Audio* odd : {&constant, &tone}) {
    const Result result = measure(*odd, *odd, *odd);
    for (const auto& [bucket, db] : result.loss) EXPECT_TRUE(std::isfinite(db));
    for (const auto& [bucket, db] : result.enhancement) EXPECT_TRUE(std::isfinite(db));
  }
}

/// Two taps that say every 20 ms whether somebody speaks; share of the time in which both do.
std::optional<Aggregate> double_talk(size_t late, bool other_there = true) {
  TapLog own, other;
  DoubleTalkMeter meter;
  BucketBoard board;
  const uint64_t start = 1'700'000'000 * kSecondNs, frame = kSecondNs / 50;
  for (uint64_t n = 0; n < 500; ++n) {
    own.decided(start + n * frame, start + (n + 1) * frame, n % 100 < 60);
    if (other_there && n >= late) {
      const uint64_t m = n - late;
      other.decided(start + m * frame, start + (m + 1) * frame, m % 100 >= 50);
    }
    if (n % 50 == 49) meter.compare(own, other, board);
  }
  const auto bucket = board.snapshot(0);
  if (!bucket) return std::nullopt;
  return bucket->aggregates[BucketBoard::index_of("double_talk_ratio")];
}

TEST(DoubleTalk, is_the_share_of_the_time_in_which_both_speak) {
  const auto together = double_talk(0);
  ASSERT_TRUE(together);
  EXPECT_EQ(together->count, 500u);
  EXPECT_EQ(together->avg(), 0.1);
}

TEST(DoubleTalk, waits_for_what_the_other_tap_says_later) {
  const auto late = double_talk(100);
  ASSERT_TRUE(late);
  EXPECT_EQ(late->count, 400u);
  EXPECT_EQ(late->avg(), 0.1);
}

TEST(DoubleTalk, is_absent_while_the_other_party_is) { EXPECT_FALSE(double_talk(0, false)); }

}  // namespace
}  // namespace dragoman
