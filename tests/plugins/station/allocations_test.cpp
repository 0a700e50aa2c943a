// SPDX-License-Identifier: LGPL-2.1-or-later
// A streaming thread that asks for memory may wait for another one: between two buckets a probe
// must not, once its first second has passed. Counts what the thread that pushes allocates.
#include <gst/gst.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <random>
#include <vector>

#include "plugins/common/handles.h"
#include "plugins/common/pipeline_clock.h"
#include "tests/plugins/common/gst_environment.h"
#include "tests/plugins/station/sox.h"
#include "tests/plugins/station/tap_harness.h"

namespace {
thread_local bool counting = false;  // of the thread that pushes
thread_local size_t allocations = 0;
void count() {
  if (counting) ++allocations;
}
}  // namespace

#if !defined(__SANITIZE_ADDRESS__)  // which has an allocator of its own
extern "C" {
void* __libc_malloc(size_t);
void* __libc_calloc(size_t, size_t);
void* __libc_realloc(void*, size_t);
void* malloc(size_t size) {
  count();
  return __libc_malloc(size);
}
void* calloc(size_t number, size_t size) {
  count();
  return __libc_calloc(number, size);
}
void* realloc(void* memory, size_t size) {
  count();
  return __libc_realloc(memory, size);
}
}
#endif

namespace dragoman {
namespace {

using namespace dragoman::testing;

constexpr int kRate = 16000;
constexpr size_t kFrames = 320;
constexpr GstClockTime kHour = 3600 * GST_SECOND;

GstFlowReturn swallow(GstPad*, GstObject*, GstBuffer* buffer) {
  gst_buffer_unref(buffer);
  return GST_FLOW_OK;
}

/// Names are longer than a string holds without asking for memory.
struct Tap {
  const char* tap;
  const char* station = "a-station-that-measures-everything";
  const char* far = "";
  const char* partner = "";
};

/// Probes one after the other in a pipeline, between two bare pads, which allocate nothing
/// themselves.
class Chain {
 public:
  Chain(const std::vector<Tap>& taps, GstClockTime interval)
      : pipeline_(gst_object_ref_sink(gst_pipeline_new(nullptr))),
        source_(gst_object_ref_sink(gst_pad_new("source", GST_PAD_SRC))),
        sink_(gst_object_ref_sink(gst_pad_new("sink", GST_PAD_SINK))) {
    gst_pad_set_chain_function(GST_PAD(sink_), swallow);
    GstPad* from = GST_PAD(source_);
    set_pipeline_epoch(GST_ELEMENT(pipeline_), kEdge - kEdge % kHour);
    for (const auto& [tap, station, far, partner] : taps) {
      GstElement* probe = gst_element_factory_make("stationprobe", nullptr);
      g_object_set(probe, "station", station, "trace", "a-trace-of-which-allocations-count", "tap",
                   tap, "interval", interval, nullptr);
      if (*far) g_object_set(probe, "far-station", far, nullptr);
      if (*partner) g_object_set(probe, "partner-station", partner, nullptr);
      gst_bin_add(GST_BIN(pipeline_), probe);
      link(from, gst_element_get_static_pad(probe, "sink"));
      from = gst_element_get_static_pad(probe, "src");
      gst_object_unref(from);
      gst_element_set_state(probe, GST_STATE_PLAYING);
      probes_.push_back(probe);
    }
    link(from, GST_PAD(gst_object_ref(sink_)));
    gst_pad_set_active(GST_PAD(sink_), TRUE);
    gst_pad_set_active(GST_PAD(source_), TRUE);
    begin();
  }
  ~Chain() {
    for (GstElement* probe : probes_) gst_element_set_state(probe, GST_STATE_NULL);
    gst_element_set_state(GST_ELEMENT(pipeline_), GST_STATE_NULL);
    gst_object_unref(pipeline_);
    gst_object_unref(source_);
    gst_object_unref(sink_);
  }

