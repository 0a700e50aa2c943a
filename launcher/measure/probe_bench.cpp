// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/measure/probe_bench.h"

#include <algorithm>
#include <numeric>
#include <stdexcept>

#include "launcher/pipeline/player.h"
#include "plugins/common/messages.h"
#include "plugins/common/parameters.h"
#include "plugins/common/pipeline_clock.h"

namespace dragoman {
namespace {

/// UTC of the first sample: the start of a bucket of every length in use. Zero would mean "not yet
/// known".
uint64_t epoch_for(const std::vector<BenchProbe>& probes) {
  constexpr uint64_t kLatest = uint64_t{1} << 62;
  uint64_t multiple = 1;
  for (const BenchProbe& probe : probes) {
    const uint64_t factor = probe.interval_ns / std::gcd(multiple, probe.interval_ns);
    if (factor > kLatest / multiple) {
      throw std::runtime_error(
          "the interval does not go with the other ones that a picture needs; give one of whole "
          "seconds, such as 5 or 60");
    }
    multiple *= factor;
  }
  return multiple;
}

CapsPtr caps_of(const RecordingFormat& format) {
  return CapsPtr(gst_caps_new_simple(
      "audio/x-raw", "format", G_TYPE_STRING, gst_audio_format_to_string(format.sample), "layout",
      G_TYPE_STRING, "interleaved", "rate", G_TYPE_INT, format.rate, "channels", G_TYPE_INT,
      static_cast<int>(format.channels), nullptr));
}

ProbeMetric metric_of(const GstStructure* figures) {
  ProbeMetric metric;
  guint64 count = 0;
  gst_structure_get(figures, "count", G_TYPE_UINT64, &count, "min", G_TYPE_DOUBLE, &metric.min,
                    "max", G_TYPE_DOUBLE, &metric.max, "avg", G_TYPE_DOUBLE, &metric.avg, "last",
                    G_TYPE_DOUBLE, &metric.last, nullptr);
  metric.count = count;
  if (const char* state = gst_structure_get_string(figures, "state")) metric.state = state;
  return metric;
}

std::map<int, ProbeMetric> metrics_of(const GstStructure* bucket) {
  std::map<int, ProbeMetric> metrics;
  const GValue* all = gst_structure_get_value(bucket, "metrics");
  if (!all || !GST_VALUE_HOLDS_STRUCTURE(all)) return metrics;
  const GstStructure* structure = gst_value_get_structure(all);
  for (const Parameter& parameter : parameters()) {
    const GValue* figures = gst_structure_get_value(structure, parameter.key);
    if (!figures) continue;
    metrics[parameter.number] = metric_of(gst_value_get_structure(figures));
  }
  return metrics;
}

}  // namespace

ProbeBench::ProbeBench(std::vector<BenchProbe> probes)
    : probes_(std::move(probes)),
      pipeline_(GST_ELEMENT(gst_object_ref_sink(gst_pipeline_new("measure")))),
      bus_(gst_element_get_bus(pipeline_.get())) {}

ProbeBench::~ProbeBench() { gst_element_set_state(pipeline_.get(), GST_STATE_NULL); }

GstElement* ProbeBench::add_element(const char* factory) {
  GstElement* element = gst_element_factory_make(factory, nullptr);
  if (!element) {
    throw std::runtime_error(std::string("the element '") + factory +
                             "' is not installed: is GST_PLUGIN_PATH the folder with Dragoman's "
                             "plugins?");
  }
  gst_bin_add(GST_BIN(pipeline_.get()), element);
  return element;
}

void ProbeBench::add_tap(const std::string& name, const RecordingFormat& format) {
  Tap tap{format, GstObjectPtr<GstPad>(
                      GST_PAD(gst_object_ref_sink(gst_pad_new(name.c_str(), GST_PAD_SRC))))};
  GstElement* last = nullptr;
  for (const BenchProbe& settings : probes_) {
    GstElement* probe = add_element("stationprobe");
    g_object_set(probe, "station", settings.station.c_str(), "tap", name.c_str(), "trace",
                 settings.trace.c_str(), "interval", settings.interval_ns, nullptr);
    if (last) {
      gst_element_link(last, probe);
    } else {
      const GstObjectPtr<GstPad> sink(gst_element_get_static_pad(probe, "sink"));
      gst_pad_link(tap.pad.get(), sink.get());
    }
    last = probe;
  }
  GstElement* sink = add_element("fakesink");
  g_object_set(sink, "sync", FALSE, "async", FALSE, nullptr);
  gst_element_link(last, sink);
  taps_.push_back(std::move(tap));
}

void ProbeBench::start() {
  started_ = true;
  set_pipeline_epoch(pipeline_.get(), epoch_for(probes_));
  gst_element_set_state(pipeline_.get(), GST_STATE_PLAYING);
  take_messages();
  for (Tap& tap : taps_) {
    GstPad* pad = tap.pad.get();
    const CharPtr stream(gst_pad_create_stream_id(pad, pipeline_.get(), GST_PAD_NAME(pad)));
    GstSegment segment;
    gst_segment_init(&segment, GST_FORMAT_TIME);
    gst_pad_set_active(pad, TRUE);
    gst_pad_push_event(pad, gst_event_new_stream_start(stream.get()));
    gst_pad_push_event(pad, gst_event_new_caps(caps_of(tap.format).get()));
    gst_pad_push_event(pad, gst_event_new_segment(&segment));
  }
}

void ProbeBench::push(size_t index, std::span<const uint8_t> samples, uint64_t position) {
  if (!started_) start();
  const Tap& tap = taps_[index];
  const auto rate = static_cast<uint64_t>(tap.format.rate);
  const auto time_of = [rate](uint64_t frames) {
    return gst_util_uint64_scale_round(frames, GST_SECOND, rate);
  };
  GstBuffer* buffer = gst_buffer_new_memdup(samples.data(), samples.size());
  GST_BUFFER_PTS(buffer) = time_of(position);
  GST_BUFFER_DURATION(buffer) =
      time_of(position + samples.size() / tap.format.frame_bytes()) - time_of(position);
  const GstFlowReturn flow = gst_pad_push(tap.pad.get(), buffer);
  take_messages();
  if (flow != GST_FLOW_OK) {
    throw std::runtime_error(std::string("the probe refuses audio: ") + gst_flow_get_name(flow));
  }
}

void ProbeBench::end() {
  for (const Tap& tap : taps_) gst_pad_push_event(tap.pad.get(), gst_event_new_eos());
  take_messages();
}

void ProbeBench::take_messages() {
  while (GstMessage* raw = gst_bus_pop(bus_.get())) {
    g_autoptr(GstMessage) message = raw;
    if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) {
      throw std::runtime_error(text_of_error(message));
    }
    if (gst_message_has_name(message, messages::kBucket)) {
      take_bucket(gst_message_get_structure(message));
    }
  }
}

void ProbeBench::take_bucket(const GstStructure* bucket) {
  guint64 start = 0;
  GstClockTime duration = 0;
  gst_structure_get(bucket, "bucket-utc", G_TYPE_UINT64, &start, "duration", G_TYPE_UINT64,
                    &duration, nullptr);
  const char* trace = gst_structure_get_string(bucket, "trace");
  const char* tap = gst_structure_get_string(bucket, "tap");
  buckets_[trace][tap][start - epoch_for(probes_)] = {duration, metrics_of(bucket)};
}

const std::map<uint64_t, ProbeBucket>& ProbeBench::buckets(const std::string& trace,
                                                           const std::string& tap) const {
  static const std::map<uint64_t, ProbeBucket> none;
  const auto taps = buckets_.find(trace);
  if (taps == buckets_.end()) return none;
  const auto found = taps->second.find(tap);
  return found == taps->second.end() ? none : found->second;
}

}  // namespace dragoman
