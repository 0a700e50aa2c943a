// SPDX-License-Identifier: LGPL-2.1-or-later
// The taps of the process, by name: how those of one call find each other.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <tuple>

#include "plugins/station/tap_log.h"

namespace dragoman {

/// Names a tap within the process. `trace` is the call's; without one it must be something that the
/// taps of one pipeline share and others do not.
struct TapKey {
  std::string trace, station, tap;
  friend auto operator<=>(const TapKey&, const TapKey&) = default;
};

/// Holds no tap alive. Any thread; a mutex that is held for a look-up and never while calling out.
class TapPairs {
 public:
  /// The process's own: taps enter when they start and leave when they stop.
  static TapPairs& instance();

  /// `log` is the tap `key` until leave(). Of two of one name the later counts.
  void enter(const TapKey& key, const std::shared_ptr<TapLog>& log);
  void leave(const TapKey& key, const std::shared_ptr<TapLog>& log);

  /// From here on the tap `key` keeps what it hears, should it exist or come; unfollow() for each.
  void follow(const TapKey& key);
  void unfollow(const TapKey& key);

  /// The tap `key`, or null.
  std::shared_ptr<TapLog> find(const TapKey& key) const;

 private:
  struct Entry {
    std::weak_ptr<TapLog> log;
    unsigned followers = 0;
  };
  void forget_if_empty(std::map<TapKey, Entry>::iterator at);

  mutable std::mutex lock_;
  std::map<TapKey, Entry> taps_;
};

}  // namespace dragoman
