// SPDX-License-Identifier: LGPL-2.1-or-later
// The few threads on which all streams' clips are decoded: finals first, partials last and never on
// all threads, so that a final does not wait for a partial.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "plugins/speech/providers/stt/recognizer.h"

namespace dragoman::stt {

class DecodePool {
 public:
  explicit DecodePool(unsigned threads);
  /// Drops what waits, waits for what runs.
  ~DecodePool();
  DecodePool(const DecodePool&) = delete;

  /// Runs `job` on a thread of the pool, in order within its urgency. Any thread.
  void submit(const void* owner, Urgency urgency, std::function<void()> job);

  /// Drops `owner`'s waiting jobs and waits for its running ones. Not from a job.
  void cancel(const void* owner);

 private:
  struct Job {
    const void* owner;
    Urgency urgency;
    std::function<void()> run;
  };

  void work();
  std::deque<Job>::iterator next();

  std::mutex mutex_;  // guards all below
  std::condition_variable submitted_, finished_;
  std::deque<Job> jobs_;
  std::vector<const void*> running_;
  size_t partials_ = 0;  // running
  size_t most_partials_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace dragoman::stt
