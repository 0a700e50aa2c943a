// SPDX-License-Identifier: LGPL-2.1-or-later
// The limits of the stations that a report meets.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "plugins/station/station_file.h"

namespace dragoman {

/// Reads each station's file once.
class StationLimits {
 public:
  explicit StationLimits(std::filesystem::path folder) : folder_(std::move(folder)) {}

  /// The limits of the parameter `key` at `station`; infinite of a key that no table has. Throws
  /// std::runtime_error if the station's file cannot be used.
  Limits find(const std::string& station, const std::string& key);

 private:
  const std::filesystem::path folder_;
  std::map<std::string, Station> stations_;
};

}  // namespace dragoman
