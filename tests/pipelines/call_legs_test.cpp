// SPDX-License-Identifier: LGPL-2.1-or-later
// The call pipelines, two legs in one media worker, with RTP from sockets that stand for Asterisk.
#include <gst/gst.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <numbers>
#include <optional>
#include <set>

#include "launcher/simulate/rtp_phone.h"
#include "launcher/util/json.h"
#include "launcher/worker/workers.h"

namespace dragoman {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

/// A sine of `frequency` Hz, half of full scale, 16 kHz.
std::vector<int16_t> tone(double frequency, std::chrono::milliseconds length) {
  std::vector<int16_t> samples(static_cast<size_t>(length.count()) * 16);
  for (size_t i = 0; i < samples.size(); ++i) {
    samples[i] = static_cast<int16_t>(
        16000 * std::sin(2 * std::numbers::pi * frequency * static_cast<double>(i) / 16000));
  }
  return samples;
}

/// The prompt `name` of a language's folder, brought to 16 kHz; empty where it is not installed.
std::vector<int16_t> prompt(const std::string& language, const std::string& name) {
  const std::string path = "/usr/share/asterisk/sounds/" + language + "/" + name + ".wav";
  if (!fs::exists(path)) return {};
  gst_init(nullptr, nullptr);
  const std::string raw = "/tmp/dragoman-prompt-" + std::to_string(getpid()) + ".raw";
  GstElement* pipeline =
      gst_parse_launch(("filesrc location=" + path +
                        " ! wavparse ! audioconvert ! audioresample ! "
                        "audio/x-raw,format=S16LE,rate=16000,channels=1 ! filesink location=" +
                        raw)
                           .c_str(),
                       nullptr);
  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  GstBus* bus = gst_element_get_bus(pipeline);
  gst_message_unref(gst_bus_timed_pop_filtered(
      bus, 10 * GST_SECOND, GstMessageType(GST_MESSAGE_EOS | GST_MESSAGE_ERROR)));
  gst_element_set_state(pipeline, GST_STATE_NULL);
  gst_object_unref(bus);
  gst_object_unref(pipeline);
  std::vector<int16_t> samples(fs::file_size(raw) / 2);
  FILE* file = std::fopen(raw.c_str(), "rb");
  const size_t read = std::fread(samples.data(), 2, samples.size(), file);
  std::fclose(file);
  fs::remove(raw);
  samples.resize(read);
  return samples;
}

/// The power of `frequency` Hz in the last `seconds`, relative to all power there (Goertzel).
double share_of(const HeardAudio& heard, double frequency, double seconds) {
  const size_t wanted = static_cast<size_t>(seconds * heard.sample_rate);
  const size_t size = std::min(wanted, heard.samples.size());
  const double step = 2 * std::numbers::pi * frequency / heard.sample_rate;
  double real = 0, imaginary = 0, all = 0;
  for (size_t i = 0; i < size; ++i) {
    const double sample = heard.samples[heard.samples.size() - size + i];
    real += sample * std::cos(step * static_cast<double>(i));
    imaginary += sample * std::sin(step * static_cast<double>(i));
    all += sample * sample;
  }
  return all > 0 ? 2 * (real * real + imaginary * imaginary) / (static_cast<double>(size) * all)
                 : 0;
}

double rms_of(const HeardAudio& heard, double seconds) {
  const size_t size =
      std::min(static_cast<size_t>(seconds * heard.sample_rate), heard.samples.size());
  double all = 0;
  for (size_t i = heard.samples.size() - size; i < heard.samples.size(); ++i) {
    all += static_cast<double>(heard.samples[i]) * heard.samples[i];
  }
  return size ? std::sqrt(all / static_cast<double>(size)) : 0;
}

class CallLegsTest : public testing::Test, public WorkersListener {
 protected:
  CallLegsTest() {
    char name[] = "/tmp/dragoman-legs-XXXXXX";
    folder_ = mkdtemp(name);
    workers_ = std::make_unique<Workers>(Workers::Options{DRAGOMAN_PROGRAM, 1, {}}, *this);
  }
  ~CallLegsTest() override {
    workers_.reset();
    fs::remove_all(folder_);
  }

  void on_pipeline_message(const std::string& id, const std::string& name,
                           GVariant* fields) override {
    ++messages_[id + "/" + name];
    if (name == "transcript" || name == "spoken" || name == "warning") {
      said_[id + "/" + name].push_back(json_from_variant(fields));
    }
    const char* station = nullptr;
    const char* tap = nullptr;
    if (name == "segment" && g_variant_lookup(fields, "station", "&s", &station) &&
        g_variant_lookup(fields, "tap", "&s", &tap)) {
      segments_.insert(std::string(station) + "/" + tap);
    }
    guint64 bucket = 0;
    if (g_variant_lookup(fields, "bucket-utc", "t", &bucket)) {
      ++buckets_[id + "/" + name + "/" + (g_variant_lookup(fields, "tap", "&s", &tap) ? tap : "")]
                [bucket];
    }
  }
  void on_pipeline_ended(const std::string& id, const std::string& reason,
                         const std::string& detail) override {
    ends_[id] = reason + (detail.empty() ? "" : ": " + detail);
  }
  void on_worker_restarted(const std::vector<std::string>& ids) override {
    restarted_.insert(restarted_.end(), ids.begin(), ids.end());
  }

