// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <future>
#include <thread>

#include "plugins/speech/providers/tts/child_program.h"
#include "plugins/speech/providers/tts/espeak_ng.h"
#include "tests/plugins/speech/tts_fake_program.h"

namespace dragoman {
namespace {

using testing::FakePrograms;
using testing::kWavHeader;

using namespace std::chrono_literals;

struct Speech {
  SpeechResult result;
  std::vector<int16_t> samples;
  unsigned sample_rate = 0;
  int chunks = 0;
};

Speech speak(EspeakNg& espeak, const SpeechRequest& request, std::stop_token stop = {}) {
  Speech speech;
  speech.result = espeak.synthesize(
      request,
      [&](std::span<const int16_t> samples, unsigned rate) {
        speech.samples.insert(speech.samples.end(), samples.begin(), samples.end());
        speech.sample_rate = rate;
        ++speech.chunks;
        return true;
      },
      stop);
  return speech;
}

double rms(const std::vector<int16_t>& samples) {
  double sum = 0;
  for (const int16_t sample : samples) sum += static_cast<double>(sample) * sample;
  return samples.empty() ? 0 : std::sqrt(sum / static_cast<double>(samples.size()));
}

size_t open_descriptors() {
  return static_cast<size_t>(std::ranges::distance(
      std::filesystem::directory_iterator("/proc/self/fd"), std::filesystem::directory_iterator()));
}

bool has_children() {
  siginfo_t info;
  return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

TEST(EspeakNg, speaks_a_sentence_in_several_chunks) {
  EspeakNg espeak("espeak-ng");
  const Speech speech = speak(espeak, {"The meeting begins at three.", "en"});
  EXPECT_EQ(speech.result.status, SpeechStatus::kDone) << speech.result.error;
  EXPECT_EQ(speech.sample_rate, 22050u);
  EXPECT_GT(speech.chunks, 1);
  EXPECT_NEAR(static_cast<double>(speech.samples.size()) / 22050, 1.7, 0.3);
  EXPECT_GT(rms(speech.samples), 500);
}

TEST(EspeakNg, speaks_faster_at_a_higher_rate) {
  EspeakNg espeak("espeak-ng");
  const std::string text = "We will call you back before the end of the day without fail";
  const auto normal = speak(espeak, {text, "en", "", 1.0}).samples.size();
  const auto fast = speak(espeak, {text, "en", "", 1.3}).samples.size();
  EXPECT_NEAR(static_cast<double>(normal) / static_cast<double>(fast), 1.3, 0.1);
}

TEST(EspeakNg, gives_the_first_chunk_while_the_program_still_works) {
  FakePrograms programs;
  // The program's end waits for a file that only the first chunk's arrival makes.
  const std::string go_on = programs.path("go-on");
  EspeakNg espeak(programs.script("espeak", "printf '" + std::string(kWavHeader) +
                                                "'; printf 'abcdefgh'; while [ ! -e " + go_on +
                                                " ]; do sleep 0.01; done; printf 'ij'"));
  std::vector<int16_t> samples;
  const auto result = espeak.synthesize({"hello", "en"},
                                        [&](std::span<const int16_t> chunk, unsigned) {
                                          std::ofstream(go_on) << "yes";
                                          samples.insert(samples.end(), chunk.begin(), chunk.end());
                                          return true;
                                        },
                                        {});
  EXPECT_EQ(result.status, SpeechStatus::kDone) << result.error;
  ASSERT_EQ(samples.size(), 5u);
  EXPECT_EQ(samples[4], 'i' + 256 * 'j');
}

TEST(EspeakNg, stops_when_the_sink_wants_no_more) {
  EspeakNg espeak("espeak-ng");
  int calls = 0;
  const auto result =
      espeak.synthesize({"One, two, three, four, five, six, seven, eight, nine, ten.", "en"},
                        [&](std::span<const int16_t>, unsigned) { return ++calls < 2; }, {});
  EXPECT_EQ(result.status, SpeechStatus::kCancelled);
  EXPECT_EQ(calls, 2);
}

TEST(EspeakNg, a_stop_request_ends_a_silent_program_at_once) {
  FakePrograms programs;
  const std::string started = programs.path("started");
  EspeakNg espeak(programs.script("espeak", "echo > " + started + "; exec sleep 60"), 60s);
  std::stop_source stop;
  auto result = std::async(std::launch::async, [&] {
    return speak(espeak, {"hello", "en"}, stop.get_token()).result;
  });
  while (!std::filesystem::exists(started)) std::this_thread::yield();
  const auto asked = std::chrono::steady_clock::now();
  stop.request_stop();
  EXPECT_EQ(result.get().status, SpeechStatus::kCancelled);
  EXPECT_LT(std::chrono::steady_clock::now() - asked, 1s);
}

TEST(EspeakNg, a_hung_program_is_ended_after_the_timeout_and_named) {
  FakePrograms programs;
  EspeakNg espeak(programs.script("espeak", "exec sleep 60"), 100ms);
  const auto begun = std::chrono::steady_clock::now();
  const auto result = speak(espeak, {"hello", "en"}).result;
  EXPECT_EQ(result.status, SpeechStatus::kFailed);
  EXPECT_NE(result.error.find("no output for 100 ms"), std::string::npos) << result.error;
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 2s);
  EXPECT_FALSE(has_children());
}

TEST(EspeakNg, a_missing_program_fails_with_the_cure) {
  EspeakNg espeak("/nonexistent/espeak-ng");
  ASSERT_TRUE(espeak.unusable());
  const auto result = speak(espeak, {"hello", "en"}).result;
  EXPECT_EQ(result.status, SpeechStatus::kFailed);
  EXPECT_NE(result.error.find("apt-get install espeak-ng"), std::string::npos) << result.error;
}

TEST(EspeakNg, an_unknown_voice_fails_with_the_program_s_own_words) {
  EspeakNg espeak("espeak-ng");
  const auto result = speak(espeak, {"hello", "en", "xx-nope"}).result;
  EXPECT_EQ(result.status, SpeechStatus::kFailed);
  EXPECT_NE(result.error.find("voice does not exist"), std::string::npos) << result.error;
}

TEST(EspeakNg, output_that_is_no_wav_fails) {
  FakePrograms programs;
  EspeakNg espeak(programs.script("espeak", "echo this is not a wave file at all"));
  const auto result = speak(espeak, {"hello", "en"}).result;
  EXPECT_EQ(result.status, SpeechStatus::kFailed);
  EXPECT_NE(result.error.find("not a WAV"), std::string::npos) << result.error;
}

TEST(EspeakNg, a_program_that_dies_in_mid_sentence_fails) {
  FakePrograms programs;
  EspeakNg espeak(programs.script(
      "espeak", "printf '" + std::string(kWavHeader) + "'; printf 'abcd'; kill -9 $$"));
  const Speech speech = speak(espeak, {"hello", "en"});
  EXPECT_EQ(speech.result.status, SpeechStatus::kFailed);
  EXPECT_NE(speech.result.error.find("signal 9"), std::string::npos) << speech.result.error;
  EXPECT_EQ(speech.samples.size(), 2u);
}

TEST(EspeakNg, the_text_is_never_taken_as_options_or_commands) {
  FakePrograms programs;
  const std::string seen = programs.path("seen");
  EspeakNg espeak(programs.script(
      "espeak", "cat > " + seen + "; printf '" + std::string(kWavHeader) + "'; printf 'abcd'"));
  const auto result = speak(espeak, {"-f /etc/passwd\n\x01"
                                     "5S [[h@l'oU]] $(id)",
                                     "en"})
                          .result;
  EXPECT_EQ(result.status, SpeechStatus::kDone) << result.error;
  std::ifstream file(seen);
  const std::string text(std::istreambuf_iterator<char>(file), {});
  EXPECT_EQ(text, "-f /etc/passwd  5S [ [h@l'oU]] $(id)");
}

TEST(EspeakNg, leaves_no_zombies_and_no_descriptors) {
  EspeakNg espeak("espeak-ng");
  EspeakNg missing("/nonexistent/espeak-ng");
  const size_t before = open_descriptors();
  for (int i = 0; i < 5; ++i) {
    speak(espeak, {"yes", "en"});
    speak(missing, {"yes", "en"});
    espeak.synthesize({"no", "en"}, [](std::span<const int16_t>, unsigned) { return false; }, {});
  }
  EXPECT_EQ(open_descriptors(), before);
  EXPECT_FALSE(has_children());
}

TEST(EspeakNg, the_child_dies_with_the_thread_that_started_it) {
  FakePrograms programs;
  const std::string file = programs.path("pid");
  const std::string program = programs.script(
      "hang", "echo $$ > " + file + ".new; mv " + file + ".new " + file + "; exec sleep 60");
  std::unique_ptr<ChildProgram> child;
  std::thread([&] {
    child = std::make_unique<ChildProgram>(std::stop_token());
    EXPECT_FALSE(child->start({program}, ""));
    while (!std::filesystem::exists(file)) std::this_thread::yield();
  }).join();
  pid_t pid = 0;
  std::ifstream(file) >> pid;
  ASSERT_GT(pid, 0);
  siginfo_t info{};
  ASSERT_EQ(waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT), 0);
  EXPECT_EQ(info.si_code, CLD_KILLED);
  EXPECT_EQ(info.si_status, SIGKILL);
}

TEST(EspeakNg, has_a_voice_for_every_language_it_maps) {
  EXPECT_EQ(EspeakNg::voice_for("en"), "en-us");
  EXPECT_EQ(EspeakNg::voice_for("en_GB"), "en-gb");
  EXPECT_EQ(EspeakNg::voice_for("es"), "es-419");
  EXPECT_EQ(EspeakNg::voice_for("es-MX"), "es-419");
  EXPECT_EQ(EspeakNg::voice_for("es-ES"), "es");
  EXPECT_EQ(EspeakNg::voice_for("pt"), "pt-br");
  EXPECT_EQ(EspeakNg::voice_for("zh"), "cmn");
  EXPECT_EQ(EspeakNg::voice_for("de-AT"), "de");
  EspeakNg espeak("espeak-ng");
  for (const char* language :
       {"en", "es", "es-ES", "pt", "pt-PT", "fr", "fr-CH", "de", "it", "nl", "ca",
        "gl", "oc", "ast",   "eu", "ro",    "no", "sh",    "zh", "ja", "ru"}) {
    const Speech speech = speak(espeak, {"1 2 3", language});
    EXPECT_EQ(speech.result.status, SpeechStatus::kDone) << language << speech.result.error;
    EXPECT_GT(rms(speech.samples), 100) << language;
  }
}

}  // namespace
}  // namespace dragoman
