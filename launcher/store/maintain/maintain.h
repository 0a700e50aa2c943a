// SPDX-License-Identifier: LGPL-2.1-or-later
// What has to be done for the store every day, week and month, while the launcher runs.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>

#include "launcher/util/config.h"

namespace dragoman {

struct MaintainOptions {
  Config config;        ///< paths, retention, bounds of the disk
  std::string backups;  ///< folder of 'dragoman backup'
  std::optional<std::string>
      postgresql;    ///< libpq's connection string; nothing: none is configured
  uint64_t now = 0;  ///< UTC ns
};

/// A check did not hold, or a step could not be done; what() names the thing and the cure.
class MaintainFailure : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct MaintainStep {
  enum class Kind {
    kCheck,   ///< changes nothing
    kGuard,   ///< likewise; if it fails, nothing is changed afterwards
    kChange,  ///< of the database or of files
  };
  const char* name;
  Kind kind;
  const char* what;  ///< a change in words: "give unused pages back"
  /// What it did, for people. Throws if it failed. Safe to be repeated.
  std::string (*run)(const MaintainOptions& options);
};

enum class MaintainPeriod { kDaily, kWeekly, kMonthly };
std::span<const MaintainStep> steps_of(MaintainPeriod period);

struct StepReport {
  enum class Outcome { kOk, kNotDone, kFailed } outcome = Outcome::kOk;
  std::string text;
  std::chrono::duration<double> took{0};
};

/// Runs one step after the other and tells of each. True if none failed. With `dry_run` only checks
/// are run. Blocks on the disk; holds no lock of the journal that another writer would wait 50 ms
/// for.
bool run_steps(std::span<const MaintainStep> steps, const MaintainOptions& options, bool dry_run,
               const std::function<void(const MaintainStep&, const StepReport&)>& tell);

/// Holds the data folder against a second maintenance for as long as it lives.
class MaintainLock {
 public:
  /// Throws MaintainFailure if another process has it.
  explicit MaintainLock(const std::string& data_folder);
  ~MaintainLock();
  MaintainLock(const MaintainLock&) = delete;
  MaintainLock& operator=(const MaintainLock&) = delete;

 private:
  int fd_ = -1;
};

}  // namespace dragoman
