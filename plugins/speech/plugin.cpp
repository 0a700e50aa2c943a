// SPDX-License-Identifier: LGPL-2.1-or-later
// Registers the speech family.
#include <gst/gst.h>

#include "plugins/speech/captionsrc.h"
#include "plugins/speech/sttsink.h"
#include "plugins/speech/ttssrc.h"

namespace {

gboolean plugin_init(GstPlugin* plugin) {
  gboolean registered = TRUE;
  registered &= GST_ELEMENT_REGISTER(captionsrc, plugin);
  registered &= GST_ELEMENT_REGISTER(sttsink, plugin);
  registered &= GST_ELEMENT_REGISTER(ttssrc, plugin);
  return registered;
}

}  // namespace

GST_PLUGIN_DEFINE(GST_VERSION_MAJOR, GST_VERSION_MINOR, dragomanspeech,
                  "Speech to text, translation and speech again", plugin_init, PACKAGE_VERSION,
                  "LGPL", "Dragoman", PACKAGE)
