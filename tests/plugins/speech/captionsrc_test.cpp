// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/speech/captionsrc.h"

#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <regex>
#include <sstream>

#include "tests/plugins/common/gst_environment.h"
#include "tests/plugins/common/temp_folder.h"
#include "tests/plugins/speech/ttssrc_channel.h"

namespace dragoman {
namespace {

using namespace testing;

const bool registered [[maybe_unused]] = [] {
  gst_init(nullptr, nullptr);
  return GST_ELEMENT_REGISTER(captionsrc, nullptr) != FALSE;
}();

// Counts GAP events and checks that time never goes back.
struct Watch {
  std::atomic<int> gaps = 0, captions = 0;
  std::atomic<bool> backwards = false;
  GstClockTime position = 0;

  void at(GstClockTime start, GstClockTime duration) {
    if (start < position) backwards = true;
    position = start + duration;
  }
};

GstPadProbeReturn watch(GstPad*, GstPadProbeInfo* info, gpointer data) {
  auto& watch = *static_cast<Watch*>(data);
  if (GstBuffer* buffer = GST_PAD_PROBE_INFO_BUFFER(info); info->type & GST_PAD_PROBE_TYPE_BUFFER) {
    ++watch.captions;
    watch.at(GST_BUFFER_PTS(buffer), GST_BUFFER_DURATION(buffer));
  } else if (GstEvent* event = GST_PAD_PROBE_INFO_EVENT(info);
             GST_EVENT_TYPE(event) == GST_EVENT_GAP) {
    GstClockTime start, duration;
    gst_event_parse_gap(event, &start, &duration);
    ++watch.gaps;
    watch.at(start, duration);
  }
  return GST_PAD_PROBE_OK;
}

// captionsrc before an encoder and a file.
class Pipeline {
 public:
  explicit Pipeline(const std::string& properties, const std::string& encoder = "webvttenc") {
    const std::string line =
        "captionsrc name=src " + properties + " ! " + encoder + " ! filesink location=" + file();
    pipeline_.reset(gst_parse_launch(line.c_str(), nullptr));
    bus_.reset(gst_element_get_bus(pipeline_.get()));
    GstObjectPtr<GstElement> src(gst_bin_get_by_name(GST_BIN(pipeline_.get()), "src"));
    GstObjectPtr<GstPad> pad(gst_element_get_static_pad(src.get(), "src"));
    gst_pad_add_probe(pad.get(),
                      static_cast<GstPadProbeType>(GST_PAD_PROBE_TYPE_BUFFER |
                                                   GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM),
                      watch, &watch_, nullptr);
  }
  ~Pipeline() { stop(); }

  GstStateChangeReturn play() { return gst_element_set_state(pipeline_.get(), GST_STATE_PLAYING); }
  void stop() { gst_element_set_state(pipeline_.get(), GST_STATE_NULL); }
  bool reaches_eos() {
    const auto message =
        next_message(bus_.get(), static_cast<GstMessageType>(GST_MESSAGE_EOS | GST_MESSAGE_ERROR),
                     20 * GST_SECOND);
    return message && GST_MESSAGE_TYPE(message.get()) == GST_MESSAGE_EOS;
  }
  bool until(const std::function<bool(const Watch&)>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!condition(watch_)) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      g_usleep(1000);
    }
    return true;
  }
  std::string written() {
    stop();
    std::ifstream in(file());
    return {std::istreambuf_iterator<char>(in), {}};
  }
  GstBus* bus() { return bus_.get(); }
  GstElement* element() { return pipeline_.get(); }
  const Watch& seen() const { return watch_; }

 private:
  std::string file() const { return folder_ / "captions"; }

  TempFolder folder_;
  Watch watch_;
  GstObjectPtr<GstElement> pipeline_;
  GstObjectPtr<GstBus> bus_;
};

struct Cue {
  double start, end;
  std::string text;
};

// The cues of a WebVTT file; none if it is not one.
std::vector<Cue> parse_vtt(const std::string& file) {
  std::istringstream in(file);
  std::string line;
  std::vector<Cue> cues;
  if (!std::getline(in, line) || line != "WEBVTT") return {};
  const std::regex times(R"((\d\d):(\d\d):(\d\d\.\d\d\d) --> (\d\d):(\d\d):(\d\d\.\d\d\d))");
  const auto seconds = [](const std::smatch& match, size_t at) {
    return std::stod(match[at]) * 3600 + std::stod(match[at + 1]) * 60 + std::stod(match[at + 2]);
  };
  std::smatch match;
  while (std::getline(in, line)) {
    if (!std::regex_match(line, match, times)) continue;
    Cue cue{seconds(match, 1), seconds(match, 4), ""};
    std::getline(in, cue.text);
    cues.push_back(cue);
  }
  return cues;
}

