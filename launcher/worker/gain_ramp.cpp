// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/worker/gain_ramp.h"

#include <gst/base/gstbasetransform.h>
#include <gst/controller/gstdirectcontrolbinding.h>
#include <gst/controller/gstinterpolationcontrolsource.h>

#include <cstring>
#include <mutex>
#include <optional>

#include "plugins/common/handles.h"

namespace dragoman {
namespace {

constexpr char kProperty[] = "volume";

/// What belongs to one volume element, as long as it lives. Its curve is a control source, which
/// `volume` reads for each sample.
class Ramp {
 public:
  explicit Ramp(GstElement* volume) : volume_(volume) {
    const GstObjectPtr<GstPad> sink(gst_element_get_static_pad(volume, "sink"));
    gst_pad_add_probe(sink.get(), GST_PAD_PROBE_TYPE_BUFFER, on_buffer, this, nullptr);
  }

  void go_to(double target) {
    const std::lock_guard lock(mutex_);
    target_ = target;
  }

 private:
  static GstPadProbeReturn on_buffer(GstPad* pad, GstPadProbeInfo* info, gpointer self) {
    static_cast<Ramp*>(self)->before_buffer(pad, GST_PAD_PROBE_INFO_BUFFER(info));
    return GST_PAD_PROBE_OK;
  }

  // The stream's thread.

  void before_buffer(GstPad* pad, GstBuffer* buffer) {
    std::optional<double> target;
    {
      const std::lock_guard lock(mutex_);
      target.swap(target_);
    }
    if (!target && !curve_) return;
    const GstClockTime now = stream_time(pad, buffer);
    if (target)
      begin(now, *target);
    else if (!GST_CLOCK_TIME_IS_VALID(now) || now >= end_)
      finish();
  }

  /// The time that control sources count in.
  static GstClockTime stream_time(GstPad* pad, GstBuffer* buffer) {
    GstEvent* event = gst_pad_get_sticky_event(pad, GST_EVENT_SEGMENT, 0);
    if (!event) return GST_CLOCK_TIME_NONE;
    const GstSegment* segment = nullptr;
    gst_event_parse_segment(event, &segment);
    const GstClockTime time =
        gst_segment_to_stream_time(segment, GST_FORMAT_TIME, GST_BUFFER_PTS(buffer));
    gst_event_unref(event);
    return time;
  }

  void begin(GstClockTime now, double target) {
    gdouble from = 0;
    if (!curve_ || !gst_control_source_get_value(GST_CONTROL_SOURCE(curve_.get()), now, &from))
      g_object_get(volume_, kProperty, &from, nullptr);
    finish();
    to_ = target;
    if (!GST_CLOCK_TIME_IS_VALID(now)) return finish();
    end_ = now + kGainRampMs * GST_MSECOND;
    curve_.reset(GST_INTERPOLATION_CONTROL_SOURCE(
        gst_object_ref_sink(gst_interpolation_control_source_new())));
    g_object_set(curve_.get(), "mode", GST_INTERPOLATION_MODE_LINEAR, nullptr);
    auto* points = GST_TIMED_VALUE_CONTROL_SOURCE(curve_.get());
    gst_timed_value_control_source_set(points, now, from);
    gst_timed_value_control_source_set(points, end_, target);
    gst_object_add_control_binding(
        GST_OBJECT(volume_), gst_direct_control_binding_new_absolute(
                                 GST_OBJECT(volume_), kProperty, GST_CONTROL_SOURCE(curve_.get())));
    // At a factor of one it lets buffers through, and would notice the curve a buffer late.
    gst_base_transform_set_passthrough(GST_BASE_TRANSFORM(volume_), FALSE);
  }

  void finish() {
    if (curve_) {
      if (auto* binding = gst_object_get_control_binding(GST_OBJECT(volume_), kProperty)) {
        gst_object_remove_control_binding(GST_OBJECT(volume_), binding);
        gst_object_unref(binding);
      }
      curve_.reset();
    }
    if (to_) g_object_set(volume_, kProperty, *to_, nullptr);
    to_.reset();
  }

  GstElement* const volume_;  ///< which owns this
  GstObjectPtr<GstInterpolationControlSource> curve_;
  GstClockTime end_ = 0;
  std::optional<double> to_;
  std::mutex mutex_;  // guards target_
  std::optional<double> target_;
};

Ramp& ramp_of(GstElement* volume) {
  static std::mutex making;
  static const GQuark key = g_quark_from_static_string("dragoman-gain-ramp");
  const std::lock_guard lock(making);
  auto* ramp = static_cast<Ramp*>(g_object_get_qdata(G_OBJECT(volume), key));
  if (!ramp) {
    ramp = new Ramp(volume);
    g_object_set_qdata_full(G_OBJECT(volume), key, ramp,
                            [](gpointer data) { delete static_cast<Ramp*>(data); });
  }
  return *ramp;
}

}  // namespace

bool is_gain(GstElement* element, const std::string& property) {
  GstElementFactory* factory = gst_element_get_factory(element);
  return property == kProperty && factory && !std::strcmp(GST_OBJECT_NAME(factory), "volume");
}

void ramp_gain(GstElement* volume, double target) {
  if (GST_STATE(volume) < GST_STATE_PAUSED)
    g_object_set(volume, kProperty, target, nullptr);
  else
    ramp_of(volume).go_to(target);
}

}  // namespace dragoman
