// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/worker/workers.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <optional>

#include "plugins/common/handles.h"

namespace dragoman {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr char kTone[] = R"([pipeline]
description = A tone whose level is reported
[parameters]
wave = string sine   waveform
frequency = number 440   Hz
[knobs]
tone.volume = tone.volume
tone.loud = gone.mute
[launch]
audiotestsrc name=tone is-live=true wave=${wave} freq=${frequency} samplesperbuffer=441 !
  volume name=gone ! level interval=50000000 ! fakesink sync=true
)";

constexpr char kShort[] = R"([pipeline]
description = Ends by itself
[parameters]
count = int 5   buffers
[launch]
audiotestsrc num-buffers=${count} ! level ! fakesink
)";

constexpr char kFailing[] = R"([pipeline]
description = Fails while it plays
[parameters]
[launch]
audiotestsrc is-live=true num-buffers=5 ! identity error-after=2 ! fakesink
)";

constexpr char kNoise[] = R"([pipeline]
description = Noise through the DSP
[knobs]
noise_reduction.enabled = dsp.noise-suppression
[launch]
audiotestsrc is-live=true wave=white-noise volume=0.05 samplesperbuffer=160 !
  audio/x-raw,format=S16LE,rate=16000,channels=1 !
  webrtcdsp name=dsp echo-cancel=false gain-control=false noise-suppression=false
    noise-suppression-level=very-high !
  level interval=100000000 ! fakesink sync=true
)";

class Recorder : public WorkersListener {
 public:
  struct End {
    std::string id, reason, detail;
  };

  void on_pipeline_message(const std::string& id, const std::string& name,
                           GVariant* fields) override {
    ++messages[id + "/" + name];
    last_fields.reset(g_variant_ref(fields), g_variant_unref);
  }
  void on_pipeline_ended(const std::string& id, const std::string& reason,
                         const std::string& detail) override {
    ends.push_back({id, reason, detail});
  }
  void on_worker_restarted(const std::vector<std::string>& ids) override {
    for (const auto& id : ids) restarted.push_back(id);
  }

  std::map<std::string, int> messages;
  std::shared_ptr<GVariant> last_fields;
  std::vector<End> ends;
  std::vector<std::string> restarted;
};

class WorkersTest : public testing::Test {
 protected:
  WorkersTest() {
    char name[] = "/tmp/dragoman-workers-XXXXXX";
    folder_ = mkdtemp(name);
    write("tone", kTone);
    write("short", kShort);
    write("failing", kFailing);
    write("noise", kNoise);
    make(1);
  }
  ~WorkersTest() override {
    workers_.reset();
    fs::remove_all(folder_);
  }

  void make(int count) {
    workers_.reset();
    workers_ = std::make_unique<Workers>(Workers::Options{DRAGOMAN_PROGRAM, count, {}}, recorder_);
  }

  void write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / (name + ".pipeline")) << text;
  }
  std::string file(const std::string& name) { return (folder_ / (name + ".pipeline")).string(); }

  /// Runs the main loop until `condition`, at most 20 s.
  template <typename Condition>
  bool until(Condition condition) {
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    const guint tick = g_timeout_add(
        10, [](gpointer) -> gboolean { return TRUE; }, nullptr);
    while (!condition() && std::chrono::steady_clock::now() < deadline) {
      g_main_context_iteration(nullptr, TRUE);
    }
    g_source_remove(tick);
    return condition();
  }

  /// Starts a pipeline and waits for the answer: the error, empty if it plays.
  std::string start(const std::string& id, const std::string& name,
                    std::map<std::string, std::string> parameters = {},
                    const std::string& group = "group") {
    std::optional<std::string> answer;
    workers_->start({id, file(name), std::move(parameters)}, group,
                    [&](const std::string& error, int) { answer = error; });
    EXPECT_TRUE(until([&] { return answer.has_value(); })) << "no answer to start";
    return answer.value_or("no answer");
  }

  std::string set_knob(const std::string& id, const std::string& knob, GVariant* value,
                       std::string* old_value = nullptr) {
    std::optional<std::string> answer;
    workers_->set_knob(id, knob, value, [&](const std::string& error, GVariant* old) {
      answer = error;
      if (old && old_value) *old_value = CharPtr(g_variant_print(old, FALSE)).get();
    });
    EXPECT_TRUE(until([&] { return answer.has_value(); }));
    return answer.value_or("no answer");
  }

  int messages(const std::string& key) { return recorder_.messages[key]; }

  double rms() {
    double value = 0;
    GVariant* list = g_variant_lookup_value(recorder_.last_fields.get(), "rms", nullptr);
    if (!list) return 0;
    GVariant* boxed = g_variant_get_child_value(list, 0);
    GVariant* inner = g_variant_get_variant(boxed);
    value = g_variant_get_double(inner);
    g_variant_unref(inner);
    g_variant_unref(boxed);
    g_variant_unref(list);
    return value;
  }

  fs::path folder_;
  Recorder recorder_;
  std::unique_ptr<Workers> workers_;
};

