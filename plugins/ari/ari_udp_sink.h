// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/base/gstbasesink.h>

G_BEGIN_DECLS
#define DRAGOMAN_TYPE_ARI_UDP_SINK (dragoman_ari_udp_sink_get_type())
G_DECLARE_FINAL_TYPE(DragomanAriUdpSink, dragoman_ari_udp_sink, DRAGOMAN, ARI_UDP_SINK, GstBaseSink)
GST_ELEMENT_REGISTER_DECLARE(ariudpsink);
G_END_DECLS
