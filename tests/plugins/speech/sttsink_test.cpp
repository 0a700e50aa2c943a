// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/speech/sttsink.h"

#include <gmock/gmock.h>
#include <gst/check/gstharness.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <future>

#include "plugins/common/handles.h"
#include "plugins/common/pipeline_clock.h"
#include "plugins/common/readings.h"
#include "plugins/speech/channel.h"
#include "plugins/speech/providers/stt/sherpa/files.h"
#include "tests/plugins/common/gst_environment.h"

namespace dragoman {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr GstClockTime kDeadline = 90 * GST_SECOND;
constexpr char kPrompt[] = "/usr/share/asterisk/sounds/en_US_f_Allison/vm-opts.wav";
constexpr char kSpanishPrompt[] = "/usr/share/asterisk/sounds/es_MX_f_Allison/agent-pass.wav";
constexpr uint64_t kNoon = 1'700'000'000'000'000'000;

class Ear : public ChannelListener {
 public:
  explicit Ear(const std::string& channel) : handle_(Channels::instance().listen(channel, *this)) {}
  ~Ear() override { handle_.reset(); }
  void on_clause(const std::shared_ptr<const Clause>& clause) override {
    std::lock_guard lock(mutex_);
    clauses_.push_back(*clause);
  }
  void on_end(const std::string&) override {
    std::lock_guard lock(mutex_);
    ++ends_;
  }
  std::vector<Clause> clauses() const {
    std::lock_guard lock(mutex_);
    return clauses_;
  }
  int ends() const {
    std::lock_guard lock(mutex_);
    return ends_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<Clause> clauses_;
  int ends_ = 0;
  std::shared_ptr<void> handle_;
};

/// What a pipeline posted until its end.
struct Posted {
  std::vector<StructurePtr> finals, partials, provider_errors;
  std::string error;
  bool ended = false;
  std::string text() const {
    std::string text;
    for (const auto& final : finals) {
      text +=
          (text.empty() ? "" : " ") + std::string(gst_structure_get_string(final.get(), "text"));
    }
    return text;
  }
};

void note(Posted& run, GstMessage* message) {
  if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_EOS) run.ended = true;
  if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) {
    GError* error = nullptr;
    gst_message_parse_error(message, &error, nullptr);
    run.error = error->message;
    g_error_free(error);
  }
  if (GST_MESSAGE_TYPE(message) != GST_MESSAGE_ELEMENT) return;
  StructurePtr fields(gst_structure_copy(gst_message_get_structure(message)));
  if (gst_structure_has_name(fields.get(), "provider-error")) {
    run.provider_errors.push_back(std::move(fields));
  } else if (gst_structure_has_name(fields.get(), "transcript")) {
    gboolean is_final = FALSE;
    gst_structure_get_boolean(fields.get(), "is-final", &is_final);
    (is_final ? run.finals : run.partials).push_back(std::move(fields));
  }
}

Posted play(const std::string& launch) {
  Posted run;
  GError* error = nullptr;
  GstObjectPtr<GstElement> pipeline(gst_parse_launch(launch.c_str(), &error));
  if (error) {
    run.error = error->message;
    g_error_free(error);
    return run;
  }
  set_pipeline_epoch(pipeline.get(), kNoon);
  GstObjectPtr<GstBus> bus(gst_element_get_bus(pipeline.get()));
  gst_element_set_state(pipeline.get(), GST_STATE_PLAYING);
  constexpr auto kTypes =
      static_cast<GstMessageType>(GST_MESSAGE_EOS | GST_MESSAGE_ERROR | GST_MESSAGE_ELEMENT);
  while (!run.ended && run.error.empty()) {
    GstMessage* message = gst_bus_timed_pop_filtered(bus.get(), kDeadline, kTypes);
    if (!message) break;
    note(run, message);
    gst_message_unref(message);
  }
  gst_element_set_state(pipeline.get(), GST_STATE_NULL);
  return run;
}

std::string file(const char* path) {
  return std::string("filesrc location=") + path +
         " ! wavparse ! audioconvert ! audioresample ! sttsink ";
}

double number(const StructurePtr& fields, const char* name) {
  double value = NAN;
  gst_structure_get_double(fields.get(), name, &value);
  return value;
}

guint64 count(const StructurePtr& fields, const char* name) {
  guint64 value = 0;
  gst_structure_get_uint64(fields.get(), name, &value);
  return value;
}

class SttSinkTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { GST_ELEMENT_REGISTER(sttsink, nullptr); }
  void SetUp() override {
    const fs::path folder = sherpa::engines_folder("");
    if (sherpa::find_missing(sherpa::engine_files(folder, "en"), "en")) {
      GTEST_SKIP() << "the engines are not in " << folder << ": run data/fetch-engines";
    }
    if (!fs::exists(kPrompt)) GTEST_SKIP() << "asterisk-core-sounds-en-wav is not installed";
  }

  /// A copy of the engines (links), in which `replace` may put something else at a file's place.
  std::string engines_with(
      const fs::path& changed,
      const std::function<void(const fs::path& from, const fs::path& to)>& put) {
    const fs::path from = sherpa::engines_folder("");
    const fs::path to = fs::temp_directory_path() / ("engines-" + std::to_string(getpid()) + "-" +
                                                     std::to_string(++made_count_));
    for (const auto& entry : fs::recursive_directory_iterator(from)) {
      const fs::path relative = fs::relative(entry.path(), from);
      if (relative.begin()->string() == "packages") continue;
      if (entry.is_directory()) {
        fs::create_directories(to / relative);
      } else if (relative == changed) {
        put(entry.path(), to / relative);
      } else {
        fs::create_directories((to / relative).parent_path());
        fs::create_symlink(fs::canonical(entry.path()), to / relative);
      }
    }
    made_.push_back(to);
    return to.string();
  }
  void TearDown() override {
    for (const fs::path& folder : made_) fs::remove_all(folder);
  }

  std::vector<fs::path> made_;
  static inline int made_count_ = 0;  // the process keeps what it loaded from each folder
};

void cut_short(const fs::path& from, const fs::path& to) {
  fs::copy_file(from, to);
  fs::resize_file(to, fs::file_size(from) * 2 / 3);
}

TEST_F(SttSinkTest, a_file_is_heard_clause_by_clause_and_all_finals_come_before_the_end) {
  Ear ear("told");
  const Posted run = play(file(kPrompt) + "language=en channel=told");
  EXPECT_TRUE(run.ended) << run.error;
  EXPECT_THAT(run.text(), HasSubstr("change folders"));
  EXPECT_THAT(run.text(), HasSubstr("mailbox options"));
  ASSERT_FALSE(run.finals.empty());
  const auto heard = ear.clauses();
  ASSERT_EQ(heard.size(), run.finals.size());
  EXPECT_EQ(ear.ends(), 1);
  for (size_t i = 0; i < heard.size(); ++i) {
    EXPECT_EQ(heard[i].text, gst_structure_get_string(run.finals[i].get(), "text"));
    EXPECT_EQ(heard[i].utterance, count(run.finals[i], "utterance"));
    EXPECT_EQ(heard[i].end_utc, count(run.finals[i], "end-utc"));
    EXPECT_EQ(heard[i].language, "en");
  }
}

TEST_F(SttSinkTest, a_transcript_tells_when_in_the_stream_and_in_the_world_it_was_said) {
  const Posted run = play(file(kPrompt) + "language=en");
  ASSERT_FALSE(run.finals.empty());
  double before = 0;
  for (const auto& final : run.finals) {
    EXPECT_GE(number(final, "start"), before);
    EXPECT_GT(number(final, "end"), number(final, "start"));
    before = number(final, "end");
    EXPECT_NEAR(static_cast<double>(count(final, "end-utc") - kNoon) / 1e9, before, 1e-3);
    EXPECT_EQ(count(final, "stream-time"), count(final, "timestamp"));
    EXPECT_GT(number(final, "decode-ms"), 0);
    EXPECT_STREQ(gst_structure_get_string(final.get(), "provider"), "sherpa");
    EXPECT_FALSE(gst_structure_has_field(final.get(), "confidence"));
  }
  EXPECT_NEAR(number(run.finals.front(), "start"), 0.24, 0.15);
  EXPECT_NEAR(before, 7.24, 0.3);
}

TEST_F(SttSinkTest, two_languages_are_heard_at_once) {
  auto spanish =
      std::async(std::launch::async, [] { return play(file(kSpanishPrompt) + "language=es"); });
  const Posted english = play(file(kPrompt) + "language=en");
  EXPECT_THAT(english.text(), HasSubstr("advanced options"));
  EXPECT_THAT(spanish.get().text(), HasSubstr("por la tecla de"));
}

TEST_F(SttSinkTest, silence_a_tone_and_a_gap_say_nothing) {
  for (const char* wave : {"silence", "sine", "ticks"}) {
    const Posted run = play(std::string("audiotestsrc num-buffers=200 samplesperbuffer=320 wave=") +
                            wave + " ! audio/x-raw,rate=16000,channels=1 ! sttsink");
    EXPECT_TRUE(run.ended) << run.error;
    EXPECT_EQ(run.text(), "") << wave;
  }
}

