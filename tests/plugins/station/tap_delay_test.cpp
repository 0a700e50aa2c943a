// SPDX-License-Identifier: LGPL-2.1-or-later
// processing_latency_ms and what is read beside it, in pipelines that run.
#include <gst/gst.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>

#include "plugins/station/clocks.h"
#include "tests/plugins/common/gst_environment.h"
#include "tests/plugins/station/tap_pipeline.h"

namespace dragoman {
namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr double kTolerance = 10;  // ms; the probes' own work, not optimised, takes its time
#else
constexpr double kTolerance = 1;  // ms
#endif

using namespace dragoman::testing;

constexpr char kPre[] = " ! stationprobe name=pre station=St_3 tap=PRE trace=t ! ";
constexpr char kPost[] = " ! stationprobe name=post station=St_3 tap=POST trace=t ! fakesink ";

std::string source(int buffers, const char* more = "") {
  return "audiotestsrc wave=pink-noise volume=0.3 samplesperbuffer=320 num-buffers=" +
         std::to_string(buffers) + " " + more + " ! audio/x-raw,format=S16LE,rate=16000,channels=1";
}

/// Times at which the buffers leave PRE and reach POST, in their order.
struct Watch {
  explicit Watch(TapPipeline& pipeline) {
    pipeline.on_buffer("pre", "src", [this](GstBuffer* buffer) {
      left.push_back(gst_util_get_timestamp());
      return buffer;
    });
    pipeline.on_buffer("post", "sink", [this](GstBuffer* buffer) {
      reached.push_back(gst_util_get_timestamp());
      return buffer;
    });
  }
  double mean_ms() const {
    double sum = 0;
    for (size_t i = 0; i < reached.size(); ++i) sum += static_cast<double>(reached[i] - left[i]);
    return sum / static_cast<double>(reached.size()) / GST_MSECOND;
  }
  /// Of many buffers one had not to wait for a busy machine.
  double least_ms() const {
    GstClockTime least = GST_CLOCK_TIME_NONE;
    for (size_t i = 0; i < reached.size(); ++i) least = std::min(least, reached[i] - left[i]);
    return static_cast<double>(least) / GST_MSECOND;
  }
  std::vector<GstClockTime> left, reached;
};

/// Holds audio back by `samples`, as a DSP does that keeps the timestamps.
class Delay {
 public:
  explicit Delay(size_t samples) : held_(samples, 0) {}
  GstBuffer* operator()(GstBuffer* buffer) {
    buffer = gst_buffer_make_writable(buffer);
    GstMapInfo map;
    EXPECT_TRUE(gst_buffer_map(buffer, &map, GST_MAP_READWRITE));
    auto* samples = reinterpret_cast<int16_t*>(map.data);
    for (size_t i = 0; i < map.size / sizeof(int16_t); ++i) {
      held_.push_back(samples[i]);
      samples[i] = held_.front();
      held_.pop_front();
    }
    gst_buffer_unmap(buffer, &map);
    return buffer;
  }

