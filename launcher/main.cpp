// SPDX-License-Identifier: LGPL-2.1-or-later
#include <cstdio>
#include <cstring>
#include <span>

#include "launcher/command.h"
#include "launcher/measure/commands.h"
#include "launcher/pipeline/commands.h"
#include "launcher/serve.h"
#include "launcher/simulate/commands.h"
#include "launcher/stations/commands.h"
#include "launcher/status/commands.h"
#include "launcher/store/commands.h"
#include "launcher/util/paths.h"
#include "launcher/worker/commands.h"

namespace dragoman {
namespace {

int version_command(int, char**) {
  std::printf("dragoman %s\n", DRAGOMAN_VERSION);
  return kExitOk;
}

constexpr Command kCommands[] = {
    {"serve", "[--config FILE] …", "answer calls and translate them", serve_command},
    {"status", "[--json] [--data DIR]", "tell how the running launcher stands", status_command},
    {"run", "FILE key=value… [--json]", "run a pipeline file in the foreground", run_command},
    {"print", "FILE key=value…", "print a pipeline file for gst-launch-1.0", print_command},
    {"check", "PATH…", "check pipeline files without running them", check_command},
    {"measure", "FILE [FILE2] [--format table|json|csv] …", "print the parameters of a recording",
     measure_command},
    {"report", "[--data DIR] [--trace ID|--last] [--json FILE|-]", "print what a call came to",
     report_command},
    {"maintain", "daily|weekly|monthly [--dry-run]", "look after the store", maintain_command},
    {"query", "REPORT [--since TIME] [--format table|json|csv] …",
     "ask what was measured, said and set", query_command},
    {"backup", "DIR [--audio] [--config FILE] [--data DIR]",
     "back up the journal, the configuration and the pipelines", backup_command},
    {"restore", "FILE [--dry-run] [--config FILE] [--data DIR]", "bring a backup back",
     restore_command},
    {"recover", "[--config FILE] [--data DIR]", "check the journal, and save what is left of it",
     recover_command},
    {"parameters", "[--markdown|--json] [--station NAME]", "list what a station can measure",
     parameters_command},
    {"knob", "list|set NAME VALUE|unset NAME [--call TRACE] …", "turn the knobs of running calls",
     knob_command},
    {"worker", "--fd=N", "run pipelines for 'dragoman serve'", worker_command},
    {"simulate-call", "EXTENSION --speech FILE [--heard OUT.wav] [--json]",
     "make a whole call without a phone system", simulate_call_command},
    {"version", "", "print the version", version_command},
};

int usage(FILE* to) {
  std::fprintf(to, "usage: dragoman COMMAND …\n\n");
  for (const Command& command : kCommands) {
    std::fprintf(to, "  %-14s %-46s %s\n", command.name, command.arguments, command.summary);
  }
  std::fprintf(to, "\n'dragoman COMMAND --help' tells more.\n");
  return to == stdout ? kExitOk : kExitUsage;
}

}  // namespace
}  // namespace dragoman

int main(int argc, char** argv) {
  using namespace dragoman;
  prepare_environment();
  if (argc < 2) return usage(stderr);
  if (!std::strcmp(argv[1], "--help") || !std::strcmp(argv[1], "-h")) return usage(stdout);
  for (const Command& command : kCommands) {
    if (!std::strcmp(argv[1], command.name)) return command.run(argc - 1, argv + 1);
  }
  std::fprintf(stderr, "dragoman: unknown command '%s'\n", argv[1]);
  return usage(stderr);
}
