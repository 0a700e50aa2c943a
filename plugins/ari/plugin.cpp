// SPDX-License-Identifier: LGPL-2.1-or-later
// Registers the ari family.
#include "plugins/ari/ari_udp_sink.h"
#include "plugins/ari/ari_udp_src.h"

static gboolean plugin_init(GstPlugin* plugin) {
  return GST_ELEMENT_REGISTER(ariudpsrc, plugin) && GST_ELEMENT_REGISTER(ariudpsink, plugin);
}

GST_PLUGIN_DEFINE(GST_VERSION_MAJOR, GST_VERSION_MINOR, dragomanari,
                  "Audio from and to Asterisk's external media", plugin_init, PACKAGE_VERSION,
                  "LGPL", "Dragoman", PACKAGE)
