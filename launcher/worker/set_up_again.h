// SPDX-License-Identifier: LGPL-2.1-or-later
// Lets a playing element notice properties that it only reads when it is set up.
#pragma once

#include <gst/gst.h>

namespace dragoman {

/// Whether elements like this one take changed properties only when they are set up: webrtcdsp.
bool reads_properties_at_set_up(GstElement* element);

/// Restarts `element`, which has one sink pad and plays, between two buffers: between them it goes
/// to READY and back and is linked anew, so that it sees caps and segment again. Returns at once;
/// it happens in the stream's thread. What the element still held (10 ms in webrtcdsp) is lost.
void set_up_again(GstElement* element);

}  // namespace dragoman
