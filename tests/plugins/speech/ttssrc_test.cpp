// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/speech/ttssrc.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "tests/plugins/common/gst_environment.h"
#include "tests/plugins/speech/tts_fake_program.h"
#include "tests/plugins/speech/ttssrc_harness.h"

namespace dragoman {
namespace {

using namespace std::chrono_literals;
using namespace testing;

TtsHarness::Configure listening(const char* channel, const char* language = "en") {
  return [=](GstElement* element) {
    g_object_set(element, "channel", channel, "language", language, nullptr);
  };
}

bool is_speech(const Piece& piece) { return !piece.silent(); }

TEST(TtsSrc, sends_silence_with_continuous_timestamps_and_gap_flags) {
  TtsHarness src(listening("silence"));
  for (int i = 0; i < 300; ++i) {
    const Piece piece = src.next();
    ASSERT_EQ(piece.pts, static_cast<GstClockTime>(i) * 20 * GST_MSECOND);
    ASSERT_EQ(piece.duration, 20 * GST_MSECOND);
    ASSERT_EQ(piece.samples.size(), 320u);
    ASSERT_TRUE(piece.gap && piece.silent());
  }
}

TEST(TtsSrc, timestamps_stay_continuous_through_speech) {
  TtsHarness src(listening("through"));
  Talker("through").say("The meeting begins at three.");
  ASSERT_TRUE(src.wait_for_spoken(1));
  GstClockTime expected = src.next().pts;
  int spoken = 0;
  for (int i = 0; i < 250; ++i) {
    const Piece piece = src.next();
    expected += 20 * GST_MSECOND;
    ASSERT_EQ(piece.pts, expected);
    if (!piece.gap) ++spoken;
  }
  EXPECT_NEAR(spoken * 20, 1390, 60);  // ms; espeak-ng's 1685 less its silence
}

TEST(TtsSrc, speaks_a_clause_and_says_so) {
  TtsHarness src(listening("speaks"));
  src.next();
  const auto clause = Talker("speaks").say("Good morning.", 400ms);
  const auto translation = next_element_message(src.bus(), "translation");
  ASSERT_TRUE(translation);
  EXPECT_EQ(text_field(translation, "source-text"), "Good morning.");
  EXPECT_EQ(text_field(translation, "text"), "Good morning.");
  EXPECT_EQ(text_field(translation, "channel"), "speaks");
  ASSERT_TRUE(src.until(is_speech));
  ASSERT_TRUE(src.wait_for_spoken(1));
  src.next();
  const auto spoken = next_element_message(src.bus(), "spoken");
  ASSERT_TRUE(spoken);
  EXPECT_EQ(text_field(spoken, "text"), "Good morning.");
  EXPECT_EQ(text_field(spoken, "tts-provider"), "espeak-ng");
  EXPECT_EQ(count_field(spoken, "utterance"), clause->utterance);
  EXPECT_EQ(count_field(spoken, "end-utc"), clause->end_utc);
  EXPECT_DOUBLE_EQ(number_field(spoken, "rate"), 1);
  EXPECT_GT(number_field(spoken, "tts-first-audio-ms"), 0);
  EXPECT_NEAR(number_field(spoken, "audio-ms"), 600, 200);
  EXPECT_GE(number_field(spoken, "delay-ms"), 400);
}

TEST(TtsSrc, first_audio_utc_is_when_the_first_sound_is_due) {
  TtsHarness src(listening("truth"));
  src.next();
  Talker talker("truth");
  for (int i = 0; i < 3; ++i) {
    const auto clause = talker.say("Yes, of course.");
    const auto sound = src.until(is_speech);
    ASSERT_TRUE(sound);
    ASSERT_TRUE(src.wait_for_spoken(static_cast<uint64_t>(i) + 1));
    src.until([](const Piece& piece) { return piece.gap; });
    const auto spoken = next_element_message(src.bus(), "spoken");
    ASSERT_TRUE(spoken);
    const uint64_t due = pipeline_epoch(src.element(), 0) + sound->first_sound();
    const auto said = static_cast<double>(count_field(spoken, "first-audio-utc"));
    EXPECT_NEAR(said, static_cast<double>(due), 5e6);
    EXPECT_NEAR(number_field(spoken, "delay-ms"),
                (said - static_cast<double>(clause->end_utc)) / 1e6, 0.01);
    EXPECT_NEAR(static_cast<double>(count_field(spoken, "running-time")),
                static_cast<double>(sound->first_sound()), 5e6);
  }
}

TEST(TtsSrc, sends_readings_ahead_of_the_first_speech) {
  TtsHarness src(listening("readings"));
  src.next();
  Talker("readings").say("Good morning.", 250ms);
  ASSERT_TRUE(src.until(is_speech));
  std::map<std::string, double> readings;
  while (GstEvent* event = gst_harness_try_pull_event(src.harness())) {
    take_readings(event, [&](const char* key, double value) { readings[key] = value; });
    gst_event_unref(event);
  }
  ASSERT_EQ(readings.size(), 3u);
  EXPECT_GE(readings["translation_latency_ms"], 0);
  EXPECT_GT(readings["tts_first_audio_ms"], 0);
  EXPECT_GE(readings["end_to_end_latency_ms"], 250);
}

TEST(TtsSrc, says_twenty_clauses_published_at_once_in_order_faster_and_completely) {
  TtsHarness src(listening("burst"));
  src.next();
  Talker talker("burst");
  for (int i = 0; i < 20; ++i) talker.say("This is sentence number " + std::to_string(i) + ".");
  double sounding_ms = 0, audio_ms = 0, top_rate = 0;
  for (unsigned i = 0; i < 20; ++i) {
    MessagePtr spoken;
    src.until([&](const Piece& piece) {
      if (!piece.gap) sounding_ms += 20;
      spoken = next_element_message(src.bus(), "spoken", 0);
      return spoken != nullptr;
    });
    ASSERT_TRUE(spoken);
    EXPECT_EQ(text_field(spoken, "text"), "This is sentence number " + std::to_string(i) + ".");
    audio_ms += number_field(spoken, "audio-ms");
    top_rate = std::max(top_rate, number_field(spoken, "rate"));
  }
  src.until([&](const Piece& piece) {
    if (!piece.gap) sounding_ms += 20;
    return piece.gap;
  });
  EXPECT_NEAR(top_rate, 1.3, 0.001);
  EXPECT_GE(sounding_ms, audio_ms);
  EXPECT_LT(sounding_ms, audio_ms + 20 * 200);  // with the pauses between clauses
  EXPECT_EQ(src.stat("given-up"), 0u);

  talker.say("And back to normal.");
  ASSERT_TRUE(src.until(is_speech));
  ASSERT_TRUE(src.wait_for_spoken(21));
  src.next();
  const auto spoken = next_element_message(src.bus(), "spoken");
  EXPECT_DOUBLE_EQ(number_field(spoken, "rate"), 1);
}

TEST(TtsSrc, warns_of_a_long_queue_and_drops_nothing) {
  TtsHarness src([](GstElement* element) {
    g_object_set(element, "channel", "long", "max-queue", 5, nullptr);
  });
  Talker talker("long");
  for (int i = 0; i < 8; ++i) talker.say("Something that takes about two seconds to say aloud.");
  const auto warning = next_message(src.bus(), GST_MESSAGE_WARNING);
  EXPECT_NE(error_text(warning).find("wait to be said"), std::string::npos);
  for (int i = 0; i < 8; ++i) {
    MessagePtr spoken;
    src.until([&](const Piece&) {
      spoken = next_element_message(src.bus(), "spoken", 0);
      return spoken != nullptr;
    });
    ASSERT_TRUE(spoken) << i;
  }
  EXPECT_GT(src.stat("over-queue"), 0u);
}

TEST(TtsSrc, ends_with_its_channel_when_told_to) {
  TtsHarness src([](GstElement* element) {
    g_object_set(element, "channel", "ending", "end-with-channel", TRUE, nullptr);
  });
  Talker talker("ending");
  talker.say("Good bye.");
  talker.end();
  ASSERT_TRUE(src.wait_for_spoken(1));
  const auto [eos, spoke] = src.to_the_end();
  EXPECT_TRUE(eos);
  EXPECT_TRUE(spoke);
}

TEST(TtsSrc, keeps_a_clause_that_no_provider_could_say_and_tries_again) {
  FakePrograms programs;
  const std::string tries = programs.path("tries");
  // Fails twice, which is a provider's two tries; then works.
  const ScopedVariable program(
      "DRAGOMAN_ESPEAK_NG",
      programs.script("espeak", "echo x >> " + tries + "; [ $(wc -l < " + tries +
                                    ") -gt 2 ] || exit 3; exec espeak-ng \"$@\""));
  TtsHarness src(listening("kept"));
  Talker("kept").say("Not lost.");
  const auto error = next_element_message(src.bus(), "provider-error");
  ASSERT_TRUE(error);
  EXPECT_EQ(text_field(error, "kind"), "tts");
  EXPECT_EQ(text_field(error, "provider"), "espeak-ng");
  EXPECT_EQ(text_field(error, "next"), "");
  EXPECT_NE(text_field(error, "error").find("status 3; the clause is kept"), std::string::npos)
      << text_field(error, "error");
  ASSERT_TRUE(src.wait_for_spoken(1));
  EXPECT_TRUE(src.until(is_speech));
  std::map<std::string, double> readings;
  while (GstEvent* event = gst_harness_try_pull_event(src.harness())) {
    take_readings(event, [&](const char* key, double value) { readings[key] += value; });
    gst_event_unref(event);
  }
  EXPECT_GE(readings["provider_errors"], 1);
  EXPECT_EQ(readings["provider_failovers"], 0) << "there is nobody else";
}

TEST(TtsSrc, stops_at_once_while_a_program_hangs) {
  FakePrograms programs;
  const std::string started = programs.path("started");
  const ScopedVariable program("DRAGOMAN_ESPEAK_NG",
                               programs.script("espeak", "> " + started + "; exec sleep 60"));
  std::chrono::steady_clock::time_point asked;
  {
    TtsHarness src(listening("hangs"));
    Talker("hangs").say("Never said.");
    while (!std::filesystem::exists(started)) g_thread_yield();
    asked = std::chrono::steady_clock::now();
  }
  EXPECT_LT(std::chrono::steady_clock::now() - asked, 1s);
}

TEST(TtsSrc, speaks_again_after_it_was_stopped_and_started) {
  TtsHarness src(listening("again"));
  Talker talker("again");
  talker.say("Once.");
  ASSERT_TRUE(src.until(is_speech));
  gst_element_set_state(src.element(), GST_STATE_NULL);
  while (GstBuffer* buffer = gst_harness_try_pull(src.harness())) gst_buffer_unref(buffer);
  talker.say("Said to nobody.");
  gst_element_set_state(src.element(), GST_STATE_PLAYING);
  talker.say("Twice.");
  ASSERT_TRUE(src.until(is_speech));
  ASSERT_TRUE(src.wait_for_spoken(1));
  src.until([](const Piece& piece) { return piece.gap; });
  MessagePtr last;
  while (auto spoken = next_element_message(src.bus(), "spoken", 0)) last = std::move(spoken);
  ASSERT_TRUE(last);
  EXPECT_EQ(text_field(last, "text"), "Twice.");
}

TEST(TtsSrc, goes_on_where_it_was_after_a_pause) {
  TtsHarness src(listening("pause"));
  const GstClockTime before = src.next().pts;
  gst_element_set_state(src.element(), GST_STATE_PAUSED);
  gst_element_set_state(src.element(), GST_STATE_PLAYING);
  EXPECT_EQ(src.next().pts, before + 20 * GST_MSECOND);
}

TEST(TtsSrc, answers_the_latency_query_as_a_live_source) {
  TtsHarness src([](GstElement* element) {
    g_object_set(element, "channel", "latency", "latency", 35, nullptr);
  });
  EXPECT_EQ(gst_harness_query_latency(src.harness()), 35 * GST_MSECOND);
}

}  // namespace
}  // namespace dragoman
