// SPDX-License-Identifier: LGPL-2.1-or-later
// The subcommand about recordings.
#pragma once

namespace dragoman {

/// `dragoman measure FILE [FILE2] [--format FORMAT] [--interval SECONDS] [--plot OUT.png]`
int measure_command(int argc, char** argv);

}  // namespace dragoman
