// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/common/pipeline_clock.h"

#include <optional>

namespace dragoman {
namespace {

// Interned by name, so all plugins of the process share one anchor per pipeline. It is guarded by
// the toplevel's object lock: each plugin has its own copy of this code and its statics.
GQuark epoch_quark() {
  static const GQuark quark = g_quark_from_static_string("dragoman-pipeline-epoch");
  return quark;
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

std::optional<uint64_t> kept_epoch(GstObject* top) {
  std::optional<uint64_t> epoch;
  GST_OBJECT_LOCK(top);
  if (const gpointer kept = g_object_get_qdata(G_OBJECT(top), epoch_quark())) {
    epoch = *static_cast<uint64_t*>(kept);
  }
  GST_OBJECT_UNLOCK(top);
  return epoch;
}

// Keeps `epoch` unless another was kept since `seen` was; the one kept.
uint64_t keep_first(GstObject* top, std::optional<uint64_t> seen, uint64_t epoch) {
  auto* fresh = g_new(uint64_t, 1);
  *fresh = epoch;
  GST_OBJECT_LOCK(top);
  auto* kept = static_cast<uint64_t*>(g_object_get_qdata(G_OBJECT(top), epoch_quark()));
  if (kept && seen != *kept) {
    *fresh = *kept;
  }
  epoch = *fresh;
  g_object_set_qdata_full(G_OBJECT(top), epoch_quark(), fresh, g_free);
  GST_OBJECT_UNLOCK(top);
  return epoch;
}

}  // namespace

GstObject* toplevel_of(GstElement* element) {
  GstObject* top = GST_OBJECT(gst_object_ref(element));
  while (GstObject* parent = gst_object_get_parent(top)) {
    gst_object_unref(top);
    top = parent;
  }
  return top;
}

uint64_t pipeline_epoch(GstElement* element, GstClockTime running_time) {
  GstObject* top = toplevel_of(element);
  const std::optional<uint64_t> kept = kept_epoch(top);
  uint64_t epoch = kept.value_or(kRestarting);
  if (epoch == kRestarting) {
    epoch = kept ? anchor_at_buffer(running_time) : anchor(element, running_time);
    epoch = keep_first(top, kept, epoch);
  }
  gst_object_unref(top);
  return epoch;
}

void set_pipeline_epoch(GstElement* element, uint64_t utc_ns) {
  GstObject* top = toplevel_of(element);
  auto* kept = g_new(uint64_t, 1);
  *kept = utc_ns;
  GST_OBJECT_LOCK(top);
  g_object_set_qdata_full(G_OBJECT(top), epoch_quark(), kept, g_free);
  GST_OBJECT_UNLOCK(top);
  gst_object_unref(top);
}

void clear_pipeline_epoch(GstElement* element) {
  GstObject* top = toplevel_of(element);
  GST_OBJECT_LOCK(top);
  if (GST_STATE_TARGET(top) <= GST_STATE_READY) {
    g_object_set_qdata(G_OBJECT(top), epoch_quark(), nullptr);
  }
  GST_OBJECT_UNLOCK(top);
  gst_object_unref(top);
}

void restart_pipeline_epoch(GstElement* element) { set_pipeline_epoch(element, kRestarting); }

}  // namespace dragoman