  template <typename Condition>
  bool until(Condition condition, std::chrono::seconds most = 30s) {
    const auto deadline = Clock::now() + most;
    const guint tick = g_timeout_add(
        5, [](gpointer) -> gboolean { return TRUE; }, nullptr);
    while (!condition() && Clock::now() < deadline) g_main_context_iteration(nullptr, TRUE);
    g_source_remove(tick);
    return condition();
  }

  /// Starts the leg of `phone`, whose party is "a" or "b", and its audio.
  void start(RtpPhone& phone, const std::string& file, const std::string& me,
             const std::string& other, std::map<std::string, std::string> more = {}) {
    const bool first = me == "a";
    std::map<std::string, std::string> parameters = {
        {"peer", "127.0.0.1:" + std::to_string(phone.port())},
        {"channel", me},
        {"listens", other},
        {"audio", folder_.string()},
        {"trace", "t"},
        {"station", first ? "St_3" : "St_4"}};
    parameters.merge(more);
    std::optional<std::string> answer;
    const auto asked = Clock::now();
    workers_->start({me, fs::path(DRAGOMAN_PIPELINES) / (file + ".pipeline"), parameters}, "call",
                    [&](const std::string& error, int port) {
                      answer = error;
                      ports_[me] = port;
                    });
    ASSERT_TRUE(until([&] { return answer.has_value(); }));
    ASSERT_EQ(*answer, "");
    ASSERT_GT(ports_[me], 0);
    std::printf("leg %s plays after %.0f ms\n", me.c_str(),
                std::chrono::duration<double, std::milli>(Clock::now() - asked).count());
    ASSERT_TRUE(phone.start("127.0.0.1:" + std::to_string(ports_[me]), "slin16"));
  }

  void start_translated(RtpPhone& a, RtpPhone& b, const std::string& file = "call-translate") {
    start(a, file, "a", "b",
          {{"speaks", "en"},
           {"hears", "en"},
           {"partner-speaks", "es"},
           {"translated-station", "St_5"}});
    start(b, file, "b", "a",
          {{"speaks", "es"},
           {"hears", "es"},
           {"partner-speaks", "en"},
           {"translated-station", "St_6"}});
  }

  void stop_both() {
    workers_->stop("a");
    workers_->stop("b");
    ASSERT_TRUE(until([&] { return ends_.size() == 2; }));
    EXPECT_EQ(ends_["a"], "stopped");
    EXPECT_EQ(ends_["b"], "stopped");
  }