TEST_F(WorkersTest, ForwardsElementMessagesAndSaysStoppedAfterTheLast) {
  ASSERT_EQ(start("a", "tone"), "");
  ASSERT_TRUE(until([&] { return messages("a/level") >= 3; }));
  workers_->stop("a");
  ASSERT_TRUE(until([&] { return !recorder_.ends.empty(); }));
  EXPECT_EQ(recorder_.ends[0].id, "a");
  EXPECT_EQ(recorder_.ends[0].reason, "stopped");
}

TEST_F(WorkersTest, SaysEosWhenAPipelineEndsByItself) {
  ASSERT_EQ(start("a", "short"), "");
  ASSERT_TRUE(until([&] { return !recorder_.ends.empty(); }));
  EXPECT_EQ(recorder_.ends[0].reason, "eos");
}

TEST_F(WorkersTest, SaysErrorWithDetailWhenAnElementFails) {
  start("a", "failing");
  ASSERT_TRUE(until([&] { return !recorder_.ends.empty(); }));
  EXPECT_EQ(recorder_.ends[0].reason, "error");
  EXPECT_NE(recorder_.ends[0].detail.find("identity"), std::string::npos)
      << recorder_.ends[0].detail;
}

TEST_F(WorkersTest, RefusesWhatCannotBeStartedAndSaysWhy) {
  EXPECT_NE(start("a", "tone", {{"frequenz", "1"}}).find("did you mean 'frequency'?"),
            std::string::npos);
  EXPECT_NE(start("a", "nowhere").find("no pipeline file"), std::string::npos);
  ASSERT_EQ(start("a", "tone"), "");
  EXPECT_NE(start("a", "tone").find("running already"), std::string::npos);
  EXPECT_TRUE(recorder_.ends.empty());
}

TEST_F(WorkersTest, SetsKnobsWithTheirTypeAndTellsTheValueBefore) {
  ASSERT_EQ(start("a", "tone"), "");
  std::string old;
  EXPECT_EQ(set_knob("a", "tone.volume", g_variant_new_double(0.25), &old), "");
  EXPECT_EQ(old, "0.80000000000000004");
  EXPECT_EQ(set_knob("a", "tone.volume", g_variant_new_string("0.5"), &old), "");
  EXPECT_EQ(old, "0.25");
  EXPECT_EQ(set_knob("a", "tone.loud", g_variant_new_boolean(TRUE), &old), "");
  EXPECT_EQ(old, "false");
  EXPECT_NE(set_knob("a", "tone.volume", g_variant_new_string("loud")), "");
  EXPECT_NE(set_knob("a", "tone.volume", g_variant_new_double(7)).find("0 to 1"),
            std::string::npos);
  EXPECT_NE(set_knob("a", "tone.loud", g_variant_new_double(1)).find("true or false"),
            std::string::npos);
  EXPECT_NE(set_knob("a", "tone.pitch", g_variant_new_double(1)).find("no knob"),
            std::string::npos);
  EXPECT_NE(set_knob("b", "tone.volume", g_variant_new_double(1)).find("'b'"), std::string::npos);
}

TEST_F(WorkersTest, AKnobOfTheDspWorksWhileItPlays) {
  ASSERT_EQ(start("a", "noise"), "");
  ASSERT_TRUE(until([&] { return messages("a/level") >= 3; }));
  const double noisy = rms();
  ASSERT_EQ(set_knob("a", "noise_reduction.enabled", g_variant_new_boolean(TRUE)), "");
  EXPECT_TRUE(until([&] { return rms() < noisy - 6; })) << rms() << " dB, before " << noisy;
  ASSERT_EQ(set_knob("a", "noise_reduction.enabled", g_variant_new_boolean(FALSE)), "");
  EXPECT_TRUE(until([&] { return rms() > noisy - 1; })) << rms() << " dB, before " << noisy;
  EXPECT_TRUE(recorder_.ends.empty());
}

TEST_F(WorkersTest, AKilledWorkerIsReplacedAndItsPipelinesPlayAsTheyWere) {
  ASSERT_EQ(start("a", "tone", {{"wave", "square"}}), "");
  ASSERT_EQ(start("b", "tone"), "");
  ASSERT_EQ(set_knob("a", "tone.volume", g_variant_new_double(0.001)), "");
  workers_->set_property("b", "gone", "volume", g_variant_new_double(0.5));
  ASSERT_EQ(workers_->pids().size(), 1u);
  const GPid before = workers_->pids()[0];
  const auto killed = std::chrono::steady_clock::now();
  ASSERT_EQ(kill(before, SIGKILL), 0);
  ASSERT_TRUE(until([&] { return recorder_.restarted.size() == 2; }));
  const auto took = std::chrono::steady_clock::now() - killed;
  std::printf(
      "plays again after %ld ms\n",
      static_cast<long>(std::chrono::duration_cast<std::chrono::milliseconds>(took).count()));
  EXPECT_LT(took, 2s);
  EXPECT_NE(workers_->pids().at(0), before);
  workers_->stop("b");
  ASSERT_TRUE(until([&] { return recorder_.ends.size() == 1; }));
  recorder_.messages.clear();
  ASSERT_TRUE(until([&] { return messages("a/level") >= 2; }));
  EXPECT_NEAR(rms(), -60, 1) << "the knob set before the kill is set again";
}

