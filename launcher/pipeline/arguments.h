// SPDX-License-Identifier: LGPL-2.1-or-later
// FILE key=value… as `run` and `print` take them.
#pragma once

#include <optional>
#include <set>
#include <string>

#include "launcher/pipeline/pipeline_file.h"

namespace dragoman {

struct PipelineArguments {
  std::string file;
  ParameterValues values;
  std::set<std::string> flags;  ///< those given, e.g. "--json"
};

/// Null, with a message on stderr, if they are not understood. After "--" nothing is a flag.
std::optional<PipelineArguments> parse_arguments(int argc, char** argv,
                                                 const std::set<std::string>& flags);

/// What FILE takes: for --help with a file.
std::string describe(const PipelineFile& file);

}  // namespace dragoman
