// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/common/readings.h"

namespace dragoman {
namespace {
constexpr char kName[] = "station-readings";
}

GstEvent* new_readings_event(GstEventType type, std::span<const Reading> readings) {
  GstStructure* structure = gst_structure_new_empty(kName);
  for (const Reading& reading : readings) {
    gst_structure_set(structure, reading.key, G_TYPE_DOUBLE, reading.value, nullptr);
  }
  return gst_event_new_custom(type, structure);
}

bool take_readings(GstEvent* event, const std::function<void(const char*, double)>& take) {
  if (!gst_event_has_name(event, kName)) return false;
  const GstStructure* structure = gst_event_get_structure(event);
  const int fields = gst_structure_n_fields(structure);
  for (int i = 0; i < fields; ++i) {
    const char* key = gst_structure_nth_field_name(structure, static_cast<guint>(i));
    double value = 0;
    if (gst_structure_get_double(structure, key, &value)) take(key, value);
  }
  return true;
}

}  // namespace dragoman
