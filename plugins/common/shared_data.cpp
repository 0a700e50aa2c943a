// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/common/shared_data.h"

#include <cstdlib>

namespace dragoman {

namespace fs = std::filesystem;

fs::path shared_data(const std::string& name) {
  if (const char* data = std::getenv("DRAGOMAN_DATA"); data && *data) return fs::path(data) / name;
  std::error_code error;
  fs::path installed = fs::path(DRAGOMAN_DATADIR) / name;
  fs::path source = fs::path(DRAGOMAN_SOURCE_DATADIR) / name;
  const bool use_source = !fs::is_directory(installed, error) && fs::is_directory(source, error);
  return use_source ? source : installed;
}

}  // namespace dragoman