TEST(CaptionSrc, writes_valid_webvtt_in_order_without_overlap) {
  Pipeline pipeline("channel=vtt language=en end-with-channel=true");
  pipeline.play();
  Talker talker("vtt");
  talker.say("Good morning.");
  talker.say("The meeting begins at three.");
  talker.say("Please bring your papers.");
  talker.end();
  ASSERT_TRUE(pipeline.reaches_eos());
  const std::string file = pipeline.written();
  const auto cues = parse_vtt(file);
  ASSERT_EQ(cues.size(), 3u) << file;
  EXPECT_EQ(cues[0].text, "Good morning.");
  EXPECT_EQ(cues[1].text, "The meeting begins at three.");
  EXPECT_EQ(cues[2].text, "Please bring your papers.");
  for (size_t i = 0; i < cues.size(); ++i) {
    EXPECT_GE(cues[i].end - cues[i].start, 0.999);
    if (i > 0) {
      EXPECT_GE(cues[i].start, cues[i - 1].end);
    }
  }
  EXPECT_FALSE(pipeline.seen().backwards);
}

TEST(CaptionSrc, sends_gaps_while_there_is_nothing_to_show) {
  Pipeline pipeline("channel=gaps");
  pipeline.play();
  ASSERT_TRUE(pipeline.until([](const Watch& seen) { return seen.gaps >= 2; }));
  Talker("gaps").say("Now.");
  ASSERT_TRUE(pipeline.until([](const Watch& seen) { return seen.captions == 1; }));
  const int before = pipeline.seen().gaps;
  ASSERT_TRUE(pipeline.until([&](const Watch& seen) { return seen.gaps > before; }));
  EXPECT_FALSE(pipeline.seen().backwards);
}

TEST(CaptionSrc, posts_the_translation) {
  Pipeline pipeline("channel=posts language=en");
  pipeline.play();
  Talker("posts").say("Hello.");
  const auto translation = next_element_message(pipeline.bus(), "translation");
  ASSERT_TRUE(translation);
  EXPECT_EQ(text_field(translation, "source-text"), "Hello.");
  EXPECT_EQ(text_field(translation, "language"), "en");
}

TEST(CaptionSrc, what_waits_is_written_when_the_application_ends_the_stream) {
  Pipeline pipeline("channel=eos");
  pipeline.play();
  Talker talker("eos");
  talker.say("One.");
  talker.say("Two.");
  ASSERT_TRUE(next_element_message(pipeline.bus(), "translation"));
  ASSERT_TRUE(next_element_message(pipeline.bus(), "translation"));
  ASSERT_TRUE(pipeline.until([](const Watch& seen) { return seen.captions >= 1; }));
  gst_element_send_event(pipeline.element(), gst_event_new_eos());
  ASSERT_TRUE(pipeline.reaches_eos());
  EXPECT_EQ(parse_vtt(pipeline.written()).size(), 2u);
}

TEST(CaptionSrc, speech_time_puts_captions_where_the_speech_was) {
  Pipeline pipeline("channel=speech speech-time=true end-with-channel=true", "srtenc");
  pipeline.play();
  // The speech of a clause of Talker's began a second and `ago` before now.
  set_pipeline_epoch(pipeline.element(), utc_now_ns() - 100'000'000'000);
  Talker talker("speech");
  talker.say("Earlier.", std::chrono::milliseconds(9000));
  talker.say("Later.", std::chrono::milliseconds(3000));
  talker.end();
  const auto begun = std::chrono::steady_clock::now();
  ASSERT_TRUE(pipeline.reaches_eos());
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(2));
  const std::string file = pipeline.written();
  EXPECT_NE(file.find("00:01:30,0"), std::string::npos) << file;
  EXPECT_NE(file.find("00:01:36,0"), std::string::npos) << file;
}

TEST(CaptionSrc, plays_again_after_it_was_stopped) {
  Pipeline pipeline("channel=again");
  for (int i = 1; i <= 3; ++i) {
    pipeline.play();
    Talker("again").say("Once more.");
    ASSERT_TRUE(pipeline.until([&](const Watch& seen) { return seen.captions == i; }));
    pipeline.stop();
    const_cast<Watch&>(pipeline.seen()).position = 0;
  }
}

TEST(CaptionSrc, refuses_to_start_without_a_channel) {
  Pipeline pipeline("language=es");
  EXPECT_EQ(pipeline.play(), GST_STATE_CHANGE_FAILURE);
  const auto error = next_message(pipeline.bus(), GST_MESSAGE_ERROR);
  EXPECT_NE(error_text(error).find("set channel"), std::string::npos);
}

}  // namespace
}  // namespace dragoman
