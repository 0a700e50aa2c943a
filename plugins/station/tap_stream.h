// SPDX-License-Identifier: LGPL-2.1-or-later
// What the elements of a tap share: where their buffers lie on the one clock, and how a tap is
// named.
#pragma once

#include <gst/audio/audio.h>
#include <gst/base/gstbasetransform.h>
#include <gst/gst.h>

#include <string>

#include "plugins/station/bucket_board.h"
#include "plugins/station/sample_clock.h"

namespace dragoman {

/// Sink and source caps of a tap.
#define DRAGOMAN_TAP_CAPS                                                            \
  "audio/x-raw, format = (string) { S16LE, F32LE }, layout = (string) interleaved, " \
  "rate = (int) [ 8000, 48000 ], channels = (int) [ 1, 2 ]"

/// Names of a tap as rows and folders bear them.
struct TapNames {
  std::string station = "St_3", tap = "PRE", trace;
};

/// Why `value` cannot name a row and a folder, or empty: 1 to 128 printable characters, without '/'
/// and "..", not beginning with '.'.
std::string invalid_name_reason(const std::string& value);

/// Like invalid_name_reason() for all three names; an empty trace is allowed (none known).
std::string invalid_names_reason(const TapNames& names);

/// Places buffers and gaps of one stream in UTC, by the pipeline's epoch and their running time.
/// Streaming thread.
class TapStream {
 public:
  TapStream(GstElement* element, uint64_t bucket_ns) : element_(element), clock_(bucket_ns) {}

  SampleClock& clock() { return clock_; }
  const SampleClock& clock() const { return clock_; }

  /// `buffer` of `frames` comes next.
  SampleClock::Placement place(const GstSegment& segment, GstBuffer* buffer, size_t frames);

  /// A GAP event: there is no audio until its end.
  void pass_gap(const GstSegment& segment, GstEvent* gap);

  /// The position, for messages; duration 0.
  StreamStretch here(const GstSegment& segment) const;

 private:
  GstElement* element_;  ///< owns us
  SampleClock clock_;
  uint64_t epoch_ = 0;  ///< UTC of running time 0, as of the last buffer
};

/// Adds timestamp, stream-time, running-time and duration to a message's structure.
void set_stretch_fields(GstStructure* structure, const StreamStretch& stretch);

}  // namespace dragoman
