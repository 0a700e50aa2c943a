// SPDX-License-Identifier: LGPL-2.1-or-later
// The simulation's subcommands (launcher/command.h).
#pragma once

namespace dragoman {

/// `dragoman simulate-call EXTENSION --speech FILE …`
int simulate_call_command(int argc, char** argv);

}  // namespace dragoman
