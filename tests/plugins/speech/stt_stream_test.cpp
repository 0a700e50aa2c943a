// SPDX-License-Identifier: LGPL-2.1-or-later
// From audio to clauses, with a recogniser and a voice detector of the tests' own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <random>

#include "plugins/speech/providers/stt/clause_stream.h"
#include "plugins/speech/providers/stt/energy.h"
#include "plugins/speech/providers/stt/words.h"

namespace dragoman::stt {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr uint64_t kStart = 1'700'000'000'000'000'000;

// The tests' speech: words of 320 ms, each a constant amplitude that tells which word it is. The
// recogniser reads them back, so that a lost or doubled sample shows as a lost or doubled word.
constexpr size_t kWord = 10 * kFrame;
constexpr int kStep = 64;  // of amplitude between words

std::vector<int16_t> word(int number) {
  return std::vector<int16_t>(kWord, static_cast<int16_t>(8000 + number * kStep));
}

class FakeDetector : public VoiceDetector {
 public:
  bool accept(std::span<const float> frame) override { return frame.back() > 0.1f; }
};

class FakeRecognizer : public Recognizer {
 public:
  struct Job {
    std::vector<float> audio;
    Urgency urgency;
    std::function<void(Decoded)> done;
  };
  explicit FakeRecognizer(std::deque<Job>& jobs) : jobs_(jobs) {}
  void decode(std::vector<float> audio, Urgency urgency,
              std::function<void(Decoded)> done) override {
    jobs_.push_back({std::move(audio), urgency, std::move(done)});
  }

 private:
  std::deque<Job>& jobs_;
};

/// "w3 w4, w5": every third word ends a clause; a word of which less than a half is there is not
/// heard.
std::string read(std::span<const float> audio) {
  std::string text;
  for (size_t at = 0; at < audio.size();) {
    const int number = static_cast<int>(std::lround((audio[at] * 32768 - 8000) / kStep));
    size_t end = at;
    while (end < audio.size() && audio[end] == audio[at]) ++end;
    if (audio[at] > 0.1f && end - at >= kWord / 2) {
      text += (text.empty() ? "w" : " w") + std::to_string(number) + (number % 3 == 2 ? "," : "");
    }
    at = end;
  }
  return text;
}

class ClauseStreamTest : public testing::Test, public SttListener {
 protected:
  ClauseStreamTest() {
    ClauseStreamClocks clocks{[this] { return utc_; }, [this] { return steady_; }};
    stream_ = std::make_unique<ClauseStream>(
        *this, [this](auto task) { tasks_.push_back(std::move(task)); },
        std::make_unique<FakeDetector>(), std::make_unique<FakeRecognizer>(jobs_), clocks);
  }
  void on_partial(const SttResult& partial) override { partials_.push_back(partial.text); }
  void on_clause(const SttResult& clause) override { clauses_.push_back(clause); }
  void on_settled(uint64_t utc) override { settled_ = utc; }
  void on_flushed() override { flushed_ = true; }
  void on_failure(const std::string& error, SttFailureKind) override { FAIL() << error; }

  /// Audio in frames of 20 ms, as calls bring it; `decoding`: the recogniser answers at once.
  void hear(const std::vector<int16_t>& audio, bool decoding = true) {
    for (size_t at = 0; at < audio.size(); at += 320) {
      const size_t size = std::min<size_t>(320, audio.size() - at);
      stream_->push(std::span(audio).subspan(at, size), utc_);
      utc_ += size * kSttNsPerSample;
      steady_ += std::chrono::milliseconds(20);
      if (decoding) decode();
    }
  }
  void silence(unsigned ms, bool decoding = true) {
    hear(std::vector<int16_t>(ms * 16, 0), decoding);
  }
  void say(int first, int last, bool decoding = true) {
    for (int number = first; number <= last; ++number) hear(word(number), decoding);
  }
  void decode() {
    while (!jobs_.empty()) {
      const auto job = std::move(jobs_.front());
      jobs_.pop_front();
      job.done({answer_ ? *answer_ : read(job.audio), decode_ms_});
      while (!tasks_.empty()) {
        const auto task = std::move(tasks_.front());
        tasks_.pop_front();
        task();
      }
    }
  }
  std::string said() const {
    std::vector<std::string> texts;
    std::string all;
    for (const auto& clause : clauses_) all += (all.empty() ? "" : " ") + clause.text;
    return all;
  }
  static std::string words(int first, int last) {
    std::string all;
    for (int number = first; number <= last; ++number) {
      all += (all.empty() ? "w" : " w") + std::to_string(number) + (number % 3 == 2 ? "," : "");
    }
    return all;
  }

