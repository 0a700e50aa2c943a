// SPDX-License-Identifier: LGPL-2.1-or-later
// Registers the speech family.
#include <gst/gst.h>

namespace {

gboolean plugin_init(GstPlugin*) { return TRUE; }

}  // namespace

GST_PLUGIN_DEFINE(GST_VERSION_MAJOR, GST_VERSION_MINOR, dragomanspeech,
                  "Speech to text, translation and speech again", plugin_init, PACKAGE_VERSION,
                  "LGPL", "Dragoman", PACKAGE)