TEST_F(WorkersTest, AWorkerThatHangsNoLongerBlocksAStopWhenItIsKilled) {
  ASSERT_EQ(start("a", "tone"), "");
  ASSERT_EQ(kill(workers_->pids().at(0), SIGSTOP), 0);
  workers_->stop("a");
  ASSERT_EQ(kill(workers_->pids().at(0), SIGKILL), 0);
  ASSERT_TRUE(until([&] { return recorder_.ends.size() == 1; }));
  EXPECT_EQ(recorder_.ends[0].reason, "stopped");
  EXPECT_TRUE(recorder_.restarted.empty());
}

TEST_F(WorkersTest, AWorkerThatDiesAgainAndAgainIsGivenUp) {
  ASSERT_EQ(start("a", "tone"), "");
  for (int death = 0; death < 5; ++death) {
    ASSERT_TRUE(until([&] { return workers_->pids().size() == 1; }));
    const size_t restarts = recorder_.restarted.size();
    kill(workers_->pids()[0], SIGKILL);
    if (death < 4) {
      ASSERT_TRUE(until([&] { return recorder_.restarted.size() > restarts; }));
    }
  }
  ASSERT_TRUE(until([&] { return !recorder_.ends.empty(); }));
  EXPECT_EQ(recorder_.ends[0].reason, "error");
  EXPECT_NE(recorder_.ends[0].detail.find("again and again"), std::string::npos);
  EXPECT_TRUE(workers_->pids().empty());
  EXPECT_NE(start("b", "tone").find("again and again"), std::string::npos);
}

TEST_F(WorkersTest, KeepsAGroupTogetherAndSpreadsGroupsOverWorkers) {
  make(2);
  ASSERT_EQ(start("a", "tone", {}, "one"), "");
  ASSERT_EQ(start("b", "tone", {}, "two"), "");
  ASSERT_EQ(start("c", "tone", {}, "one"), "");
  ASSERT_EQ(workers_->pids().size(), 2u);
  kill(workers_->pids()[0], SIGKILL);
  ASSERT_TRUE(until([&] { return recorder_.restarted.size() == 2; }));
  std::sort(recorder_.restarted.begin(), recorder_.restarted.end());
  EXPECT_EQ(recorder_.restarted, (std::vector<std::string>{"a", "c"}));
}

size_t count_in(GPid pid, const char* what) {
  const fs::path folder = "/proc/" + std::to_string(pid) + "/" + what;
  return static_cast<size_t>(std::distance(fs::directory_iterator(folder), {}));
}

TEST_F(WorkersTest, AHundredStartsAndStopsLeaveNoDescriptorAndNoThread) {
  auto cycle = [&](int times) {
    for (int i = 0; i < times; ++i) {
      const std::string id = std::to_string(i);
      ASSERT_EQ(start(id, "tone"), "");
      const size_t ends = recorder_.ends.size();
      workers_->stop(id);
      ASSERT_TRUE(until([&] { return recorder_.ends.size() > ends; }));
    }
  };
  cycle(5);
  const GPid pid = workers_->pids().at(0);
  const size_t descriptors = count_in(pid, "fd"), threads = count_in(pid, "task");
  cycle(100);
  EXPECT_TRUE(until([&] { return count_in(pid, "fd") <= descriptors; }))
      << count_in(pid, "fd") << " descriptors, before " << descriptors;
  EXPECT_TRUE(until([&] { return count_in(pid, "task") <= threads; }))
      << count_in(pid, "task") << " threads, before " << threads;
}

TEST_F(WorkersTest, NoWorkerOutlivesItsLauncher) {
  ASSERT_EQ(start("a", "tone"), "");
  const GPid pid = workers_->pids().at(0);
  workers_.reset();
  EXPECT_TRUE(until([&] { return kill(pid, 0) != 0; }));
}

TEST(WorkersWithoutAProgram, RefuseToStartAndSayWhy) {
  Recorder recorder;
  Workers workers({"/nowhere/dragoman", 1, {}}, recorder);
  std::string answer;
  workers.start({"a", "listen", {}}, "group",
                [&](const std::string& error, int) { answer = error; });
  EXPECT_NE(answer.find("/nowhere/dragoman"), std::string::npos) << answer;
}

}  // namespace
}  // namespace dragoman
