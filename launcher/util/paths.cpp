// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/util/paths.h"

#include <glib.h>

#include <filesystem>
#include <fstream>

namespace dragoman {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFamilies[] = {"ari", "speech", "station", "caption"};

/// The root of the build tree this program was built in, if it still stands there.
std::optional<fs::path> build_root() {
  const fs::path launcher = fs::path(executable_path()).parent_path();
  std::error_code error;
  if (!fs::exists(launcher / "source-root", error)) return std::nullopt;
  return launcher.parent_path();
}

std::optional<fs::path> source_root() {
  const auto build = build_root();
  if (!build) return std::nullopt;
  std::ifstream in(*build / "launcher" / "source-root");
  std::string line;
  if (!std::getline(in, line) || line.empty()) return std::nullopt;
  return fs::path(line);
}

/// PREFIX of PREFIX/bin/dragoman; what the build was configured for where that does not look right.
fs::path install_prefix() {
  const fs::path prefix = fs::path(executable_path()).parent_path().parent_path();
  std::error_code error;
  return fs::exists(prefix / DRAGOMAN_DATADIR, error) ? prefix : fs::path(DRAGOMAN_PREFIX);
}

std::string own_folder(const char* variable, const char* name, const char* installed_name) {
  if (const char* set = g_getenv(variable); set && *set) return set;
  if (const auto source = source_root()) return (*source / name).string();
  return (install_prefix() / DRAGOMAN_DATADIR / installed_name).lexically_normal().string();
}

/// Set once, before there are threads.
std::string& added() {
  static std::string folders;
  return folders;
}

bool regular_file(const fs::path& path) {
  std::error_code error;
  return fs::exists(path, error) && !fs::is_directory(path, error);
}

}  // namespace

std::string executable_path() {
  std::error_code error;
  const fs::path path = fs::read_symlink("/proc/self/exe", error);
  return error ? std::string() : path.string();
}

std::string plugin_path() {
  std::string folders;
  auto add = [&](const fs::path& folder) {
    std::error_code error;
    if (!fs::is_directory(folder, error)) return;
    folders += (folders.empty() ? "" : ":") + folder.string();
  };
  if (const auto build = build_root()) {
    for (const char* family : kFamilies) add(*build / "plugins" / family);
  } else {
    const fs::path folder = install_prefix() / DRAGOMAN_PLUGINDIR;
    std::error_code error;
    if (folder != DRAGOMAN_GSTREAMER_PLUGINDIR &&
        fs::exists(folder / "libdragomanspeech.so", error)) {
      add(folder);
    }
  }
  return folders;
}

std::string added_plugin_path() { return added(); }

std::string data_folder() { return own_folder("DRAGOMAN_DATA", "data", ""); }

std::string pipelines_folder() {
  return own_folder("DRAGOMAN_PIPELINES", "pipelines", "pipelines");
}

void prepare_environment() {
  const char* set = g_getenv("GST_PLUGIN_PATH");
  const std::string ours = plugin_path(), theirs = set ? set : "";
  const std::string first = ours.substr(0, ours.find(':'));
  if (!ours.empty() && (":" + theirs + ":").find(":" + first + ":") == std::string::npos) {
    added() = ours;
    g_setenv("GST_PLUGIN_PATH", (theirs.empty() ? ours : ours + ":" + theirs).c_str(), TRUE);
  }
  g_setenv("DRAGOMAN_DATA", data_folder().c_str(), FALSE);
}

std::optional<std::string> find_pipeline(const std::string& name) {
  if (name.empty()) return std::nullopt;
  if (regular_file(name)) return name;
  if (name.find('/') != std::string::npos) return std::nullopt;
  const fs::path folder = pipelines_folder();
  for (const std::string& candidate : {name, name + ".pipeline"}) {
    if (regular_file(folder / candidate)) return (folder / candidate).string();
  }
  return std::nullopt;
}

std::string expand_home(const std::string& path) {
  if (path != "~" && path.rfind("~/", 0) != 0) return path;
  return g_get_home_dir() + path.substr(1);
}

}  // namespace dragoman
