// SPDX-License-Identifier: LGPL-2.1-or-later
// The subcommands of `dragoman`: one function each, listed in main.cpp.
#pragma once

namespace dragoman {

inline constexpr int kExitOk = 0, kExitFailed = 1, kExitUsage = 2;

/// argv[0] is the subcommand's name. Returns the process's exit status.
struct Command {
  const char* name;
  const char* arguments;
  const char* summary;
  int (*run)(int argc, char** argv);
};

}  // namespace dragoman
