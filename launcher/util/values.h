// SPDX-License-Identifier: LGPL-2.1-or-later
// GStreamer's values as D-Bus values and back.
#pragma once

#include <gst/gst.h>

#include <string>

namespace dragoman {

/// `structure`'s fields as a floating a{sv}; nested structures become a{sv}, lists av. What D-Bus
/// has no type for becomes its text. Invalid clock times are left out.
GVariant* variant_from_structure(const GstStructure* structure);

/// One value as a floating GVariant.
GVariant* variant_from_value(const GValue* value);

/// Makes of `variant` a value for the property `spec`, initialising `value`. Numbers convert where
/// nothing is lost; strings are read as gst-launch reads them. False, with `error` for the user
/// (value left unset), if it is of the wrong kind or out of the property's range.
bool value_from_variant(GVariant* variant, GParamSpec* spec, GValue* value, std::string& error);

/// Reads `text` for the property `spec` as gst-launch does, but refuses what is out of range
/// instead of clamping it. As value_from_variant.
bool value_from_text(const std::string& text, GParamSpec* spec, GValue* value, std::string& error);

/// "0 to 65535", "true or false", the nicks of an enum, …: what `spec` takes, for messages.
std::string describe_range(GParamSpec* spec);

}  // namespace dragoman