  uint64_t utc_ = kStart;
  std::chrono::steady_clock::time_point steady_{};
  double decode_ms_ = 50;
  std::optional<std::string> answer_;
  std::deque<FakeRecognizer::Job> jobs_;
  std::deque<std::function<void()>> tasks_;
  std::vector<std::string> partials_;
  std::vector<SttResult> clauses_;
  uint64_t settled_ = 0;
  bool flushed_ = false;
  std::unique_ptr<ClauseStream> stream_;
};

TEST_F(ClauseStreamTest, silence_is_not_even_decoded) {
  silence(5000, false);
  EXPECT_THAT(jobs_, IsEmpty());
  stream_->flush();
  EXPECT_TRUE(flushed_);
}

TEST_F(ClauseStreamTest, a_click_is_not_decoded) {
  silence(500, false);
  hear(std::vector<int16_t>(640, 20000), false);
  silence(1000, false);
  EXPECT_THAT(jobs_, IsEmpty());
}

TEST_F(ClauseStreamTest, an_utterance_is_committed_within_400_ms_of_its_end) {
  silence(640);
  say(0, 1);
  const uint64_t end = utc_;
  silence(600);
  ASSERT_EQ(clauses_.size(), 1u);
  EXPECT_EQ(clauses_[0].text, "w0 w1");
  EXPECT_NEAR((clauses_[0].committed_utc - end) / 1e6, 310, 90);
  EXPECT_NEAR((static_cast<double>(clauses_[0].end_utc) - end) / 1e6, 0, 20);
  EXPECT_NEAR((clauses_[0].start_utc - kStart) / 1e6, 640, 40);
  EXPECT_EQ(clauses_[0].utterance, clauses_[0].start_utc / 1000);
}

TEST_F(ClauseStreamTest, the_decode_begun_in_the_pause_serves_as_the_last_one) {
  say(0, 1, false);
  jobs_.clear();
  silence(200, false);
  ASSERT_EQ(jobs_.size(), 1u);
  EXPECT_EQ(jobs_[0].urgency, Urgency::kSpeculative);
  silence(400, false);
  EXPECT_EQ(jobs_.size(), 1u);
  decode();
  EXPECT_EQ(said(), "w0 w1");
}

TEST_F(ClauseStreamTest, a_decode_of_a_pause_is_not_the_end_when_the_speaker_goes_on) {
  say(0, 1);
  silence(192);
  say(3, 3);
  silence(600);
  EXPECT_EQ(said(), "w0 w1 w3");
}

TEST_F(ClauseStreamTest, clauses_are_committed_while_the_speaker_goes_on) {
  say(0, 8);
  EXPECT_EQ(said(), words(0, 5));
  ASSERT_EQ(clauses_.size(), 2u);
  EXPECT_EQ(clauses_[1].clause, 1u);
  EXPECT_EQ(clauses_[1].utterance, clauses_[0].utterance);
  EXPECT_EQ(clauses_[1].start_utc, clauses_[0].end_utc);
  EXPECT_NEAR((clauses_[0].end_utc - kStart) / 1e6, 3 * 320, 200);
  EXPECT_FALSE(partials_.empty());
}

TEST_F(ClauseStreamTest, ten_minutes_without_a_pause_come_out_whole_and_without_growing_delay) {
  constexpr int kWords = 10 * 60 * 1000 / 320;
  size_t most_waiting = 0;
  double longest_delay = 0;
  std::string expected;
  for (int number = 0; number < kWords; ++number) {
    hear(word(number % 300));
    expected += (expected.empty() ? "w" : " w") + std::to_string(number % 300) +
                (number % 300 % 3 == 2 ? "," : "");
    if (!clauses_.empty()) longest_delay = std::max(longest_delay, (utc_ - settled_) / 1e9);
    most_waiting = std::max(most_waiting, jobs_.size());
  }
  silence(600);
  EXPECT_EQ(split_words(said()).size(), static_cast<size_t>(kWords));
  EXPECT_EQ(said(), expected);
  EXPECT_LE(longest_delay, 10.5);
  EXPECT_LE(most_waiting, 1u);
}

TEST_F(ClauseStreamTest, segments_are_at_most_ten_seconds_and_lose_nothing_when_decoding_is_late) {
  say(0, 99, false);
  silence(600, false);
  for (const auto& job : jobs_) EXPECT_LE(job.audio.size(), 10 * kSttRate + kFrame);
  EXPECT_THAT(clauses_, IsEmpty());
  decode();
  EXPECT_EQ(split_words(said()), split_words(words(0, 99)));
}

TEST_F(ClauseStreamTest, utterances_are_committed_in_order_whatever_the_order_of_their_decodes) {
  say(0, 1, false);
  silence(600, false);
  say(3, 4, false);
  silence(600, false);
  std::ranges::reverse(jobs_);
  decode();
  EXPECT_EQ(said(), "w0 w1 w3 w4");
  EXPECT_LT(clauses_[0].utterance, clauses_[1].utterance);
}

TEST_F(ClauseStreamTest, partials_cost_at_most_half_a_core) {
  decode_ms_ = 400;
  size_t partials = 0;
  for (int number = 0; number < 20; ++number) {
    for (size_t at = 0; at < kWord; at += 320) {
      hear(std::vector<int16_t>(320, word(number)[0]), false);
      partials += static_cast<size_t>(
          std::ranges::count(jobs_, Urgency::kPartial, &FakeRecognizer::Job::urgency));
      decode();
    }
  }
  EXPECT_GE(partials, 4u);
  EXPECT_LE(partials * decode_ms_, 0.5 * 20 * 320 + decode_ms_);
}

TEST_F(ClauseStreamTest, a_recogniser_in_a_loop_is_asked_for_the_halves) {
  say(0, 17, false);
  jobs_.clear();
  silence(600, false);
  ASSERT_EQ(jobs_.size(), 1u);
  const size_t size = jobs_[0].audio.size();
  auto job = std::move(jobs_.front());
  jobs_.clear();
  job.done({"and so and so on and so on and so on and so on and so on", 100});
  while (!tasks_.empty()) {
    const auto task = std::move(tasks_.front());
    tasks_.pop_front();
    task();
  }
  ASSERT_EQ(jobs_.size(), 1u);
  EXPECT_LT(jobs_[0].audio.size(), size);
  decode();
  EXPECT_GE(split_words(said()).size(), 17u);
}

TEST_F(ClauseStreamTest, words_made_up_from_a_short_noise_are_not_said) {
  answer_ = "Thank you for watching this video";
  say(0, 0);
  silence(600);
  EXPECT_THAT(clauses_, IsEmpty());
}

TEST_F(ClauseStreamTest, flush_commits_the_open_segment_and_says_so_once) {
  say(0, 2, false);
  stream_->flush();
  EXPECT_FALSE(flushed_);
  decode();
  EXPECT_TRUE(flushed_);
  EXPECT_EQ(said(), words(0, 2));
  EXPECT_GE(settled_, utc_);
}

TEST_F(ClauseStreamTest, a_stream_that_is_gone_ignores_late_decodes) {
  say(0, 2, false);
  silence(600, false);
  stream_.reset();
  decode();
  EXPECT_THAT(clauses_, IsEmpty());
}

TEST(Energy, the_gate_closes_on_what_is_far_quieter_than_speech_and_stays_open_in_noise) {
  EnergyGate gate;
  const std::vector<float> loud(kFrame, 0.3f), quiet(kFrame, 0.001f), noise(kFrame, 0.02f);
  EXPECT_TRUE(gate.accept(loud));
  EXPECT_FALSE(gate.accept(quiet));
  EXPECT_TRUE(gate.accept(noise));
}

TEST(Energy, the_quietest_place_is_in_the_gap) {
  std::vector<float> audio(16000, 0.2f);
  std::fill(audio.begin() + 9000, audio.begin() + 10000, 0.001f);
  const size_t place = quietest_place(audio, 4000, 14000, 800);
  EXPECT_GT(place, 9000u);
  EXPECT_LT(place, 10000u);
}

TEST(Energy, the_end_of_sound_is_where_it_falls_silent) {
  std::vector<float> audio(16000, 0.2f);
  std::fill(audio.begin() + 12000, audio.end(), 0.0f);
  EXPECT_NEAR(end_of_sound(audio, 16000), 12000, 160);
}

}  // namespace
}  // namespace dragoman::stt
