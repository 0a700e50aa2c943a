// SPDX-License-Identifier: LGPL-2.1-or-later
// The media worker's subcommand.
#pragma once

namespace dragoman {

/// `dragoman worker --fd=N`: started by the launcher, never by hand.
int worker_command(int argc, char** argv);

}  // namespace dragoman
