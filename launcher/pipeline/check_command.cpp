// SPDX-License-Identifier: LGPL-2.1-or-later
// `dragoman check`: everything that can be wrong with pipeline files, before a call needs them.
#include <gst/gst.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "launcher/command.h"
#include "launcher/pipeline/commands.h"
#include "launcher/pipeline/gstreamer_use.h"
#include "launcher/pipeline/pipeline_builder.h"

namespace dragoman {
namespace {

namespace fs = std::filesystem;

constexpr char kUsage[] =
    "usage: dragoman check PATH…\n\n"
    "Checks pipeline files, and all *.pipeline in folders, without running them.\n";

/// The pipeline files of a folder, by name.
std::vector<std::string> files_in(const std::string& folder) {
  std::vector<std::string> files;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (entry.path().extension() == ".pipeline") files.push_back(entry.path().string());
  }
  std::sort(files.begin(), files.end());
  return files;
}

bool check(const std::string& path) {
  Problems problems;
  const auto file = load_pipeline(path, problems);
  if (file && build_pipeline(*file, file->sample_values(), problems)) {
    std::printf("%s: ok\n", file->path().c_str());
    return true;
  }
  std::printf("%s\n", text_of(problems).c_str());
  return false;
}

}  // namespace

int check_command(int argc, char** argv) {
  if (argc > 1 && (!std::strcmp(argv[1], "--help") || !std::strcmp(argv[1], "-h"))) {
    return std::fputs(kUsage, stdout), kExitOk;
  }
  if (argc < 2) return std::fputs(kUsage, stderr), kExitUsage;
  const GstreamerUse gstreamer;
  bool good = true;
  for (int i = 1; i < argc; ++i) {
    std::error_code error;
    if (!fs::is_directory(argv[i], error)) {
      good = check(argv[i]) && good;
      continue;
    }
    const auto files = files_in(argv[i]);
    if (files.empty()) {
      std::printf("%s: no *.pipeline files in this folder; check the path\n", argv[i]);
      good = false;
    }
    for (const std::string& file : files) good = check(file) && good;
  }
  return good ? kExitOk : kExitFailed;
}

}  // namespace dragoman
