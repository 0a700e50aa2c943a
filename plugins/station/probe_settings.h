// SPDX-License-Identifier: LGPL-2.1-or-later
// The properties of stationprobe.
#pragma once

#include <gst/gst.h>

#include <cstdint>
#include <string>

#include "plugins/station/tap_partner.h"
#include "plugins/station/tap_stream.h"

namespace dragoman {

/// What the properties say, with their defaults.
struct ProbeSettings {
  TapNames names;
  TapRelations relations;
  bool post_messages = true;
  uint64_t interval = 0;  ///< ns; 0: as the station's file says
  std::string stations;   ///< folder; empty: the project's
};

void install_probe_properties(GObjectClass* object_class);

/// False if there is no such property.
bool set_probe_property(ProbeSettings& settings, guint id, const GValue* value);
bool get_probe_property(const ProbeSettings& settings, guint id, GValue* value);

}  // namespace dragoman
