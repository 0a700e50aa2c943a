// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/store/backup/contents.h"

#include <glib.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "launcher/store/backup/manifest.h"
#include "launcher/store/backup/secrets.h"
#include "launcher/util/paths.h"

namespace dragoman {
namespace {

namespace fs = std::filesystem;

constexpr char kPipelineSuffix[] = ".pipeline", kStationSuffix[] = ".conf",
               kSegmentSuffix[] = ".wav";

/// Regular files below `folder` whose names end so, as entries below `entry`, in order. Links to
/// files count, links to folders are not followed.
std::vector<SourceFile> files_below(const std::string& folder, const std::string& entry,
                                    const char* suffix) {
  std::vector<SourceFile> files;
  std::error_code error;
  for (fs::recursive_directory_iterator at(folder, error), end; !error && at != end;
       at.increment(error)) {
    std::error_code ignored;
    if (!at->path().string().ends_with(suffix) || !at->is_regular_file(ignored)) continue;
    files.push_back(
        {entry + "/" + at->path().lexically_relative(folder).string(), at->path().string()});
  }
  if (error && error != std::errc::no_such_file_or_directory)
    throw BackupError(folder + ": " + error.message() + "; let this user read it");
  std::sort(files.begin(), files.end(),
            [](const SourceFile& a, const SourceFile& b) { return a.entry < b.entry; });
  return files;
}

void refuse_secrets(const SourceFile& file) {
  std::ifstream in(file.path, std::ios::binary);
  if (!in) throw BackupError(file.path + ": cannot be read; let this user read it");
  std::ostringstream text;
  text << in.rdbuf();
  if (const std::optional<int> line = find_secret(text.str()))
    throw BackupError(file.path + ":" + std::to_string(*line) +
                      ": looks like a secret, and a backup holds none; put it in the environment "
                      "and remove the line");
}

void append(std::vector<SourceFile>& to, std::vector<SourceFile> more) {
  to.insert(to.end(), more.begin(), more.end());
}

/// Folder by folder: the retention may take one away at any time, which ends no look at the others.
void look_for_segments(const fs::path& folder, const std::string& entry,
                       const std::function<void(const SourceFile&)>& tell) {
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    std::error_code ignored;
    const std::string path = at->path().string(), name = at->path().filename().string();
    if (at->is_directory(ignored) && !at->is_symlink(ignored))
      look_for_segments(at->path(), entry + "/" + name, tell);
    else if (name.ends_with(kSegmentSuffix) && at->is_regular_file(ignored))
      tell({entry + "/" + name, path});
  }
  if (error && error != std::errc::no_such_file_or_directory)
    throw BackupError(folder.string() + ": " + error.message() + "; let this user read it");
}

}  // namespace

std::string pipelines_in_use(const Config& config) {
  return config.paths.pipelines.empty() ? pipelines_folder() : config.paths.pipelines;
}

std::string stations_in_use() { return data_folder() + "/stations"; }

std::vector<NamedFile> named_files(const Config& config) {
  std::vector<NamedFile> files;
  if (!config.speech.memory.empty()) files.push_back({"memory", config.speech.memory});
  for (const auto& [extension, route] : config.routes)
    if (g_path_is_absolute(route.pipeline.c_str()))
      files.push_back({"pipeline " + extension, route.pipeline});
  return files;
}

Contents collect_contents(const Config& config, const std::string& config_file) {
  Contents contents;
  if (!config_file.empty()) contents.files.push_back({kConfigEntry, config_file});
  append(contents.files, files_below(pipelines_in_use(config), "pipelines", kPipelineSuffix));
  append(contents.files, files_below(stations_in_use(), "stations", kStationSuffix));
  std::vector<SourceFile> named;
  for (const NamedFile& file : named_files(config)) {
    const std::string entry =
        "named/" + std::to_string(named.size()) + "/" + fs::path(file.path).filename().string();
    contents.named[entry] = file.key;
    named.push_back({entry, file.path});
  }
  for (const SourceFile& file : contents.files) refuse_secrets(file);
  for (const SourceFile& file : named)  // a translation memory may well speak of passwords
    if (contents.named[file.entry] != "memory") refuse_secrets(file);
  append(contents.files, named);
  return contents;
}

void for_each_segment(const std::string& folder,
                      const std::function<void(const SourceFile&)>& tell) {
  look_for_segments(folder, "audio", tell);
}

}  // namespace dragoman
