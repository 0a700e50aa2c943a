// SPDX-License-Identifier: LGPL-2.1-or-later
// ttssrc with a text of its own, in a pipeline with a real clock; and what it refuses.
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>

#include "plugins/speech/ttssrc.h"
#include "tests/plugins/common/gst_environment.h"
#include "tests/plugins/speech/ttssrc_channel.h"
#include "tests/plugins/speech/ttssrc_harness.h"

namespace dragoman {
namespace {

using namespace testing;

const bool registered [[maybe_unused]] = [] {
  gst_init(nullptr, nullptr);
  return GST_ELEMENT_REGISTER(ttssrc, nullptr) != FALSE;
}();

struct Heard {
  std::vector<int16_t> samples;
  std::atomic<uint64_t> first_sound_utc = 0;

  double seconds() const { return static_cast<double>(samples.size()) / 16000; }
  double rms() const {
    double sum = 0;
    for (const int16_t sample : samples) sum += static_cast<double>(sample) * sample;
    return std::sqrt(sum / static_cast<double>(std::max<size_t>(samples.size(), 1)));
  }
};

void hear(GstElement*, GstBuffer* buffer, GstPad*, gpointer data) {
  auto& heard = *static_cast<Heard*>(data);
  GstMapInfo map;
  gst_buffer_map(buffer, &map, GST_MAP_READ);
  const auto* samples = reinterpret_cast<const int16_t*>(map.data);
  heard.samples.insert(heard.samples.end(), samples, samples + map.size / sizeof(int16_t));
  gst_buffer_unmap(buffer, &map);
  if (!heard.first_sound_utc && !GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_GAP)) {
    heard.first_sound_utc = utc_now_ns();
  }
}

// A ttssrc before a fakesink.
class Pipeline {
 public:
  Pipeline(const std::string& properties, bool sync) {
    const std::string line =
        "ttssrc name=src " + properties +
        " ! fakesink name=sink signal-handoffs=true sync=" + (sync ? "true" : "false");
    pipeline_.reset(gst_parse_launch(line.c_str(), nullptr));
    bus_.reset(gst_element_get_bus(pipeline_.get()));
    GstObjectPtr<GstElement> sink(gst_bin_get_by_name(GST_BIN(pipeline_.get()), "sink"));
    g_signal_connect(sink.get(), "handoff", G_CALLBACK(hear), &heard_);
  }
  ~Pipeline() { gst_element_set_state(pipeline_.get(), GST_STATE_NULL); }

  GstStateChangeReturn play() { return gst_element_set_state(pipeline_.get(), GST_STATE_PLAYING); }
  bool reaches_eos() {
    const auto message =
        next_message(bus_.get(), static_cast<GstMessageType>(GST_MESSAGE_EOS | GST_MESSAGE_ERROR));
    return message && GST_MESSAGE_TYPE(message.get()) == GST_MESSAGE_EOS;
  }
  std::string error() { return error_text(next_message(bus_.get(), GST_MESSAGE_ERROR)); }
  GstBus* bus() { return bus_.get(); }
  /// To be read when the pipeline has ended.
  const Heard& heard() const { return heard_; }

