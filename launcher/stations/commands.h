// SPDX-License-Identifier: LGPL-2.1-or-later
// The stations' subcommands (launcher/command.h).
#pragma once

namespace dragoman {

/// `dragoman parameters`: the table of what a station can measure.
int parameters_command(int argc, char** argv);

/// `dragoman knob list|set|unset`: the knobs of a running launcher's calls.
int knob_command(int argc, char** argv);

}  // namespace dragoman
