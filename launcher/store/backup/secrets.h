// SPDX-License-Identifier: LGPL-2.1-or-later
// What must not be in a backup.
#pragma once

#include <optional>
#include <string>

namespace dragoman {

/// The first line (from 1) of `text` that looks as if it held a secret: a value given to a name
/// such as password, token or api-key, a password within a URL, or the value of one of this
/// process's environment variables so named. Comments count.
std::optional<int> find_secret(const std::string& text);

}  // namespace dragoman
