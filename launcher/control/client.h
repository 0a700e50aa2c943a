// SPDX-License-Identifier: LGPL-2.1-or-later
// A subcommand's side of the control socket.
#pragma once

#include <string>

#include "launcher/ari/json.h"

namespace dragoman {

/// Sends `request`, a JSON object on one line, to the launcher whose data folder it is, and waits
/// at most 10 s. The answer, whose "ok" is true. Throws std::runtime_error with the launcher's
/// "error", or why none could be asked and what to do.
json::NodePtr ask_launcher(const std::string& data_folder, const std::string& request);

}  // namespace dragoman
