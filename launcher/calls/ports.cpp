// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/calls/ports.h"

namespace dragoman {

std::optional<int> Ports::take(int preferred) {
  if (preferred > 0 && usable(preferred)) return *taken_.insert(preferred).first;
  for (int port = first_; port <= last_; port += 2)
    if (usable(port)) return *taken_.insert(port).first;
  return std::nullopt;
}

void Ports::avoid(int port) {
  taken_.erase(port);
  avoided_until_[port] = clock_() + kAvoid;
}

bool Ports::usable(int port) {
  if (taken_.contains(port)) return false;
  const auto avoided = avoided_until_.find(port);
  if (avoided == avoided_until_.end()) return true;
  if (clock_() < avoided->second) return false;
  avoided_until_.erase(avoided);
  return true;
}

}  // namespace dragoman
