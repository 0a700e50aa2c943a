// SPDX-License-Identifier: LGPL-2.1-or-later
// Where elements find the project's data files.
#pragma once

#include <filesystem>
#include <string>

namespace dragoman {

/// The folder `name` (memories, stations, …) in $DRAGOMAN_DATA, in the installed data folder or in
/// the source tree: the first that exists, else the installed one.
std::filesystem::path shared_data(const std::string& name);

}  // namespace dragoman
