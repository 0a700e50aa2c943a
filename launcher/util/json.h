// SPDX-License-Identifier: LGPL-2.1-or-later
// JSON text from D-Bus values: one object a line, for pipes and files.
#pragma once

#include <glib.h>

#include <string>
#include <string_view>

namespace dragoman {

/// `text` as a JSON string with its quotes. Bytes that are not UTF-8 become U+FFFD.
std::string json_string(std::string_view text);

/// The shortest number that reads back the same; "null" for what JSON cannot say (NaN, infinity).
std::string json_number(double value);

/// `variant` as JSON: dictionaries become objects whose keys have '_' for '-', arrays arrays,
/// variants what they hold. Integers stay whole.
std::string json_from_variant(GVariant* variant);

}  // namespace dragoman
