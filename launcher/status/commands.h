// SPDX-License-Identifier: LGPL-2.1-or-later
// The subcommand about a running launcher (launcher/command.h).
#pragma once

namespace dragoman {

/// The exit statuses of `dragoman status` beside kExitOk: all is well; kExitFailed: no launcher
/// answers; kExitUsage.
inline constexpr int kExitTrouble = 3;  ///< something is wrong now
inline constexpr int kExitLoss = 4;  ///< all is well now; rows or audio were lost since the start

/// `dragoman status`: how the running launcher stands.
int status_command(int argc, char** argv);

}  // namespace dragoman
