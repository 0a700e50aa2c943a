// SPDX-License-Identifier: LGPL-2.1-or-later
// One element of a tap between two pads, with a bus, at a known time.
#pragma once

#include <gst/audio/audio.h>
#include <gst/check/gstharness.h>
#include <gst/gst.h>
#include <gtest/gtest.h>

#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

#include "plugins/common/handles.h"
#include "plugins/common/pipeline_clock.h"

namespace dragoman::testing {

/// A bucket's edge.
inline constexpr uint64_t kEdge = 1'700'000'005 * GST_SECOND;

using MessagePtr = std::unique_ptr<GstMessage, MiniObjectDeleter>;

class TapHarness {
 public:
  /// Running time zero is at `epoch`. `properties` as gst_util_set_object_arg() takes them.
  TapHarness(const char* factory, uint64_t epoch,
             const std::vector<std::pair<const char*, std::string>>& properties = {})
      : TapHarness(made(factory, properties), epoch) {}
  /// `element` may be a bin.
  TapHarness(GstElement* element, uint64_t epoch) : element_(element) {
    gst_object_ref_sink(element_);
    bus_ = gst_bus_new();
    gst_element_set_bus(element_, bus_);
    harness_ = gst_harness_new_with_element(element_, "sink", "src");
    set_pipeline_epoch(element_, epoch);
  }
  ~TapHarness() {
    gst_harness_teardown(harness_);
    gst_element_set_bus(element_, nullptr);
    gst_object_unref(element_);
    gst_object_unref(bus_);
  }
  TapHarness(const TapHarness&) = delete;
  TapHarness& operator=(const TapHarness&) = delete;

  GstHarness* get() { return harness_; }
  GstElement* element() { return element_; }
  GstBus* bus() { return bus_; }

  void caps(int rate, int channels = 1, const char* format = "S16LE") {
    rate_ = rate;
    const std::string caps = std::string("audio/x-raw,layout=interleaved,format=") + format +
                             ",rate=" + std::to_string(rate) +
                             ",channels=" + std::to_string(channels);
    gst_harness_set_src_caps_str(harness_, caps.c_str());
  }

  /// Mono samples at running time `time`, in buffers of `step` samples.
  template <typename Sample>
  void push(GstClockTime time, const std::vector<Sample>& samples, size_t step = 160) {
    for (size_t done = 0; done < samples.size(); done += step) {
      const size_t count = std::min(step, samples.size() - done);
      GstBuffer* buffer = gst_buffer_new_allocate(nullptr, count * sizeof(Sample), nullptr);
      gst_buffer_fill(buffer, 0, samples.data() + done, count * sizeof(Sample));
      GST_BUFFER_PTS(buffer) =
          time + gst_util_uint64_scale(done, GST_SECOND, static_cast<guint64>(rate_));
      GST_BUFFER_DURATION(buffer) =
          gst_util_uint64_scale(count, GST_SECOND, static_cast<guint64>(rate_));
      ASSERT_EQ(gst_harness_push(harness_, buffer), GST_FLOW_OK);
      GstBuffer* out = gst_harness_pull(harness_);
      ASSERT_EQ(out, buffer) << "the audio must pass untouched";
      gst_buffer_unref(out);
    }
  }
  void push_seconds(GstClockTime time, double seconds, int16_t value = 8192, size_t step = 160) {
    push(time, std::vector<int16_t>(static_cast<size_t>(seconds * rate_), value), step);
  }

  bool event(GstEvent* event) { return gst_harness_push_event(harness_, event); }

  /// What was posted of one kind since the last call; the rest is kept.
  std::vector<MessagePtr> messages(GstMessageType type = GST_MESSAGE_ELEMENT) {
    while (GstMessage* message = gst_bus_pop(bus_)) posted_.emplace_back(message);
    std::vector<MessagePtr> found;
    for (MessagePtr& message : posted_) {
      if (GST_MESSAGE_TYPE(message.get()) == type) found.push_back(std::move(message));
    }
    std::erase(posted_, nullptr);
    return found;
  }

  /// Waits for the next message of a kind, with a deadline: nothing if it does not come.
  MessagePtr wait_for(GstMessageType type) {
    while (true) {
      for (auto at = posted_.begin(); at != posted_.end(); ++at) {
        if (GST_MESSAGE_TYPE(at->get()) != type) continue;
        MessagePtr found = std::move(*at);
        posted_.erase(at);
        return found;
      }
      GstMessage* message = gst_bus_timed_pop(bus_, 20 * GST_SECOND);
      if (!message) return nullptr;
      posted_.emplace_back(message);
    }
  }

  /// The types of the events that left the element downstream, but those of the stream's begin.
  std::vector<std::string> events_out() {
    std::vector<std::string> names;
    while (GstEvent* event = gst_harness_try_pull_event(harness_)) {
      if (GST_EVENT_TYPE(event) > GST_EVENT_SEGMENT) names.emplace_back(GST_EVENT_TYPE_NAME(event));
      gst_event_unref(event);
    }
    return names;
  }

 private:
  static GstElement* made(const char* factory,
                          const std::vector<std::pair<const char*, std::string>>& properties) {
    GstElement* element = gst_element_factory_make(factory, nullptr);
    if (!element) throw std::runtime_error(std::string("no element ") + factory);
    for (const auto& [name, value] : properties) {
      gst_util_set_object_arg(G_OBJECT(element), name, value.c_str());
    }
    return element;
  }

  GstElement* element_ = nullptr;
  GstBus* bus_ = nullptr;
  GstHarness* harness_ = nullptr;
  int rate_ = 0;
  std::vector<MessagePtr> posted_;  ///< taken from the bus and not asked for yet
};

inline guint64 u64(const MessagePtr& message, const char* field) {
  guint64 value = 0;
  EXPECT_TRUE(gst_structure_get_uint64(gst_message_get_structure(message.get()), field, &value))
      << field;
  return value;
}
inline guint u32(const MessagePtr& message, const char* field) {
  guint value = 0;
  EXPECT_TRUE(gst_structure_get_uint(gst_message_get_structure(message.get()), field, &value))
      << field;
  return value;
}
inline double real(const MessagePtr& message, const char* field) {
  double value = 0;
  EXPECT_TRUE(gst_structure_get_double(gst_message_get_structure(message.get()), field, &value))
      << field;
  return value;
}
inline std::string text(const MessagePtr& message, const char* field) {
  const char* value = gst_structure_get_string(gst_message_get_structure(message.get()), field);
  return value ? value : "(absent)";
}

}  // namespace dragoman::testing
