// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/pipeline/arguments.h"

#include <algorithm>
#include <cstdio>

namespace dragoman {

std::optional<PipelineArguments> parse_arguments(int argc, char** argv,
                                                 const std::set<std::string>& flags) {
  PipelineArguments arguments;
  bool only_words = false;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (!only_words && word == "--") {
      only_words = true;
    } else if (!only_words && word.size() > 1 && word[0] == '-') {
      if (!flags.count(word)) {
        std::fprintf(stderr, "dragoman %s: unknown option '%s'\n", argv[0], argv[i]);
        return std::nullopt;
      }
      arguments.flags.insert(word);
    } else if (arguments.file.empty()) {
      arguments.file = word;
    } else if (const size_t equals = word.find('='); equals != std::string::npos && equals > 0) {
      arguments.values[word.substr(0, equals)] = word.substr(equals + 1);
    } else {
      std::fprintf(stderr, "dragoman %s: '%s' is not key=value\n", argv[0], argv[i]);
      return std::nullopt;
    }
  }
  if (arguments.file.empty() && !arguments.flags.count("--help")) {
    std::fprintf(stderr, "dragoman %s: no pipeline file given\n", argv[0]);
    return std::nullopt;
  }
  return arguments;
}

std::string describe(const PipelineFile& file) {
  std::string text = file.path() + ": " + file.description() + "\n";
  for (const PipelineParameter& parameter : file.parameters()) {
    std::string entry = "  " + parameter.name + "=" + name_of(parameter.type);
    entry.resize(std::max<size_t>(entry.size() + 1, 28), ' ');
    std::string fallback =
        parameter.fallback
            ? "default " + (parameter.fallback->empty() ? "none" : *parameter.fallback)
            : "must be given";
    fallback.resize(std::max<size_t>(fallback.size() + 1, 22), ' ');
    text += entry + fallback + parameter.description + "\n";
  }
  for (const PipelineKnob& knob : file.knobs()) {
    text += "  knob " + knob.name + " (" + knob.element + "." + knob.property + ")\n";
  }
  return text;
}

}  // namespace dragoman
