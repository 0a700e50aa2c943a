// SPDX-License-Identifier: LGPL-2.1-or-later
// The reference programs of the meters: numpy (reference.py beside this file) and ffmpeg.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "tests/plugins/station/sox.h"

namespace dragoman::testing {

struct Figures {
  uint64_t count = 0;
  double min = 0, max = 0, mean = 0;
};

/// A file of its own that goes with this object.
class ScratchFile {
 public:
  ScratchFile(const void* data, size_t bytes, const std::string& suffix = "") {
    std::string name = std::filesystem::temp_directory_path() / ("dragoman-XXXXXX" + suffix);
    const int fd = ::mkstemps(name.data(), static_cast<int>(suffix.size()));
    if (fd >= 0) ::close(fd);
    path_ = name;
    std::ofstream(path_, std::ios::binary)
        .write(static_cast<const char*>(data), static_cast<std::streamsize>(bytes));
  }
  ~ScratchFile() { std::filesystem::remove(path_); }
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// The figures of a bucket of mono samples by parameter; empty where there is no numpy.
inline std::map<std::string, Figures> numpy_reference(const std::vector<float>& samples, int rate) {
  const std::string python = "/usr/bin/python3";
  if (!output_of(python + " -c 'import numpy' 2>&1")) return {};
  const ScratchFile file(samples.data(), samples.size() * sizeof(float));
  const auto output = output_of(python + " '" + TEST_SOURCE_DIR + "/reference.py' '" + file.path() +
                                "' " + std::to_string(rate));
  EXPECT_TRUE(output) << "reference.py failed";
  std::map<std::string, Figures> found;
  std::istringstream lines(output.value_or(""));
  std::string key;
  Figures figures;
  while (lines >> key >> figures.count >> figures.min >> figures.max >> figures.mean) {
    found[key] = figures;
  }
  return found;
}

/// What ffmpeg's ebur128 says after each 100 ms: LUFS (-120.691 where there is nothing), and the
/// true peak of all so far, full scale being 1.
struct FfmpegLoudness {
  double momentary = 0, short_term = 0, integrated = 0, true_peak = 0;
};

/// Of interleaved samples; empty where there is no ffmpeg.
inline std::vector<FfmpegLoudness> ffmpeg_reference(const std::vector<float>& samples, int rate,
                                                    size_t channels = 1) {
  const ScratchFile file(samples.data(), samples.size() * sizeof(float));
  const auto output =
      output_of("ffmpeg -nostdin -v quiet -f f32le -ar " + std::to_string(rate) + " -ac " +
                std::to_string(channels) + " -i '" + file.path() +
                "' -af ebur128=peak=true:metadata=1,ametadata=print:file=- -f null - 2>/dev/null");
  std::vector<FfmpegLoudness> steps;
  if (!output) return steps;
  std::istringstream lines(*output);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("frame:")) steps.emplace_back();
    const size_t equals = line.find('=');
    if (equals == std::string::npos || steps.empty()) continue;
    const std::string key = line.substr(0, equals);
    const double value = std::atof(line.c_str() + equals + 1);
    if (key == "lavfi.r128.M") steps.back().momentary = value;
    if (key == "lavfi.r128.S") steps.back().short_term = value;
    if (key == "lavfi.r128.I") steps.back().integrated = value;
    if (key == "lavfi.r128.true_peak") steps.back().true_peak = value;
  }
  return steps;
}

}  // namespace dragoman::testing
