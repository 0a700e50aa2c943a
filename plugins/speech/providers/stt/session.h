// SPDX-License-Identifier: LGPL-2.1-or-later
// One speaker's speech to text through a list of providers: what one fails to settle the next one
// gets again.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "plugins/speech/providers/stt/provider.h"

namespace dragoman {

enum class SttFlush { kDone, kInterrupted, kTooLate };

struct SttSessionSettings {
  /// Audio kept for providers at most; what comes beyond is dropped and reported.
  std::chrono::milliseconds most_kept = std::chrono::seconds(120);
  /// Wait before the list is tried again from its start; doubles each time, up to the second.
  std::chrono::milliseconds first_backoff = std::chrono::seconds(1);
  std::chrono::milliseconds last_backoff = std::chrono::seconds(30);
};

class SttSession {
 public:
  /// Called on the session's thread; must not destroy the session.
  class Listener {
   public:
    virtual ~Listener() = default;
    virtual void on_partial(const char* provider, const SttResult& partial) = 0;
    virtual void on_clause(const char* provider, const SttResult& clause) = 0;
    /// `provider` failed; `next` takes over (the same one: it is tried again; empty: none for now).
    virtual void on_provider_error(const char* provider, const std::string& error,
                                   const char* next) = 0;
    /// No provider can ever work; all further audio is ignored.
    virtual void on_hopeless(const std::string& error) = 0;
    /// Audio had to be dropped because no provider kept up.
    virtual void on_dropped(std::chrono::milliseconds audio) = 0;
  };

  /// `providers`: best first, at least one.
  SttSession(SttOptions options, std::vector<SttProvider> providers, Listener& listener,
             SttSessionSettings settings = {});
  /// Stops at once; what is not committed is lost unless flush() came before.
  ~SttSession();
  SttSession(const SttSession&) = delete;

  /// The next audio, whose first sample was heard at `utc` (ns). Returns at once. Small gaps are
  /// filled with silence, long ones end an utterance.
  void push(std::vector<int16_t> samples, uint64_t utc);

  /// Pushed and not yet given to a provider.
  std::chrono::milliseconds waiting();

  /// Waits until less than `most` of what was pushed is unsettled. False: interrupted.
  bool wait_for_room(std::chrono::milliseconds most);

  /// Has all that was pushed committed and reported; waits for it.
  SttFlush flush(std::chrono::milliseconds timeout);

  /// While true, nobody waits in wait_for_room() and flush().
  void interrupt(bool interrupted);

 private:
  class Stage;
  class Queue;
  struct Audio {
    std::vector<int16_t> samples;
    uint64_t utc;
    uint64_t end() const { return utc + samples.size() * kSttNsPerSample; }
  };

  void run();
  void run_task(std::function<void()> task);
  void accept(std::vector<int16_t> samples, uint64_t utc);
  void report_dropped();
  void keep_and_pass(Audio audio);
  void open();
  void settle(uint64_t utc);
  void fail(const std::string& error, SttFailureKind kind);
  void give_up(const std::string& error);
  void flushed();

  const SttOptions options_;
  const std::vector<SttProvider> providers_;
  Listener& listener_;
  const SttSessionSettings settings_;
  const std::shared_ptr<Queue> queue_;

  // The session's thread only.
  std::unique_ptr<Stage> stage_;
  std::unique_ptr<SttStream> stream_;
  std::deque<Audio> kept_;     // not settled
  uint64_t expected_utc_ = 0;  // of the next sample; 0: any
  size_t current_ = 0;         // provider
  bool retried_ = false;
  bool any_temporary_ = false;  // since the list's start
  bool hopeless_ = false;
  bool flushing_ = false;
  std::chrono::milliseconds backoff_;

  std::mutex mutex_;  // guards all below
  std::condition_variable changed_;
  size_t unsettled_ = 0;  // samples pushed and not settled
  size_t waiting_ = 0;    // samples pushed and not accepted
  size_t dropped_ = 0;    // samples, not reported yet
  bool interrupted_ = false;
  bool flushed_ = false;

  std::thread thread_;
};

}  // namespace dragoman
