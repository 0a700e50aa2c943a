// SPDX-License-Identifier: LGPL-2.1-or-later
// Which files a backup holds.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "launcher/util/config.h"

namespace dragoman {

struct SourceFile {
  std::string entry, path;
};

/// A file that the configuration names, outside the folders: a translation memory, a pipeline with
/// a path. `key` is "memory" or "pipeline EXTENSION".
struct NamedFile {
  std::string key, path;
};

/// The folder that pipeline files are found in by name.
std::string pipelines_in_use(const Config& config);
/// The folder of the stations' files.
std::string stations_in_use();
std::vector<NamedFile> named_files(const Config& config);

struct Contents {
  std::vector<SourceFile> files;             ///< all but journal and audio
  std::map<std::string, std::string> named;  ///< as Manifest::named
};

/// Blocks on the disk. Throws BackupError if a file is missing, or looks as if it held a secret.
Contents collect_contents(const Config& config, const std::string& config_file);

/// Tells of each whole WAV segment below the audio folder, not of those that are being written;
/// entries are "audio/…". What is removed meanwhile is left out. Throws BackupError.
void for_each_segment(const std::string& folder,
                      const std::function<void(const SourceFile&)>& tell);

}  // namespace dragoman