TEST_F(SttSinkTest, an_empty_stream_ends) {
  const Posted run = play("audiotestsrc num-buffers=0 ! sttsink");
  EXPECT_TRUE(run.ended) << run.error;
}

TEST_F(SttSinkTest, a_language_without_a_model_is_refused_by_name_at_the_start) {
  const Posted run = play(file(kPrompt) + "language=tlh");
  EXPECT_THAT(run.error, HasSubstr("moonshine-base-tlh"));
  EXPECT_THAT(run.error, HasSubstr("data/fetch-engines"));
}

TEST_F(SttSinkTest, an_unknown_provider_is_refused_by_name) {
  const Posted run = play(file(kPrompt) + "providers=sherpa,oracle");
  EXPECT_THAT(run.error, HasSubstr("'oracle'; known: sherpa"));
}

TEST_F(SttSinkTest, a_model_that_is_cut_short_is_an_error_that_names_it) {
  for (const char* changed :
       {"models/moonshine-base-en/encoder_model.onnx",
        "models/moonshine-base-en/decoder_model_merged.onnx", "models/moonshine-base-en/tokens.txt",
        "models/silero_vad.onnx", "lib/libsherpa-onnx-c-api.so", "lib/libonnxruntime.so"}) {
    const std::string engines = engines_with(changed, cut_short);
    const Posted run = play(file(kPrompt) + "engines=" + engines);
    EXPECT_THAT(run.error, HasSubstr(fs::path(changed).filename().string()));
    EXPECT_THAT(run.error, HasSubstr("data/fetch-engines"));
    ASSERT_EQ(run.provider_errors.size(), 1u) << changed;
    EXPECT_STREQ(gst_structure_get_string(run.provider_errors[0].get(), "kind"), "stt");
  }
}

TEST_F(SttSinkTest, a_model_of_zeros_is_an_error) {
  const std::string engines = engines_with("models/moonshine-base-en/encoder_model.onnx",
                                           [](const fs::path& from, const fs::path& to) {
                                             std::ofstream(to).close();
                                             fs::resize_file(to, fs::file_size(from));
                                           });
  EXPECT_THAT(play(file(kPrompt) + "engines=" + engines).error, HasSubstr("encoder_model.onnx"));
}

TEST_F(SttSinkTest, stopping_while_the_models_load_is_clean) {
  for (int i = 0; i < 3; ++i) {
    GstObjectPtr<GstElement> pipeline(
        gst_parse_launch((file(kPrompt) + "language=" + (i % 2 ? "es" : "en")).c_str(), nullptr));
    gst_element_set_state(pipeline.get(), GST_STATE_PLAYING);
    gst_element_get_state(pipeline.get(), nullptr, nullptr, kDeadline);
    EXPECT_EQ(gst_element_set_state(pipeline.get(), GST_STATE_NULL), GST_STATE_CHANGE_SUCCESS);
  }
}

/// An sttsink whose audio a test pushes.
class Hearing {
 public:
  explicit Hearing(const char* properties, bool live) {
    const std::string launch = std::string("sttsink name=sink ") + properties;
    GstElement* element = gst_parse_launch(launch.c_str(), nullptr);
    gst_element_set_bus(element, bus_.get());
    harness_ = gst_harness_new_with_element(element, "sink", nullptr);
    gst_object_unref(element);
    gst_harness_set_live(harness_, live);
    gst_harness_set_src_caps_str(
        harness_, "audio/x-raw,format=S16LE,layout=interleaved,rate=16000,channels=1");
    gst_harness_play(harness_);
  }
  ~Hearing() {
    gst_element_set_bus(harness_->element, nullptr);
    gst_harness_teardown(harness_);
  }
  GstHarness* harness() { return harness_; }
  Posted messages() {
    Posted run;
    while (GstMessage* message = gst_bus_pop(bus_.get())) {
      note(run, message);
      gst_message_unref(message);
    }
    return run;
  }
  void push(const std::vector<int16_t>& samples, GstClockTime pts) {
    GstBuffer* buffer = gst_buffer_new_allocate(nullptr, samples.size() * 2, nullptr);
    gst_buffer_fill(buffer, 0, samples.data(), samples.size() * 2);
    GST_BUFFER_PTS(buffer) = pts;
    EXPECT_EQ(gst_harness_push(harness_, buffer), GST_FLOW_OK);
  }

 private:
  GstObjectPtr<GstBus> bus_{gst_bus_new()};
  GstHarness* harness_;
};

