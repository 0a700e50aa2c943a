// SPDX-License-Identifier: LGPL-2.1-or-later
// The element sttsink: see sttsink.cpp.
#pragma once

#include <gst/base/gstbasesink.h>

G_DECLARE_FINAL_TYPE(DragomanSttSink, dragoman_stt_sink, DRAGOMAN, STT_SINK, GstBaseSink)

GST_ELEMENT_REGISTER_DECLARE(sttsink)
