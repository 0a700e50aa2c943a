// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/station/probe_settings.h"

#include <algorithm>

namespace dragoman {
namespace {

constexpr guint64 kMinInterval = 100 * GST_MSECOND;
constexpr guint64 kMaxInterval = 86400 * GST_SECOND;

enum {
  kPropStation = 1,
  kPropTap,
  kPropTrace,
  kPropFarStation,
  kPropPartnerStation,
  kPropStations,
  kPropPostMessages,
  kPropInterval
};

/// The text that the property `id` is; null if it is another kind.
std::string* text_of(ProbeSettings& settings, guint id) {
  switch (id) {
    case kPropStation:
      return &settings.names.station;
    case kPropTap:
      return &settings.names.tap;
    case kPropTrace:
      return &settings.names.trace;
    case kPropFarStation:
      return &settings.relations.far;
    case kPropPartnerStation:
      return &settings.relations.partner;
    case kPropStations:
      return &settings.stations;
    default:
      return nullptr;
  }
}

}  // namespace

bool set_probe_property(ProbeSettings& settings, guint id, const GValue* value) {
  if (std::string* text = text_of(settings, id)) {
    const char* given = g_value_get_string(value);
    *text = given ? given : "";
    return true;
  }
  if (id == kPropPostMessages) {
    settings.post_messages = g_value_get_boolean(value);
  } else if (id == kPropInterval) {
    // 0 is the station's own; shorter than the least would be a bucket for each frame.
    settings.interval = g_value_get_uint64(value);
    if (settings.interval) settings.interval = std::max(settings.interval, kMinInterval);
  } else {
    return false;
  }
  return true;
}

bool get_probe_property(const ProbeSettings& settings, guint id, GValue* value) {
  ProbeSettings copy = settings;
  if (const std::string* text = text_of(copy, id)) {
    g_value_set_string(value, text->c_str());
  } else if (id == kPropPostMessages) {
    g_value_set_boolean(value, settings.post_messages);
  } else if (id == kPropInterval) {
    g_value_set_uint64(value, settings.interval);
  } else {
    return false;
  }
  return true;
}

void install_probe_properties(GObjectClass* object_class) {
  const auto ready = static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
                                              GST_PARAM_MUTABLE_READY);
  const auto playing = static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
                                                GST_PARAM_MUTABLE_PLAYING);
  const TapNames names;
  g_object_class_install_property(
      object_class, kPropStation,
      g_param_spec_string("station", "Station", "Station that the figures belong to, such as St_3",
                          names.station.c_str(), ready));
  g_object_class_install_property(
      object_class, kPropTap,
      g_param_spec_string("tap", "Tap", "Side of the station's processing: PRE or POST",
                          names.tap.c_str(), ready));
  g_object_class_install_property(
      object_class, kPropTrace,
      g_param_spec_string("trace", "Trace", "ID of the call that the figures belong to",
                          names.trace.c_str(), ready));
  g_object_class_install_property(
      object_class, kPropFarStation,
      g_param_spec_string("far-station", "Far station",
                          "Station of the same trace whose audio this caller hears: it is looked "
                          "for as echo in this one's PRE. Empty: none. Of use to POST",
                          names.trace.c_str(), ready));
  g_object_class_install_property(
      object_class, kPropPartnerStation,
      g_param_spec_string("partner-station", "Partner station",
                          "Station of the same trace that is what the other party says, for double "
                          "talk. Empty: none. Of use to PRE",
                          names.trace.c_str(), ready));
  g_object_class_install_property(
      object_class, kPropPostMessages,
      g_param_spec_boolean("post-messages", "Post messages", "Post a message for each bucket",
                           ProbeSettings().post_messages, playing));
  g_object_class_install_property(
      object_class, kPropInterval,
      g_param_spec_uint64(
          "interval", "Interval",
          "Length of a bucket in nanoseconds, at least 0.1 s; buckets start at UTC multiples of "
          "it. "
          "0: as the station's file says, else 5 s. Rows and files join on 5 s: change it for "
          "experiments only",
          0, kMaxInterval, ProbeSettings().interval, ready));
  g_object_class_install_property(
      object_class, kPropStations,
      g_param_spec_string("stations", "Stations",
                          "Folder of station files (STATION.conf); empty: the project's, stations "
                          "in $DRAGOMAN_DATA or the installed one. A station without a file has "
                          "every parameter",
                          "", ready));
}

}  // namespace dragoman
