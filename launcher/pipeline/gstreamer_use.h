// SPDX-License-Identifier: LGPL-2.1-or-later
// GStreamer for the time of a command.
#pragma once

#include <gst/gst.h>

namespace dragoman {

/// Must outlive every pipeline. Its end lets GStreamer's tracers report (GST_TRACERS=leaks).
class GstreamerUse {
 public:
  GstreamerUse() { gst_init(nullptr, nullptr); }
  ~GstreamerUse() { gst_deinit(); }
  GstreamerUse(const GstreamerUse&) = delete;
  GstreamerUse& operator=(const GstreamerUse&) = delete;
};

}  // namespace dragoman
