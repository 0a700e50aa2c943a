// SPDX-License-Identifier: LGPL-2.1-or-later
// The files of the offline engine, and whether they are whole: sherpa-onnx ends the process when it
// is given a bad one.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace dragoman::sherpa {

struct EngineFiles {
  std::filesystem::path folder, library;
  std::filesystem::path detector, encoder, decoder, tokens;
};

/// The folder in use: `chosen` if given, else DRAGOMAN_ENGINES, else the one of this build, else
/// dragoman/engines in the user's cache.
std::filesystem::path engines_folder(const std::string& chosen);

/// Where the files for `language` are expected in `folder`.
EngineFiles engine_files(const std::filesystem::path& folder, const std::string& language);

/// The first file that is missing, as a message with its cure. Costs a few system calls.
std::optional<std::string> find_missing(const EngineFiles& files, const std::string& language);

/// Reads all model files and answers what is wrong with the first that is cut short or damaged, as
/// a message with its cure. Takes some milliseconds.
std::optional<std::string> find_damaged(const EngineFiles& files);

/// The same for the engine's libraries: loading one that is cut short ends the process.
std::optional<std::string> find_damaged_library(const EngineFiles& files);

}  // namespace dragoman::sherpa
