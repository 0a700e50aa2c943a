// SPDX-License-Identifier: LGPL-2.1-or-later
// The one clock: which UTC time belongs to a buffer.
#pragma once

#include <gst/gst.h>

#include <cstdint>

namespace dragoman {

/// UTC now, in ns since 1970.
inline uint64_t utc_now_ns() { return static_cast<uint64_t>(g_get_real_time()) * 1000; }

/// The pipeline that holds `element`, or itself if none does; the caller's to unref. Any thread.
GstObject* toplevel_of(GstElement* element);

/// UTC (ns since 1970) of running time zero in the pipeline that holds `element`. Every element of
/// one pipeline gets the same answer, so that taps of one sample agree on its bucket. Anchored at
/// the first call after a start: a live pipeline (clock and base time known) from its clock; one
/// that runs as fast as it can, or is prerolling, from the wall clock and `running_time` of the
/// buffer at hand. Any thread.
uint64_t pipeline_epoch(GstElement* element, GstClockTime running_time);

/// Sets what pipeline_epoch() answers for the pipeline that holds `element` (recordings with a
/// known date; tests).
void set_pipeline_epoch(GstElement* element, uint64_t utc_ns);

/// Forgets the anchor if the pipeline itself is stopping: to be called by elements when they go
/// from PAUSED to READY. An element that is taken out of a pipeline that plays on changes nothing.
void clear_pipeline_epoch(GstElement* element);

/// Running time starts again at zero (FLUSH_STOP with reset-time): the next buffer anchors the
/// pipeline anew, from the wall clock and its running time. To be called before that buffer.
void restart_pipeline_epoch(GstElement* element);

}  // namespace dragoman
