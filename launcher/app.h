// SPDX-License-Identifier: LGPL-2.1-or-later
// The launcher: the one place where its objects are made and wired.
#pragma once

#include <string>

#include "launcher/util/config.h"

namespace dragoman {

/// Runs the launcher on the default main context until SIGTERM or SIGINT. Returns the process's
/// exit status; what stopped a start has been written to stderr.
int run_app(const Config& config);

}  // namespace dragoman