  void push(GstBuffer* buffer) {
    ASSERT_EQ(gst_pad_push(GST_PAD(source_), gst_buffer_ref(buffer)), GST_FLOW_OK);
  }

 private:
  static void link(GstPad* from, GstPad* to) {
    ASSERT_EQ(gst_pad_link(from, to), GST_PAD_LINK_OK);
    gst_object_unref(to);
  }
  void begin() {
    GstPad* pad = GST_PAD(source_);
    gst_pad_push_event(pad, gst_event_new_stream_start("audio"));
    GstCaps* caps =
        gst_caps_from_string("audio/x-raw,format=S16LE,layout=interleaved,rate=16000,channels=1");
    gst_pad_push_event(pad, gst_event_new_caps(caps));
    gst_caps_unref(caps);
    GstSegment segment;
    gst_segment_init(&segment, GST_FORMAT_TIME);
    gst_pad_push_event(pad, gst_event_new_segment(&segment));
  }

  gpointer pipeline_, source_, sink_;
  std::vector<GstElement*> probes_;
};

/// Speech, else noise, in buffers of 20 ms.
std::vector<GstBuffer*> audio(int seconds) {
  std::vector<int16_t> samples =
      sox_samples(kEnglishPrompt, "rate 16000 repeat 9 trim 0 " + std::to_string(seconds));
  std::mt19937 random(1);
  std::normal_distribution<double> noise(0, 100);
  samples.resize(static_cast<size_t>(seconds * kRate));
  std::vector<GstBuffer*> buffers;
  for (size_t at = 0; at + kFrames <= samples.size(); at += kFrames) {
    for (size_t i = at; i < at + kFrames; ++i)
      samples[i] = static_cast<int16_t>(samples[i] / 2 + noise(random));
    GstBuffer* buffer = gst_buffer_new_allocate(nullptr, kFrames * sizeof(int16_t), nullptr);
    gst_buffer_fill(buffer, 0, samples.data() + at, kFrames * sizeof(int16_t));
    GST_BUFFER_PTS(buffer) = gst_util_uint64_scale(at, GST_SECOND, kRate);
    buffers.push_back(buffer);
  }
  return buffers;
}

/// After a second, with buckets of `interval`.
size_t allocated(const std::vector<Tap>& taps, GstClockTime interval = kHour) {
  constexpr size_t warm_up = 50;
  Chain chain(taps, interval);
  const std::vector<GstBuffer*> buffers = audio(12);
  for (size_t i = 0; i < warm_up; ++i) chain.push(buffers[i]);
  allocations = 0;
  counting = true;
  for (size_t i = warm_up; i < buffers.size(); ++i) chain.push(buffers[i]);
  counting = false;
  for (GstBuffer* buffer : buffers) gst_buffer_unref(buffer);
  return allocations;
}

class Allocations : public ::testing::Test {
 protected:
  void SetUp() override {
#if defined(__SANITIZE_ADDRESS__)
    GTEST_SKIP() << "the sanitizer allocates";
#endif
  }
};

TEST_F(Allocations, a_probe_makes_none_after_its_first_second) {
  EXPECT_EQ(allocated({{"PRE"}}), 0u);
}

TEST_F(Allocations, two_probes_that_compare_make_none_either) {
  EXPECT_EQ(allocated({{"PRE"}, {"POST"}}), 0u);
}

TEST_F(Allocations, probes_that_know_the_far_end_and_the_other_party_make_none_either) {
  constexpr const char *kNear = "the-station-of-the-caller", *kFar = "what-the-caller-can-hear",
                       *kParty = "the-station-of-the-other-party";
  EXPECT_EQ(allocated({{"PRE", kFar},
                       {"PRE", kParty, "", kNear},
                       {"PRE", kNear, kFar, kParty},
                       {"POST", kNear, kFar}}),
            0u);
}

TEST_F(Allocations, of_a_buckets_message_are_counted) {
  EXPECT_GT(allocated({{"PRE"}}, GST_SECOND), 100u);
}

}  // namespace
}  // namespace dragoman