/// A prompt (WAV, 8 kHz, header of 44 bytes) at 16 kHz, each sample twice.
std::vector<int16_t> speech(const char* path) {
  std::ifstream wav(path, std::ios::binary);
  wav.seekg(44);
  std::vector<int16_t> samples;
  for (int16_t sample; wav.read(reinterpret_cast<char*>(&sample), sizeof sample);) {
    samples.insert(samples.end(), 2, sample);
  }
  return samples;
}

TEST_F(SttSinkTest, a_live_stream_is_never_held_up_and_tells_its_delay_to_the_probe_before_it) {
  const auto samples = speech(kPrompt);
  ASSERT_GT(samples.size(), 7 * 16000u);
  Hearing hearing("language=en", true);
  GstClockTime pts = 0;
  for (int i = 0; i < 8; ++i, pts += samples.size() * GST_SECOND / 16000) {
    hearing.push(samples, pts);  // a minute at once; would wait for decoding if it were not live
  }
  EXPECT_THAT(hearing.messages().finals, IsEmpty());
  EXPECT_TRUE(gst_harness_push_event(hearing.harness(), gst_event_new_eos()));
  const Posted run = hearing.messages();
  EXPECT_GE(run.finals.size(), 8u);
  size_t utterances = 0, depths = 0;
  std::vector<double> speeds;
  while (GstEvent* event = gst_harness_try_pull_upstream_event(hearing.harness())) {
    take_readings(event, [&](const std::string& key, double value) {
      if (key == "utterances") utterances += static_cast<size_t>(value);
      if (key == "queue_depth_ms") ++depths;
      if (key == "words_per_minute") speeds.push_back(value);
    });
    gst_event_unref(event);
  }
  EXPECT_EQ(utterances, run.finals.size());
  EXPECT_EQ(depths, 8u) << "once for each of the pushes, which are longer than a second";
  EXPECT_EQ(speeds.size(), run.finals.size());
  EXPECT_THAT(speeds, ::testing::Each(::testing::AllOf(::testing::Gt(60), ::testing::Lt(400))));
}

TEST_F(SttSinkTest, speech_on_both_sides_of_a_gap_keeps_its_times) {
  const auto samples = speech(kSpanishPrompt);
  Hearing hearing("language=es", false);
  hearing.push(samples, 0);
  hearing.push(samples, 100 * GST_SECOND);
  EXPECT_TRUE(gst_harness_push_event(hearing.harness(), gst_event_new_eos()));
  const Posted run = hearing.messages();
  ASSERT_GE(run.finals.size(), 2u);
  EXPECT_LT(number(run.finals.front(), "end"), 10);
  EXPECT_GT(number(run.finals.back(), "start"), 100);
}

TEST_F(SttSinkTest, what_was_said_before_a_flush_is_forgotten) {
  const auto samples = speech(kPrompt);
  Hearing hearing("language=en", true);
  hearing.push(samples, 0);
  gst_harness_push_event(hearing.harness(), gst_event_new_flush_start());
  gst_harness_push_event(hearing.harness(), gst_event_new_flush_stop(TRUE));
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  gst_harness_push_event(hearing.harness(), gst_event_new_segment(&segment));
  hearing.messages();
  hearing.push(std::vector<int16_t>(16000), 0);
  EXPECT_TRUE(gst_harness_push_event(hearing.harness(), gst_event_new_eos()));
  EXPECT_THAT(hearing.messages().finals, IsEmpty());
}

TEST_F(SttSinkTest, partials_and_messages_can_be_switched_off) {
  const Posted quiet = play(file(kPrompt) + "post-messages=false");
  EXPECT_TRUE(quiet.ended);
  EXPECT_THAT(quiet.finals, IsEmpty());
  const Posted finals = play(file(kPrompt) + "partials=false");
  EXPECT_THAT(finals.partials, IsEmpty());
  EXPECT_FALSE(finals.finals.empty());
}

TEST_F(SttSinkTest, a_program_says_something_on_the_channel) {
  Ear ear("told-by-program");
  GstObjectPtr<GstElement> sink(gst_parse_launch("sttsink channel=told-by-program", nullptr));
  g_signal_emit_by_name(sink.get(), "say", "es", "Hola a todos.");
  const auto heard = ear.clauses();
  ASSERT_EQ(heard.size(), 1u);
  EXPECT_EQ(heard[0].text, "Hola a todos.");
  EXPECT_EQ(heard[0].language, "es");
  EXPECT_GT(heard[0].utterance, 0u);
  EXPECT_EQ(heard[0].end_utc, heard[0].committed_utc);
}

}  // namespace
}  // namespace dragoman
