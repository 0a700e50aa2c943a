// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/worker/set_up_again.h"

#include <cstring>

#include "plugins/common/handles.h"

namespace dragoman {
namespace {

GstPadProbeReturn restart(GstPad* upstream, GstPadProbeInfo*, gpointer data) {
  auto* element = static_cast<GstElement*>(data);
  const GstObjectPtr<GstPad> sink(gst_pad_get_peer(upstream));
  if (!sink || !gst_pad_unlink(upstream, sink.get())) return GST_PAD_PROBE_REMOVE;
  gst_element_set_state(element, GST_STATE_READY);
  gst_element_sync_state_with_parent(element);
  gst_pad_link_full(upstream, sink.get(), GST_PAD_LINK_CHECK_NOTHING);
  return GST_PAD_PROBE_REMOVE;
}

}  // namespace

bool reads_properties_at_set_up(GstElement* element) {
  GstElementFactory* factory = gst_element_get_factory(element);
  return factory && !std::strcmp(GST_OBJECT_NAME(factory), "webrtcdsp");
}

void set_up_again(GstElement* element) {
  const GstObjectPtr<GstPad> sink(gst_element_get_static_pad(element, "sink"));
  const GstObjectPtr<GstPad> upstream(sink ? gst_pad_get_peer(sink.get()) : nullptr);
  if (!upstream || GST_STATE(element) < GST_STATE_PAUSED) return;
  gst_pad_add_probe(upstream.get(), GST_PAD_PROBE_TYPE_IDLE, restart, gst_object_ref(element),
                    gst_object_unref);
}

}  // namespace dragoman
