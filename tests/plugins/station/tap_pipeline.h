// SPDX-License-Identifier: LGPL-2.1-or-later
// A whole pipeline with taps: runs to its end, with what the taps said.
#pragma once

#include <gst/gst.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "plugins/common/handles.h"
#include "plugins/common/messages.h"
#include "plugins/common/pipeline_clock.h"
#include "tests/plugins/station/tap_harness.h"

namespace dragoman::testing {

/// What a tap said in all its buckets.
class TapFigures {
 public:
  void add(const GstStructure* metrics) {
    for (int i = 0; i < gst_structure_n_fields(metrics); ++i) {
      const char* key = gst_structure_nth_field_name(metrics, static_cast<guint>(i));
      const GstStructure* figures = gst_value_get_structure(gst_structure_get_value(metrics, key));
      figures_[key].emplace_back(gst_structure_copy(figures), gst_structure_free);
    }
  }
  bool has(const std::string& key) const { return figures_.contains(key); }
  /// Mean of the buckets' averages; NaN (which equals nothing) if there is none.
  double mean(const std::string& key) const { return mean_of(key, "avg"); }
  double last(const std::string& key) const {
    return has(key) ? field(figures_.at(key).back(), "last") : NAN;
  }
  double last_mean(const std::string& key) const {
    return has(key) ? field(figures_.at(key).back(), "avg") : NAN;
  }
  double last_min(const std::string& key) const {
    return has(key) ? field(figures_.at(key).back(), "min") : NAN;
  }
  double max(const std::string& key) const {
    double most = NAN;
    if (has(key)) {
      for (const auto& bucket : figures_.at(key)) most = std::fmax(most, field(bucket, "max"));
    }
    return most;
  }
  size_t buckets(const std::string& key) const { return has(key) ? figures_.at(key).size() : 0; }

 private:
  static double field(const std::shared_ptr<GstStructure>& figures, const char* name) {
    double value = NAN;
    EXPECT_TRUE(gst_structure_get_double(figures.get(), name, &value));
    return value;
  }
  double mean_of(const std::string& key, const char* name) const {
    if (!has(key)) return NAN;
    double sum = 0;
    for (const auto& bucket : figures_.at(key)) sum += field(bucket, name);
    return sum / static_cast<double>(figures_.at(key).size());
  }
  std::map<std::string, std::vector<std::shared_ptr<GstStructure>>> figures_;
};

/// Replaces the samples (F32, mono) of the buffers that pass by `samples`, from the first on;
/// silence after them.
class Player {
 public:
  explicit Player(std::vector<float> samples) : samples_(std::move(samples)) {}
  GstBuffer* operator()(GstBuffer* buffer) {
    buffer = gst_buffer_make_writable(buffer);
    GstMapInfo map;
    GST_BUFFER_FLAG_UNSET(buffer, GST_BUFFER_FLAG_GAP);
    EXPECT_TRUE(gst_buffer_map(buffer, &map, GST_MAP_WRITE));
    auto* out = reinterpret_cast<float*>(map.data);
    for (size_t i = 0; i < map.size / sizeof(float); ++i) {
      out[i] = next_ < samples_.size() ? samples_[next_++] : 0;
    }
    gst_buffer_unmap(buffer, &map);
    return buffer;
  }

 private:
  std::vector<float> samples_;
  size_t next_ = 0;
};

class TapPipeline {
 public:
  using OnBuffer = std::function<GstBuffer*(GstBuffer*)>;

  /// Running time zero is at a bucket's edge.
  explicit TapPipeline(const std::string& description, uint64_t epoch = kEdge) : epoch_(epoch) {
    GError* error = nullptr;
    pipeline_ = gst_parse_launch(description.c_str(), &error);
    if (ErrorPtr owned{error}; owned) throw std::runtime_error(owned->message);
    gst_object_ref_sink(pipeline_);
  }
  ~TapPipeline() {
    gst_element_set_state(pipeline_, GST_STATE_NULL);
    gst_object_unref(pipeline_);
  }
  TapPipeline(const TapPipeline&) = delete;
  TapPipeline& operator=(const TapPipeline&) = delete;

  GstElement* get() { return pipeline_; }
  GstObjectPtr<GstElement> element(const char* name) {
    return GstObjectPtr<GstElement>(gst_bin_get_by_name(GST_BIN(pipeline_), name));
  }

  /// `call` sees, and may replace, each buffer at a pad.
  void on_buffer(const char* name, const char* pad_name, OnBuffer call) {
    calls_.push_back(std::move(call));
    const auto owner = element(name);
    const GstObjectPtr<GstPad> pad(gst_element_get_static_pad(owner.get(), pad_name));
    gst_pad_add_probe(
        pad.get(), GST_PAD_PROBE_TYPE_BUFFER,
        [](GstPad*, GstPadProbeInfo* info, gpointer data) {
          info->data = (*static_cast<OnBuffer*>(data))(GST_PAD_PROBE_INFO_BUFFER(info));
          return GST_PAD_PROBE_OK;
        },
        &calls_.back(), nullptr);
  }

  /// `call` within run(), as the buffer numbered `count` has left PRE.
  void after(int count, std::function<void()> call) {
    on_buffer("pre", "src", [=, this, seen = 0](GstBuffer* buffer) mutable {
      if (++seen == count) {
        gst_element_post_message(
            pipeline_,
            gst_message_new_application(GST_OBJECT(pipeline_), gst_structure_new_empty("after")));
      }
      return buffer;
    });
    after_ = std::move(call);
  }

  /// Plays to the end; by tap (or "station tap" if named so by `by_station`).
  std::map<std::string, TapFigures> run(bool by_station = false) {
    std::map<std::string, TapFigures> found;
    const GstObjectPtr<GstBus> bus(gst_element_get_bus(pipeline_));
    set_pipeline_epoch(pipeline_, epoch_);
    gst_element_set_state(pipeline_, GST_STATE_PLAYING);
    while (true) {
      MessagePtr message(gst_bus_timed_pop_filtered(
          bus.get(), 60 * GST_SECOND,
          static_cast<GstMessageType>(GST_MESSAGE_EOS | GST_MESSAGE_ERROR | GST_MESSAGE_ELEMENT |
                                      GST_MESSAGE_APPLICATION)));
      if (!message) throw std::runtime_error("the pipeline did not end");
      if (GST_MESSAGE_TYPE(message.get()) == GST_MESSAGE_APPLICATION) after_();
      if (GST_MESSAGE_TYPE(message.get()) == GST_MESSAGE_ERROR) {
        throw std::runtime_error("the pipeline failed");
      }
      if (GST_MESSAGE_TYPE(message.get()) == GST_MESSAGE_EOS) break;
      if (!gst_message_has_name(message.get(), messages::kBucket)) continue;
      const std::string tap = text(message, "tap");
      found[by_station ? text(message, "station") + " " + tap : tap].add(gst_value_get_structure(
          gst_structure_get_value(gst_message_get_structure(message.get()), "metrics")));
    }
    gst_element_set_state(pipeline_, GST_STATE_NULL);
    return found;
  }

 private:
  uint64_t epoch_;
  GstElement* pipeline_ = nullptr;
  std::list<OnBuffer> calls_;
  std::function<void()> after_;
};

}  // namespace dragoman::testing
