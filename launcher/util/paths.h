// SPDX-License-Identifier: LGPL-2.1-or-later
// Where this program's own files are: run straight from a build tree, or installed.
#pragma once

#include <optional>
#include <string>

namespace dragoman {

/// Sets what is not set yet, from the executable's place: GST_PLUGIN_PATH (the families built or
/// installed beside this program) and DRAGOMAN_DATA (memories, migrations, …, for elements that
/// look there). To be called first thing in main(), before gst_init() and before any thread.
void prepare_environment();

/// This program's executable.
std::string executable_path();

/// Folders with our plugins, joined with ':'; empty when they are where GStreamer looks anyway.
std::string plugin_path();

/// What prepare_environment() put into GST_PLUGIN_PATH; empty if it was there already.
std::string added_plugin_path();

/// $DRAGOMAN_DATA, the source tree's data/, or the installed one.
std::string data_folder();

/// $DRAGOMAN_PIPELINES, the source tree's pipelines/, or the installed one.
std::string pipelines_folder();

/// The pipeline file meant by `name`: a path that exists, or a name, with or without ".pipeline",
/// in pipelines_folder(). A path that exists wins.
std::optional<std::string> find_pipeline(const std::string& name);

/// `path` with a leading "~/" replaced by the home folder.
std::string expand_home(const std::string& path);

}  // namespace dragoman
