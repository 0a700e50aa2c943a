// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/station/tap_stream.h"

#include <algorithm>
#include <optional>

#include "plugins/common/pipeline_clock.h"

namespace dragoman {
namespace {

constexpr size_t kMaxNameLength = 128;

static_assert(GST_CLOCK_TIME_NONE == UINT64_MAX, "unknown times pass through unchanged");

GstClockTime running_time_of(const GstSegment& segment, GstClockTime timestamp) {
  if (segment.format != GST_FORMAT_TIME || !GST_CLOCK_TIME_IS_VALID(timestamp)) {
    return GST_CLOCK_TIME_NONE;
  }
  return gst_segment_to_running_time(&segment, GST_FORMAT_TIME, timestamp);
}

}  // namespace

std::string invalid_name_reason(const std::string& value) {
  if (value.empty()) return "it is empty";
  if (value.size() > kMaxNameLength) return "it is longer than 128 bytes";
  if (value.front() == '.') return "it begins with '.'";
  if (value.find('/') != std::string::npos) return "it contains '/'";
  if (value.find("..") != std::string::npos) return "it contains '..'";
  const auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  if (std::ranges::any_of(value, control)) return "it contains a control character";
  return {};
}

std::string invalid_names_reason(const TapNames& names) {
  const auto check = [](const char* property, const std::string& value) {
    const std::string reason = invalid_name_reason(value);
    return reason.empty() ? reason
                          : "Property " + std::string(property) + " is \"" + value +
                                "\", which cannot name a folder: " + reason + ".";
  };
  if (std::string reason = check("station", names.station); !reason.empty()) return reason;
  if (std::string reason = check("tap", names.tap); !reason.empty()) return reason;
  return names.trace.empty() ? std::string() : check("trace", names.trace);
}

SampleClock::Placement TapStream::place(const GstSegment& segment, GstBuffer* buffer,
                                        size_t frames) {
  const GstClockTime running_time = running_time_of(segment, GST_BUFFER_PTS(buffer));
  epoch_ = pipeline_epoch(element_, running_time);
  std::optional<uint64_t> time;
  if (GST_CLOCK_TIME_IS_VALID(running_time)) {
    time = epoch_ + running_time;
  } else if (!clock_.placed()) {
    time = epoch_;
  }
  return clock_.place(time, frames);
}

void TapStream::pass_gap(const GstSegment& segment, GstEvent* gap) {
  GstClockTime timestamp, duration;
  gst_event_parse_gap(gap, &timestamp, &duration);
  const GstClockTime start = running_time_of(segment, timestamp);
  if (!GST_CLOCK_TIME_IS_VALID(start)) return;
  epoch_ = pipeline_epoch(element_, start);
  const GstClockTime length = GST_CLOCK_TIME_IS_VALID(duration) ? duration : 0;
  clock_.advance_to(epoch_ + start + length);
}

StreamStretch TapStream::here(const GstSegment& segment) const {
  StreamStretch stretch;
  if (clock_.position() < epoch_) return stretch;
  stretch.running_time = clock_.position() - epoch_;
  if (segment.format != GST_FORMAT_TIME) return stretch;
  stretch.timestamp =
      gst_segment_position_from_running_time(&segment, GST_FORMAT_TIME, stretch.running_time);
  stretch.stream_time = gst_segment_to_stream_time(&segment, GST_FORMAT_TIME, stretch.timestamp);
  return stretch;
}

void set_stretch_fields(GstStructure* structure, const StreamStretch& stretch) {
  gst_structure_set(structure, "timestamp", G_TYPE_UINT64, stretch.timestamp, "stream-time",
                    G_TYPE_UINT64, stretch.stream_time, "running-time", G_TYPE_UINT64,
                    stretch.running_time, "duration", G_TYPE_UINT64, stretch.duration, nullptr);
}

}  // namespace dragoman