 private:
  Heard heard_;
  GstObjectPtr<GstElement> pipeline_;
  GstObjectPtr<GstBus> bus_;
};

TEST(TtsSrcText, speaks_a_text_faster_than_real_time_and_ends) {
  Pipeline pipeline(
      "is-live=false text=\"This text is a good deal longer than the time it takes to make it, "
      "as one can see by the length of this line.\"",
      false);
  const auto begun = std::chrono::steady_clock::now();
  pipeline.play();
  ASSERT_TRUE(pipeline.reaches_eos());
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begun;
  EXPECT_GT(pipeline.heard().seconds(), 4.5);
  EXPECT_LT(pipeline.heard().seconds(), 8);
  EXPECT_GT(pipeline.heard().rms(), 500);
  EXPECT_LT(taken.count(), pipeline.heard().seconds() / 2);
}

TEST(TtsSrcText, speaks_a_text_in_real_time_and_ends) {
  Pipeline pipeline("language=es text=\"Hola\"", true);
  const auto begun = std::chrono::steady_clock::now();
  pipeline.play();
  ASSERT_TRUE(pipeline.reaches_eos());
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begun;
  EXPECT_GT(pipeline.heard().rms(), 500);
  EXPECT_NEAR(pipeline.heard().seconds(), 0.35, 0.2);
  EXPECT_GE(taken.count(), pipeline.heard().seconds() - 0.05);
}

TEST(TtsSrcText, a_rate_in_words_per_minute_is_the_same_as_its_factor) {
  const std::string text = " is-live=false text=\"One two three four five six seven eight nine\"";
  std::vector<double> seconds;
  for (const char* rate : {"rate=1", "rate=1.6", "rate=280"}) {
    Pipeline pipeline(rate + text, false);
    pipeline.play();
    ASSERT_TRUE(pipeline.reaches_eos());
    seconds.push_back(pipeline.heard().seconds());
  }
  EXPECT_NEAR(seconds[0] / seconds[1], 1.6, 0.25);
  EXPECT_DOUBLE_EQ(seconds[1], seconds[2]);
}

TEST(TtsSrcText, speech_begins_and_ends_without_silence_and_without_a_click) {
  Pipeline pipeline("is-live=false text=\"The meeting begins at three.\"", false);
  pipeline.play();
  ASSERT_TRUE(pipeline.reaches_eos());
  const auto& samples = pipeline.heard().samples;
  const auto loud = [](int16_t sample) { return std::abs(sample) > 64; };
  EXPECT_LT(std::ranges::find_if(samples, loud) - samples.begin(), 16 * 6);
  EXPECT_LT(std::find_if(samples.rbegin(), samples.rend(), loud) - samples.rbegin(), 16 * 12);
  EXPECT_LT(std::abs(samples.front()), 64);
  EXPECT_LT(std::abs(samples.back()), 64);
}

TEST(TtsSrcText, first_audio_utc_agrees_with_the_wall_clock_at_the_sink) {
  Pipeline pipeline("channel=wall", true);
  pipeline.play();
  Talker("wall").say("Good morning.");
  const auto spoken = next_element_message(pipeline.bus(), "spoken");
  ASSERT_TRUE(spoken);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!pipeline.heard().first_sound_utc && std::chrono::steady_clock::now() < deadline) {
    g_thread_yield();
  }
  const double off_ms = (static_cast<double>(pipeline.heard().first_sound_utc.load()) -
                         static_cast<double>(count_field(spoken, "first-audio-utc"))) /
                        1e6;
  EXPECT_NEAR(off_ms, 0, 100);  // a buffer's length and the scheduling of a busy machine
}

TEST(TtsSrcText, refuses_what_cannot_work_and_says_why) {
  const struct {
    const char *properties, *message;
  } cases[] = {
      {"", "set channel or text"},
      {"channel=a is-live=false", "is-live=false needs text"},
      {"text=a tts-providers=nobody", "there is no provider \"nobody\"; there are: espeak-ng"},
      {"text=a tts-providers=\"\"", "no provider is named"},
      {"channel=a memory=/nonexistent.tmx", "memory: cannot read the file"},
  };
  for (const auto& [properties, message] : cases) {
    Pipeline pipeline(properties, false);
    EXPECT_EQ(pipeline.play(), GST_STATE_CHANGE_FAILURE) << properties;
    const std::string error = pipeline.error();
    EXPECT_NE(error.find(message), std::string::npos) << error;
  }
}

TEST(TtsSrcText, a_missing_program_stops_the_start_with_the_cure) {
  const ScopedVariable program("DRAGOMAN_ESPEAK_NG", "/nonexistent/espeak-ng");
  Pipeline pipeline("text=a", false);
  EXPECT_EQ(pipeline.play(), GST_STATE_CHANGE_FAILURE);
  const std::string error = pipeline.error();
  EXPECT_NE(error.find("apt-get install espeak-ng"), std::string::npos) << error;
}

TEST(TtsSrcText, a_text_that_cannot_be_said_is_an_error) {
  Pipeline pipeline("text=a voice=xx-nope", false);
  pipeline.play();
  EXPECT_FALSE(pipeline.reaches_eos());
}

}  // namespace
}  // namespace dragoman
