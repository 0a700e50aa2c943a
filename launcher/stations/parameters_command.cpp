// SPDX-License-Identifier: LGPL-2.1-or-later
// `dragoman parameters`
#include <cstdio>
#include <cstring>
#include <exception>
#include <filesystem>

#include "launcher/command.h"
#include "launcher/stations/commands.h"
#include "launcher/stations/parameter_lists.h"
#include "launcher/util/paths.h"

namespace dragoman {
namespace {

constexpr char kUsage[] =
    "usage: dragoman parameters [--markdown|--json] [--station NAME]\n\n"
    "Lists what a station can measure: number, key, unit, normal range, description.\n\n"
    "  --markdown       as a document, with all limits\n"
    "  --json           for programs\n"
    "  --station NAME   only what this station has, with its limits (data/stations/NAME.conf)\n";

int usage_error(const char* complaint, const char* what) {
  std::fprintf(stderr, "dragoman parameters: %s '%s'\n%s", complaint, what, kUsage);
  return kExitUsage;
}

Station station_named(const char* name) {
  const std::filesystem::path folder = std::filesystem::path(data_folder()) / "stations";
  return read_station(folder / (std::string(name) + ".conf"));
}

}  // namespace

int parameters_command(int argc, char** argv) {
  auto list = parameters_text;
  const char* station = nullptr;
  for (int i = 1; i < argc; ++i) {
    if (!std::strcmp(argv[i], "--help") || !std::strcmp(argv[i], "-h"))
      return std::fputs(kUsage, stdout), kExitOk;
    if (!std::strcmp(argv[i], "--markdown")) {
      list = parameters_markdown;
    } else if (!std::strcmp(argv[i], "--json")) {
      list = parameters_json;
    } else if (!std::strcmp(argv[i], "--station")) {
      if (++i == argc) return usage_error("the name of a station is missing after", argv[i - 1]);
      station = argv[i];
    } else {
      return usage_error("unknown option", argv[i]);
    }
  }
  try {
    std::fputs(list(station ? station_named(station) : Station()).c_str(), stdout);
    return kExitOk;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "dragoman parameters: %s\n", error.what());
    return kExitFailed;
  }
}

}  // namespace dragoman
