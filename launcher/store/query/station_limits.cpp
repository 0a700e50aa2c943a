// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/store/query/station_limits.h"

namespace dragoman {

Limits StationLimits::find(const std::string& station, const std::string& key) {
  const Parameter* parameter = find_parameter(key);
  if (!parameter) return {};
  auto found = stations_.find(station);
  if (found == stations_.end()) {
    // A name that is no file's stands for the generic station, never for a file elsewhere.
    const bool plain = station.find('/') == std::string::npos;
    found = stations_.emplace(station, plain ? find_station(folder_, station) : Station()).first;
  }
  return found->second.limits[static_cast<size_t>(parameter->number) - 1];
}

}  // namespace dragoman
