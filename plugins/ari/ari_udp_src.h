// SPDX-License-Identifier: LGPL-2.1-or-later
// ariudpsrc, and what ariudpsink needs of it.
#pragma once

#include <gio/gio.h>
#include <gst/gst.h>

#include "plugins/common/handles.h"

G_BEGIN_DECLS
#define DRAGOMAN_TYPE_ARI_UDP_SRC (dragoman_ari_udp_src_get_type())
G_DECLARE_FINAL_TYPE(DragomanAriUdpSrc, dragoman_ari_udp_src, DRAGOMAN, ARI_UDP_SRC, GstBin)
GST_ELEMENT_REGISTER_DECLARE(ariudpsrc);
G_END_DECLS

namespace dragoman {

/// Where to send so that the source's peer hears it. Either may be null: no socket below READY, no
/// remote as long as the peer is not known.
struct MediaPath {
  GObjectPtr<GSocket> socket;
  GObjectPtr<GSocketAddress> remote;
};

/// Any thread.
MediaPath media_path(DragomanAriUdpSrc* source);

}  // namespace dragoman
