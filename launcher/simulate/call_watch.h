// SPDX-License-Identifier: LGPL-2.1-or-later
// Follows a call in the launcher's journal, as it happens.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <string>

#include "launcher/store/report.h"

namespace dragoman {

/// Told once of each step of each clause.
class CallWatchListener {
 public:
  virtual ~CallWatchListener() = default;
  virtual void on_transcript(const ReportedUtterance& utterance) = 0;
  virtual void on_translation(const ReportedUtterance& utterance) = 0;
  virtual void on_spoken(const ReportedUtterance& utterance) = 0;
};

class CallWatch {
 public:
  /// `database` need not exist yet.
  CallWatch(std::string database, CallWatchListener& listener)
      : database_(std::move(database)), listener_(listener) {}

  /// Reads what is new of the last call.
  void poll();
  /// Of the last poll.
  const Report& report() const { return report_; }
  /// Since when nothing new was read.
  std::chrono::steady_clock::duration quiet() const {
    return std::chrono::steady_clock::now() - changed_;
  }
  /// Clauses of `extension` that are to be heard in translation and were not yet.
  size_t unheard(const std::string& extension) const;
  size_t heard(const std::string& extension) const;

 private:
  enum Step { kTranscript = 1, kTranslation = 2, kSpoken = 4 };
  bool is_new(const ReportedUtterance& utterance, const std::string& language, Step step);
  void tell(const ReportedUtterance& utterance);

  const std::string database_;
  CallWatchListener& listener_;
  Report report_;
  std::map<std::string, int> told_;  ///< steps, by clause and language
  std::chrono::steady_clock::time_point changed_ = std::chrono::steady_clock::now();
};

}  // namespace dragoman
