// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/station/tap_pairs.h"

namespace dragoman {

TapPairs& TapPairs::instance() {
  static TapPairs pairs;
  return pairs;
}

void TapPairs::enter(const TapKey& key, const std::shared_ptr<TapLog>& log) {
  std::lock_guard lock(lock_);
  Entry& entry = taps_[key];
  entry.log = log;
  if (entry.followers) log->follow();
}

void TapPairs::leave(const TapKey& key, const std::shared_ptr<TapLog>& log) {
  std::lock_guard lock(lock_);
  const auto found = taps_.find(key);
  if (found == taps_.end()) return;
  if (found->second.log.lock() == log) found->second.log.reset();
  forget_if_empty(found);
}

void TapPairs::follow(const TapKey& key) {
  std::lock_guard lock(lock_);
  Entry& entry = taps_[key];
  ++entry.followers;
  if (const auto log = entry.log.lock()) log->follow();
}

void TapPairs::unfollow(const TapKey& key) {
  std::lock_guard lock(lock_);
  const auto found = taps_.find(key);
  if (found == taps_.end() || !found->second.followers) return;
  if (!--found->second.followers) {
    if (const auto log = found->second.log.lock()) log->unfollow();
  }
  forget_if_empty(found);
}

std::shared_ptr<TapLog> TapPairs::find(const TapKey& key) const {
  std::lock_guard lock(lock_);
  const auto found = taps_.find(key);
  return found == taps_.end() ? nullptr : found->second.log.lock();
}

void TapPairs::forget_if_empty(std::map<TapKey, Entry>::iterator at) {
  if (at->second.log.expired() && !at->second.followers) taps_.erase(at);
}

}  // namespace dragoman
