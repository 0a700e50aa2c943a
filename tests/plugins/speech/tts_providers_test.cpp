// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/speech/providers/tts/tts_providers.h"

#include <gtest/gtest.h>

#include "plugins/speech/providers/tts/wav_stream.h"

namespace dragoman {
namespace {

// Counts up from 1; breaks off after as many samples as it is told for each call.
class Counting : public TtsProvider {
 public:
  Counting(const char* name, std::vector<int> break_off_after)
      : name_(name), break_off_after_(std::move(break_off_after)) {}
  const char* name() const override { return name_; }
  std::optional<std::string> unusable() const override { return std::nullopt; }
  SpeechResult synthesize(const SpeechRequest&, const SpeechSink& sink, std::stop_token) override {
    const size_t call = calls_++;
    const int end = call < break_off_after_.size() ? break_off_after_[call] : kLength;
    for (int16_t i = 1; i <= end; ++i) {
      if (!sink(std::span(&i, 1), 8000)) return {SpeechStatus::kCancelled, ""};
    }
    if (end == kLength) return {};
    return {SpeechStatus::kFailed, "broken off"};
  }
  static constexpr int kLength = 6;

 private:
  const char* name_;
  std::vector<int> break_off_after_;
  size_t calls_ = 0;
};

struct Outcome {
  SpeechResult result;
  std::vector<int16_t> samples;
  std::vector<TtsFailure> failures;
  std::string provider;
};

template <typename... Providers>
Outcome speak(Providers... providers) {
  std::vector<std::unique_ptr<TtsProvider>> list;
  (list.push_back(std::make_unique<Providers>(std::move(providers))), ...);
  TtsProviderList chain(std::move(list));
  Outcome outcome;
  outcome.result = chain.synthesize(
      {"text", "en"},
      [&](std::span<const int16_t> samples, unsigned) {
        outcome.samples.insert(outcome.samples.end(), samples.begin(), samples.end());
        return true;
      },
      {}, [&](const TtsFailure& failure) { outcome.failures.push_back(failure); });
  outcome.provider = chain.current_provider();
  return outcome;
}

const std::vector<int16_t> kWhole{1, 2, 3, 4, 5, 6};

TEST(TtsProviderList, a_second_try_goes_on_where_the_first_broke_off) {
  const Outcome outcome = speak(Counting("first", {4}));
  EXPECT_EQ(outcome.result.status, SpeechStatus::kDone);
  EXPECT_EQ(outcome.samples, kWhole);
  EXPECT_TRUE(outcome.failures.empty());
}

TEST(TtsProviderList, the_next_provider_says_it_all_when_the_first_failed_twice) {
  const Outcome outcome = speak(Counting("first", {0, 0}), Counting("second", {}));
  EXPECT_EQ(outcome.result.status, SpeechStatus::kDone);
  EXPECT_EQ(outcome.samples, kWhole);
  EXPECT_EQ(outcome.provider, "second");
  ASSERT_EQ(outcome.failures.size(), 1u);
  EXPECT_EQ(outcome.failures[0].provider, "first");
  EXPECT_EQ(outcome.failures[0].error, "broken off");
  EXPECT_EQ(outcome.failures[0].next, "second");
}

TEST(TtsProviderList, fails_with_the_last_error_when_all_failed) {
  const Outcome outcome = speak(Counting("only", {0, 0}));
  EXPECT_EQ(outcome.result.status, SpeechStatus::kFailed);
  ASSERT_EQ(outcome.failures.size(), 1u);
  EXPECT_EQ(outcome.failures[0].next, "");
}

TEST(TtsProviderList, knows_espeak_ng_and_no_other_name) {
  const auto provider = make_tts_provider("espeak-ng");
  ASSERT_TRUE(provider);
  EXPECT_STREQ(provider->name(), "espeak-ng");
  EXPECT_FALSE(make_tts_provider("no-such-provider"));
  EXPECT_EQ(tts_provider_names(), "espeak-ng");
}

std::vector<std::byte> wav(const std::string& extra_chunk = "", char channels = 1) {
  std::string text = "RIFF----WAVE" + extra_chunk + std::string("fmt \x10\0\0\0\x01\0", 10) +
                     channels +
                     std::string("\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0data\xff\xff\xff\x7f", 21) +
                     std::string("\x01\0\xff\xff\0\x80", 6);
  std::vector<std::byte> bytes;
  for (const char c : text) bytes.push_back(static_cast<std::byte>(c));
  return bytes;
}

TEST(WavStream, gives_every_sample_when_bytes_come_one_by_one) {
  for (const std::string& chunk : {std::string(), std::string("LIST\x03\0\0\0abc\0", 12)}) {
    WavStream stream;
    std::vector<int16_t> samples;
    for (const std::byte byte : wav(chunk)) {
      ASSERT_TRUE(stream.feed(std::span(&byte, 1)));
      samples.insert(samples.end(), stream.samples().begin(), stream.samples().end());
    }
    EXPECT_EQ(stream.sample_rate(), 8000u);
    EXPECT_EQ(samples, (std::vector<int16_t>{1, -1, -32768}));
  }
}

TEST(WavStream, refuses_stereo_and_what_is_no_wav) {
  WavStream stereo;
  EXPECT_FALSE(stereo.feed(wav("", 2)));
  WavStream other;
  const std::vector<std::byte> zeros(100);
  EXPECT_FALSE(other.feed(zeros));
}

}  // namespace
}  // namespace dragoman
