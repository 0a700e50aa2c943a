// SPDX-License-Identifier: LGPL-2.1-or-later
// Deletes channels and bridges in Asterisk, until it is known that they are gone. Main loop thread
// only.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "launcher/ari/client.h"
#include "launcher/util/timer.h"

namespace dragoman {

class Sweeper {
 public:
  static constexpr int kTries = 4;
  static constexpr int kRetryMs = 500;

  explicit Sweeper(ari::Client& client) : client_(client) {}

  /// Ends the channel with `cause` (Q.850; 0: normal).
  void channel(const std::string& id, int cause = 0) { add({id, cause, false, 0}); }
  void bridge(const std::string& id) { add({id, 0, true, 0}); }

  /// Nothing is left to delete, or was given up (then the reconciliation after the next connection
  /// finds it).
  bool idle() const { return jobs_.empty(); }
  /// Called whenever idle() becomes true.
  void when_idle(std::function<void()> callback) { on_idle_ = std::move(callback); }

 private:
  struct Job {
    std::string id;
    int cause;
    bool is_bridge;
    int tries;
    std::shared_ptr<Timer> timer = std::make_shared<Timer>();
  };
  void add(Job job);
  void attempt(const std::string& key);
  void after_attempt(const std::string& key, const ari::Reply& reply);

  ari::Client& client_;
  std::map<std::string, Job> jobs_;
  std::function<void()> on_idle_;
};

}  // namespace dragoman
