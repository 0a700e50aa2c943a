// SPDX-License-Identifier: LGPL-2.1-or-later
// The subcommands about pipeline files.
#pragma once

namespace dragoman {

/// `dragoman run FILE key=value… [--json]`
int run_command(int argc, char** argv);
/// `dragoman print FILE key=value…`
int print_command(int argc, char** argv);
/// `dragoman check PATH…`
int check_command(int argc, char** argv);

}  // namespace dragoman
