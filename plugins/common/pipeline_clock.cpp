// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/common/pipeline_clock.h"

#include <mutex>

namespace dragoman {
namespace {

std::mutex epoch_mutex;  // guards the anchor that each toplevel element carries

// Interned by name, so all plugins of the process share one anchor per pipeline.
GQuark epoch_quark() {
  static const GQuark quark = g_quark_from_static_string("dragoman-pipeline-epoch");
  return quark;
}

GstObject* toplevel_of(GstElement* element) {
  GstObject* top = GST_OBJECT(gst_object_ref(element));
  while (GstObject* parent = gst_object_get_parent(top)) {
    gst_object_unref(top);
    top = parent;
  }
  return top;
}

// Kept instead of an anchor while running time restarts: no pipeline ran in 1970.
constexpr uint64_t kRestarting = 0;

uint64_t anchor_at_buffer(GstClockTime running_time) {
  return utc_now_ns() - (GST_CLOCK_TIME_IS_VALID(running_time) ? running_time : 0);
}

uint64_t anchor(GstElement* element, GstClockTime running_time) {
  const GstClockTime base_time = gst_element_get_base_time(element);
  GstClock* clock = gst_element_get_clock(element);
  uint64_t epoch = anchor_at_buffer(running_time);
  if (clock && GST_STATE(element) == GST_STATE_PLAYING && GST_CLOCK_TIME_IS_VALID(base_time)) {
    const GstClockTime now = gst_clock_get_time(clock);
    if (now >= base_time) epoch = utc_now_ns() - (now - base_time);
  }
  if (clock) gst_object_unref(clock);
  return epoch;
}

void store(GstObject* top, uint64_t epoch) {
  auto* kept = g_new(uint64_t, 1);
  *kept = epoch;
  g_object_set_qdata_full(G_OBJECT(top), epoch_quark(), kept, g_free);
}

}  // namespace

uint64_t pipeline_epoch(GstElement* element, GstClockTime running_time) {
  GstObject* top = toplevel_of(element);
  uint64_t epoch;
  {
    std::lock_guard lock(epoch_mutex);
    const auto* kept = static_cast<uint64_t*>(g_object_get_qdata(G_OBJECT(top), epoch_quark()));
    if (kept && *kept != kRestarting) {
      epoch = *kept;
    } else {
      epoch = kept ? anchor_at_buffer(running_time) : anchor(element, running_time);
      store(top, epoch);
    }
  }
  gst_object_unref(top);
  return epoch;
}

void set_pipeline_epoch(GstElement* element, uint64_t utc_ns) {
  GstObject* top = toplevel_of(element);
  {
    std::lock_guard lock(epoch_mutex);
    store(top, utc_ns);
  }
  gst_object_unref(top);
}

void clear_pipeline_epoch(GstElement* element) {
  GstObject* top = toplevel_of(element);
  if (GST_STATE_TARGET(top) <= GST_STATE_READY) {
    std::lock_guard lock(epoch_mutex);
    g_object_set_qdata(G_OBJECT(top), epoch_quark(), nullptr);
  }
  gst_object_unref(top);
}

void restart_pipeline_epoch(GstElement* element) { set_pipeline_epoch(element, kRestarting); }

}  // namespace dragoman
