// SPDX-License-Identifier: LGPL-2.1-or-later
// How elements hand what they measured to the stationprobe beside them, within the stream.
//
// ariudpsrc and ttssrc send readings downstream, sttsink upstream; the first stationprobe on the
// way takes them (drops the event) and aggregates them with its own. Without a probe the event goes
// its way and is harmless.
#pragma once

#include <gst/gst.h>

#include <functional>
#include <initializer_list>
#include <span>

namespace dragoman {

/// One measurement. `key` is a parameter's key; for a sampled parameter `value` is a reading, for a
/// counted one the increment since the last event. Units are the parameter's.
struct Reading {
  const char* key;
  double value;
};

/// A custom event, named "station-readings", that carries `readings`. `type` is
/// GST_EVENT_CUSTOM_DOWNSTREAM, GST_EVENT_CUSTOM_UPSTREAM, or from another thread than the stream's
/// GST_EVENT_CUSTOM_DOWNSTREAM_OOB. The caller owns it.
GstEvent* new_readings_event(GstEventType type, std::span<const Reading> readings);
inline GstEvent* new_readings_event(GstEventType type, std::initializer_list<Reading> readings) {
  return new_readings_event(type, std::span(readings.begin(), readings.size()));
}

/// Calls `take` for each reading in `event`; false (and no call) if it is another kind of event.
bool take_readings(GstEvent* event, const std::function<void(const char* key, double value)>& take);

}  // namespace dragoman