 private:
  std::deque<int16_t> held_;
};

TEST(TapDelay, is_the_time_that_a_buffer_takes) {
  TapPipeline pipeline(source(150) + kPre + "identity sleep-time=15000" + kPost);
  Watch watch(pipeline);
  const TapFigures post = pipeline.run()["POST"];
  EXPECT_GT(watch.mean_ms(), 15);
  EXPECT_NEAR(post.mean("processing_latency_ms"), watch.mean_ms(), kTolerance);
  EXPECT_GE(post.mean("processing_latency_p95_ms"), 15);
  EXPECT_LE(post.mean("processing_latency_p95_ms"), post.max("processing_latency_ms"));
}

TEST(TapDelay, has_the_wait_in_a_queue) {
  TapPipeline pipeline(source(150, "is-live=true") + kPre +
                       "queue max-size-time=0 max-size-buffers=0 min-threshold-time=200000000" +
                       kPost);
  Watch watch(pipeline);
  const TapFigures post = pipeline.run()["POST"];
  EXPECT_GT(watch.mean_ms(), 150);
  EXPECT_NEAR(post.mean("processing_latency_ms"), watch.mean_ms(), kTolerance);
  EXPECT_FALSE(post.has("dsp_load_pct")) << "it is another thread";
}

TEST(TapDelay, has_what_a_dsp_holds_back_under_the_same_timestamps) {
  TapPipeline pipeline(source(500) + kPre + "identity name=dsp" + kPost);
  pipeline.on_buffer("dsp", "src", Delay(592));  // 37 ms
  Watch watch(pipeline);
  const TapFigures post = pipeline.run()["POST"];
  EXPECT_NEAR(post.last_min("processing_latency_ms"), watch.least_ms() + 37, kTolerance);
}

TEST(TapDelay, does_not_take_a_shift_of_the_timestamps_for_a_delay) {
  for (gint64 shift : {80, -60}) {
    TapPipeline pipeline(source(350, "is-live=true") + kPre + "identity name=dsp" + kPost,
                         kEdge + GST_SECOND);
    const auto move = [&](GstBuffer* buffer) {
      buffer = gst_buffer_make_writable(buffer);
      GST_BUFFER_PTS(buffer) += static_cast<GstClockTime>(shift * gint64{GST_MSECOND});
      return buffer;
    };
    pipeline.on_buffer("dsp", "src", [&](GstBuffer* buffer) {
      return GST_BUFFER_PTS(buffer) < GST_SECOND / 2 ? buffer : move(buffer);
    });
    Watch watch(pipeline);
    const TapFigures post = pipeline.run()["POST"];
    EXPECT_NEAR(post.last_mean("processing_latency_ms"), watch.mean_ms(), kTolerance) << shift;
  }
}

TEST(TapDelay, of_a_tone_is_that_of_the_timestamps) {
  TapPipeline pipeline(
      "audiotestsrc freq=440 samplesperbuffer=320 num-buffers=250 ! "
      "audio/x-raw,format=F32LE,rate=16000,channels=2" +
      std::string(kPre) + "identity" + kPost);
  Watch watch(pipeline);
  const TapFigures post = pipeline.run()["POST"];
  EXPECT_NEAR(post.last_min("processing_latency_ms"), watch.least_ms(), kTolerance);
}

TEST(TapDelay, of_webrtcdsp_is_known_and_so_is_its_load) {
  TapPipeline pipeline(source(500) + kPre +
                       "webrtcdsp echo-cancel=false noise-suppression-level=low" + kPost);
  guint64 processed = 0;
  pipeline.on_buffer("post", "sink", [&](GstBuffer* buffer) {
    ++processed;
    return buffer;
  });
  const TapFigures post = pipeline.run()["POST"];
  EXPECT_EQ(processed, 1000u);
  // Its filter bank holds back 6 ms; of many readings the least had not to wait for the machine.
  EXPECT_GT(post.last_min("processing_latency_ms"), 3);
  EXPECT_LT(post.last_min("processing_latency_ms"), 12);
  EXPECT_GT(post.mean("dsp_load_pct"), 0);
  EXPECT_LT(post.mean("dsp_load_pct"), 100);
}

TEST(TapDelay, has_no_figures_without_a_partner) {
  for (const char* other : {"station=St_3 tap=POST trace=other", "station=St_4 tap=POST trace=t"}) {
    TapPipeline pipeline(source(150) + kPre + "stationprobe " + other + " ! fakesink");
    auto found = pipeline.run();
    for (const char* tap : {"PRE", "POST"}) {
      EXPECT_TRUE(found[tap].has("audio_level_dbfs"));
      for (const char* key :
           {"processing_latency_ms", "processing_latency_p95_ms", "dsp_load_pct"}) {
        EXPECT_FALSE(found[tap].has(key)) << tap << " " << key;
      }
    }
  }
}

TEST(TapDelay, pairs_taps_without_a_trace_in_one_pipeline_only) {
  const std::string body =
      source(150) + " ! stationprobe tap=PRE ! stationprobe tap=POST ! fakesink";
  TapPipeline pipeline(body), half(source(150) + " ! stationprobe tap=POST ! fakesink");
  gst_element_set_state(pipeline.get(), GST_STATE_PAUSED);
  EXPECT_FALSE(half.run()["POST"].has("processing_latency_ms"));
  EXPECT_TRUE(pipeline.run()["POST"].has("processing_latency_ms"));
}

TEST(TapDelay, finds_its_partner_in_another_pipeline) {
  TapPipeline first(source(150, "is-live=true") + kPre + "fakesink"),
      second(source(150, "is-live=true") + kPost);
  set_pipeline_epoch(first.get(), kEdge);
  gst_element_set_state(first.get(), GST_STATE_PLAYING);
  EXPECT_TRUE(second.run()["POST"].has("processing_latency_ms"));
}

void work(GstClockTime cpu_ns) {
  for (const uint64_t start = thread_cpu_ns(); thread_cpu_ns() - start < cpu_ns;) {
  }
}

TEST(DspLoad, is_the_work_between_the_taps_and_not_that_after_them) {
  TapPipeline pipeline(source(150) + kPre + "identity name=dsp" + kPost);
  pipeline.on_buffer("dsp", "src", [](GstBuffer* buffer) {
    work(2 * GST_MSECOND);  // of 20 ms
    return buffer;
  });
  uint64_t left = 0, between = 0;  // as the kernel counts, which a busy machine makes more
  pipeline.on_buffer("pre", "src", [&](GstBuffer* buffer) {
    left = thread_cpu_ns();
    return buffer;
  });
  pipeline.on_buffer("post", "sink", [&](GstBuffer* buffer) {
    between += thread_cpu_ns() - left;
    return buffer;
  });
  pipeline.on_buffer("post", "src", [](GstBuffer* buffer) {
    work(3 * GST_MSECOND);
    return buffer;
  });
  const double load = pipeline.run()["POST"].mean("dsp_load_pct");
  EXPECT_GE(load, 10);
  EXPECT_NEAR(load, 100 * static_cast<double>(between) / (150 * 20 * GST_MSECOND), 1);
}

TEST(PipelineLatency, is_what_the_pipeline_answers) {
  TapPipeline pipeline(source(140, "is-live=true") + kPre +
                       "queue max-size-time=0 min-threshold-time=50000000" + kPost + "sync=true");
  GstClockTime least = GST_CLOCK_TIME_NONE;
  pipeline.after(100, [&] {
    GstQuery* query = gst_query_new_latency();
    EXPECT_TRUE(gst_element_query(pipeline.get(), query));
    gst_query_parse_latency(query, nullptr, &least, nullptr);
    gst_query_unref(query);
  });
  auto found = pipeline.run();
  EXPECT_GE(least, 20 * GST_MSECOND);
  for (const char* tap : {"PRE", "POST"}) {
    EXPECT_EQ(found[tap].mean("pipeline_latency_ms"), static_cast<double>(least) / GST_MSECOND);
  }
}

TEST(ProcessFigures, are_in_every_bucket) {
  TapPipeline pipeline(source(150, "is-live=true") + kPre + "fakesink");
  const TapFigures pre = pipeline.run()["PRE"];
  EXPECT_GT(pre.mean("cpu_pct"), 0);
  EXPECT_LT(pre.mean("cpu_pct"), 100);
  EXPECT_GT(pre.mean("memory_mb"), 5);
}

}  // namespace
}  // namespace dragoman
