// SPDX-License-Identifier: LGPL-2.1-or-later
// sox as the reference: what it reads in a file and what it says of it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace dragoman::testing {

inline const std::string kEnglishPrompt =
    "/usr/share/asterisk/sounds/en_US_f_Allison/vm-options.wav";
inline const std::string kSpanishPrompt =
    "/usr/share/asterisk/sounds/es_MX_f_Allison/vm-options.wav";

/// What a command writes to its output; nothing if it fails.
inline std::optional<std::string> output_of(const std::string& command) {
  FILE* pipe = ::popen(command.c_str(), "r");
  if (!pipe) return std::nullopt;
  std::string output;
  char piece[4096];
  for (size_t n; (n = ::fread(piece, 1, sizeof piece, pipe)) > 0;) output.append(piece, n);
  if (::pclose(pipe) != 0) return std::nullopt;
  return output;
}

/// The figures of `sox FILE -n stats` by their labels ("RMS lev dB"); nothing without sox or file.
inline std::optional<std::map<std::string, double>> sox_stats(const std::string& file) {
  const auto output = output_of("sox '" + file + "' -n stats 2>&1");
  if (!output) return std::nullopt;
  std::map<std::string, double> stats;
  for (size_t at = 0; at < output->size();) {
    const size_t end = std::min(output->find('\n', at), output->size());
    const std::string line = output->substr(at, end - at);
    if (const size_t value = line.rfind(' '); value != std::string::npos) {
      std::string label = line.substr(0, value);
      label.erase(label.find_last_not_of(' ') + 1);
      stats[label] = std::atof(line.c_str() + value);
    }
    at = end + 1;
  }
  return stats;
}

/// The samples of a mono file as sox reads them, after `effects`.
inline std::vector<int16_t> sox_samples(const std::string& file, const std::string& effects = "") {
  const auto raw = output_of("sox '" + file + "' -t raw -e signed -b 16 - " + effects).value_or("");
  const auto* samples = reinterpret_cast<const int16_t*>(raw.data());
  return {samples, samples + raw.size() / sizeof(int16_t)};
}

}  // namespace dragoman::testing
