// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/speech/providers/stt/decode_pool.h"

#include <pthread.h>

#include <algorithm>

namespace dragoman::stt {

DecodePool::DecodePool(unsigned threads) : most_partials_(threads > 1 ? threads - 1 : 1) {
  for (unsigned i = 0; i < threads; ++i) {
    threads_.emplace_back([this] { work(); });
    pthread_setname_np(threads_.back().native_handle(), "stt-decode");
  }
}

DecodePool::~DecodePool() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    jobs_.clear();
  }
  submitted_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void DecodePool::submit(const void* owner, Urgency urgency, std::function<void()> job) {
  {
    std::lock_guard lock(mutex_);
    jobs_.push_back({owner, urgency, std::move(job)});
  }
  submitted_.notify_all();
}

void DecodePool::cancel(const void* owner) {
  std::unique_lock lock(mutex_);
  std::erase_if(jobs_, [owner](const Job& job) { return job.owner == owner; });
  finished_.wait(lock, [&] { return std::ranges::find(running_, owner) == running_.end(); });
}

std::deque<DecodePool::Job>::iterator DecodePool::next() {
  auto best = jobs_.end();
  for (auto job = jobs_.begin(); job != jobs_.end(); ++job) {
    if (job->urgency == Urgency::kPartial && partials_ >= most_partials_) continue;
    if (best == jobs_.end() || job->urgency < best->urgency) best = job;
  }
  return best;
}

void DecodePool::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    submitted_.wait(lock, [this] { return stopping_ || next() != jobs_.end(); });
    if (stopping_) return;
    const auto chosen = next();
    Job job = std::move(*chosen);
    jobs_.erase(chosen);
    running_.push_back(job.owner);
    const bool partial = job.urgency == Urgency::kPartial;
    if (partial) ++partials_;
    lock.unlock();
    job.run();
    job.run = nullptr;
    lock.lock();
    if (partial) --partials_;
    running_.erase(std::ranges::find(running_, job.owner));
    finished_.notify_all();
    submitted_.notify_all();  // a partial may be allowed now
  }
}

}  // namespace dragoman::stt
