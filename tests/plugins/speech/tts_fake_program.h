// SPDX-License-Identifier: LGPL-2.1-or-later
// Shell scripts in a folder of their own, that stand in for espeak-ng and misbehave as told.
#pragma once

#include <sys/stat.h>

#include <fstream>
#include <string>

#include "tests/plugins/common/temp_folder.h"

namespace dragoman::testing {

/// The header of a WAV stream of unknown length at 22050 Hz, as printf's argument.
inline constexpr char kWavHeader[] =
    R"(RIFF\044\360\377\177WAVEfmt \020\0\0\0\001\0\001\0\042\126\0\0\104\254\0\0\002\0\020\0data\0\360\377\177)";

class FakePrograms {
 public:
  std::string path(const std::string& name) const { return folder_ / name; }

  /// A script of sh with `body`; its path.
  std::string script(const std::string& name, const std::string& body) const {
    std::ofstream(path(name)) << "#!/bin/sh\n" << body << "\n";
    chmod(path(name).c_str(), 0755);
    return path(name);
  }

 private:
  TempFolder folder_;
};

}  // namespace dragoman::testing
