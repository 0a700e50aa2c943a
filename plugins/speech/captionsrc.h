// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_TYPE_CAPTION_SRC (gst_caption_src_get_type())
G_DECLARE_FINAL_TYPE(GstCaptionSrc, gst_caption_src, GST, CAPTION_SRC, GstElement)
GST_ELEMENT_REGISTER_DECLARE(captionsrc)

G_END_DECLS
