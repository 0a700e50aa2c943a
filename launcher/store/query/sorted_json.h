// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

namespace dragoman {

/// JSON so that equal values are equal text: members sorted by name, no blanks, numbers as short as
/// they can be. Text that is no JSON becomes a JSON string.
std::string sorted_json(const std::string& text);

}  // namespace dragoman