  fs::path folder_;
  std::map<std::string, int> ports_, messages_;
  std::map<std::string, std::string> ends_;
  std::map<std::string, std::vector<std::string>> said_;
  std::set<std::string> segments_;
  std::map<std::string, std::map<guint64, int>> buckets_;  ///< how often each was told
  std::vector<std::string> restarted_;
  std::unique_ptr<Workers> workers_;
};

TEST_F(CallLegsTest, ATappedCallCarriesEachPartysVoiceToTheOther) {
  RtpPhone a, b;
  start(a, "call-tap", "a", "b");
  start(b, "call-tap", "b", "a");
  a.play(tone(440, 4s));
  b.play(tone(1000, 4s));
  ASSERT_TRUE(until([&] { return a.has_heard_sound() && b.has_heard_sound(); }));
  ASSERT_TRUE(until([&] { return b.heard().samples.size() > 8000 * 3; }));
  EXPECT_GT(share_of(a.heard(), 1000, 1), 0.9);
  EXPECT_GT(share_of(b.heard(), 440, 1), 0.9);
  EXPECT_NEAR(20 * std::log10(rms_of(b.heard(), 1) / 16000), -3, 1) << "as loud as it was said";
  stop_both();
  EXPECT_EQ(segments_, (std::set<std::string>{"St_3/PRE", "St_3/POST", "St_4/PRE", "St_4/POST"}));
  EXPECT_GT(messages_["a/bucket"], 0);
  EXPECT_EQ(messages_["a/media-started"], 1);
}

TEST_F(CallLegsTest, AKnobTurnedDuringACallBreaksNoBucketAndNoFile) {
  RtpPhone a;
  start(a, "call-tap", "a", "b");
  a.play(tone(440, 12s));
  const auto turn = [&](bool on) {
    std::optional<std::string> answer;
    workers_->set_knob("a", "noise_reduction.enabled", g_variant_new_boolean(on),
                       [&](const std::string& error, GVariant*) { answer = error; });
    ASSERT_TRUE(until([&] { return answer.has_value(); }));
    EXPECT_EQ(*answer, "");
  };
  ASSERT_TRUE(until([&] { return a.counters().received > 100; }));
  turn(true);
  const uint64_t received = a.counters().received;
  ASSERT_TRUE(until([&] { return a.counters().received > received + 50; }));
  turn(false);
  ASSERT_TRUE(until([&] { return buckets_["a/bucket/POST"].size() >= 2; }));
  workers_->stop("a");
  ASSERT_TRUE(until([&] { return ends_.size() == 1; }));
  for (const char* what : {"a/bucket/PRE", "a/bucket/POST", "a/segment/PRE", "a/segment/POST"}) {
    EXPECT_GE(buckets_[what].size(), 2u) << what;
    for (const auto& [bucket, times] : buckets_[what]) EXPECT_EQ(times, 1) << what << " " << bucket;
  }
  EXPECT_EQ(buckets_["a/bucket/PRE"].size(), buckets_["a/bucket/POST"].size());
}

TEST_F(CallLegsTest, AKilledWorkerSendsToBothPhonesAgainWithinASecond) {
  RtpPhone a, b;
  start_translated(a, b);
  ASSERT_TRUE(until([&] { return a.counters().received > 25 && b.counters().received > 25; }));
  const std::map<std::string, int> ports = ports_;
  ASSERT_EQ(kill(workers_->pids().at(0), SIGKILL), 0);
  const auto killed = Clock::now();
  ASSERT_TRUE(until([&] { return !workers_->pids().empty() && restarted_.size() == 2; }));
  const uint64_t a_before = a.counters().received, b_before = b.counters().received;
  const int media = messages_["a/media-started"] + messages_["b/media-started"];
  ASSERT_TRUE(
      until([&] { return a.counters().received > a_before && b.counters().received > b_before; }));
  ASSERT_TRUE(until([&] {
    return messages_["a/media-started"] + messages_["b/media-started"] >= 4;
  })) << "both legs hear their phone again; before "
      << media;
  const double took = std::chrono::duration<double, std::milli>(Clock::now() - killed).count();
  std::printf("RTP flows both ways again after %.0f ms\n", took);
  EXPECT_LT(took, 1000);
  EXPECT_EQ(ports_, ports);
  stop_both();
}

TEST_F(CallLegsTest, WhatOneSaysTheOtherHearsInHisLanguage) {
  const auto english = prompt("en_US_f_Allison", "vm-goodbye");
  if (english.empty()) GTEST_SKIP() << "asterisk-core-sounds-en-wav is not installed";
  RtpPhone a, b;
  start_translated(a, b);
  a.play(english);
  ASSERT_TRUE(until([&] { return messages_["b/spoken"] > 0 && b.has_heard_sound(); }))
      << messages_["a/transcript"] << " transcripts, " << messages_["b/translation"]
      << " translations";
  EXPECT_FALSE(a.has_heard_sound()) << "nobody hears his own words";
  std::printf("%s\n%s\n", said_["a/transcript"].back().c_str(), said_["b/spoken"].back().c_str());
  stop_both();
  EXPECT_TRUE(segments_.count("St_6/PRE")) << "the translated audio is recorded";
}

TEST_F(CallLegsTest, TheOriginalIsHeardQuietlyUnderTheTranslationWhereAskedFor) {
  RtpPhone a, b;
  start_translated(a, b, "call-translate-original");
  a.play(tone(440, 6s));
  ASSERT_TRUE(until([&] { return b.has_heard_sound(); }));
  ASSERT_TRUE(until([&] { return share_of(b.heard(), 440, 1) > 0.9; }, 10s));
  const double level = 20 * std::log10(rms_of(b.heard(), 0.5) / 11314);
  EXPECT_LT(level, -10);
  EXPECT_GT(level, -40);
  stop_both();
}

TEST_F(CallLegsTest, StartingAndStoppingTranslatedLegsLeavesNothingBehind) {
  RtpPhone a, b;
  const auto count = [&](const char* what) {
    const fs::path folder = "/proc/" + std::to_string(workers_->pids().at(0)) + "/" + what;
    return static_cast<size_t>(std::distance(fs::directory_iterator(folder), {}));
  };
  const auto cycle = [&](int times) {
    for (int i = 0; i < times; ++i) {
      RtpPhone x, y;
      start_translated(x, y);
      stop_both();
      ends_.clear();
    }
  };
  cycle(3);
  const size_t descriptors = count("fd"), threads = count("task");
  cycle(10);
  EXPECT_TRUE(until([&] { return count("fd") <= descriptors && count("task") <= threads; }, 20s))
      << count("fd") << " descriptors, before " << descriptors << "; " << count("task")
      << " threads, before " << threads;
}

}  // namespace
}  // namespace dragoman
