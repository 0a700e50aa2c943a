// SPDX-License-Identifier: LGPL-2.1-or-later
// Where a missing element comes from.
#pragma once

#include <string>

namespace dragoman {

/// What to do about an element that GStreamer does not find: the Debian package that has it, how
/// ours are found, or a name like it. Needs gst_init().
std::string cure_for_missing_element(const std::string& element);

}  // namespace dragoman
