// SPDX-License-Identifier: LGPL-2.1-or-later
// Registers the station family.
#include <gst/gst.h>

#include "plugins/station/elements.h"

namespace {

gboolean plugin_init(GstPlugin* plugin) {
  return GST_ELEMENT_REGISTER(stationprobe, plugin) && GST_ELEMENT_REGISTER(voicedsp, plugin) &&
         GST_ELEMENT_REGISTER(wavsegmenter, plugin);
}

}  // namespace

GST_PLUGIN_DEFINE(GST_VERSION_MAJOR, GST_VERSION_MINOR, dragomanstation,
                  "Taps of a station: measure and record audio without touching it", plugin_init,
                  PACKAGE_VERSION, "LGPL", "Dragoman", PACKAGE)
