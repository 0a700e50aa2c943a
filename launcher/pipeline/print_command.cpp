// SPDX-License-Identifier: LGPL-2.1-or-later
// `dragoman print`: a pipeline file as a line for gst-launch-1.0.
#include <gst/gst.h>

#include <cstdio>

#include "launcher/command.h"
#include "launcher/pipeline/arguments.h"
#include "launcher/pipeline/commands.h"
#include "launcher/pipeline/gstreamer_use.h"
#include "launcher/pipeline/launch_text.h"
#include "launcher/pipeline/pipeline_builder.h"
#include "launcher/util/paths.h"

namespace dragoman {
namespace {

constexpr char kUsage[] =
    "usage: dragoman print FILE key=value…\n\n"
    "Prints the pipeline of FILE on one line, so that this works as it stands:\n"
    "  gst-launch-1.0 $(dragoman print FILE key=value…)\n";

/// The option that lets gst-launch-1.0 find our plugins, where its environment does not.
std::string plugin_option() {
  const std::string folders = added_plugin_path();
  if (folders.empty() || folders.find_first_of(" \t\n*?[") != std::string::npos) return {};
  return "--gst-plugin-path=" + folders + " ";
}

}  // namespace

int print_command(int argc, char** argv) {
  const auto arguments = parse_arguments(argc, argv, {"--help"});
  if (!arguments) return std::fputs(kUsage, stderr), kExitUsage;
  if (arguments->file.empty()) return std::fputs(kUsage, stdout), kExitOk;
  Problems problems;
  const auto file = load_pipeline(arguments->file, problems);
  if (file && arguments->flags.count("--help")) {
    std::printf("%s", describe(*file).c_str());
    return kExitOk;
  }
  const GstreamerUse gstreamer;
  if (file && build_pipeline(*file, arguments->values, problems)) {
    const auto body = file->fill(arguments->values, problems);
    std::printf("%s%s\n", plugin_option().c_str(), one_line(*body).c_str());
    return kExitOk;
  }
  std::fprintf(stderr, "%s\n", text_of(problems).c_str());
  return kExitFailed;
}

}  // namespace dragoman
