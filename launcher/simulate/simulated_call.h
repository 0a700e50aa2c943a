// SPDX-License-Identifier: LGPL-2.1-or-later
// A whole call through a launcher of its own, without Asterisk.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "launcher/simulate/ari_server.h"
#include "launcher/simulate/call_watch.h"
#include "launcher/simulate/launcher_process.h"
#include "launcher/simulate/phone_exchange.h"
#include "launcher/simulate/simulate_output.h"
#include "launcher/util/config.h"

namespace dragoman {

struct SimulatedCallOptions {
  std::string program;      ///< the dragoman executable
  std::string config_file;  ///< for `serve`; empty: its default
  std::string folder;       ///< data and log of the launcher; must exist
  std::string extension, partner;
  std::vector<int16_t> speech;          ///< that the caller says, 16 kHz
  std::vector<int16_t> partner_speech;  ///< that the partner says; empty: is silent
};

/// Main loop thread, default main context. One run each.
class SimulatedCall {
 public:
  SimulatedCall(SimulatedCallOptions options, const Config& config, SimulateOutput& output);
  ~SimulatedCall();

  /// Makes the call; returns when everything that was said has been heard in translation and the
  /// launcher has ended, or why it did not come to that: a message for the user.
  std::optional<std::string> run();
  /// From a signal handler of the main loop: run() ends the call and returns soon.
  void interrupt() { interrupted_ = true; }
  bool is_interrupted() const { return interrupted_; }
  /// SIGKILL for the launcher.
  void kill() { launcher_->kill(); }

  const Report& report() const { return watch_.report(); }
  HeardAudio heard_by_caller() const { return heard_by(caller_channel_); }
  HeardAudio heard_by_partner() const { return heard_by(partner_channel_); }

 private:
  struct Failure {
    std::string message;
  };

  void start_launcher();
  void place_calls();
  void speak();
  void wait_for_translations();
  void check_heard();
  void hang_up();
  bool is_all_heard() const;
  HeardAudio heard_by(const std::string& channel) const;

  /// Runs the main loop, following the journal, until `done()`. Throws Failure with `otherwise`
  /// after `seconds`, and if the launcher ends or the user interrupts.
  template <typename Done>
  void run_until(Done done, double seconds, const std::string& otherwise);

  const SimulatedCallOptions options_;
  SimulateOutput& output_;
  PhoneExchange exchange_;
  CallWatch watch_;
  std::unique_ptr<AriServer> server_;
  std::unique_ptr<LauncherProcess> launcher_;
  std::string caller_channel_, partner_channel_;
  bool interrupted_ = false;
};

}  // namespace dragoman
