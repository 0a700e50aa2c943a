// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/speech/providers/stt/session.h"

#include <pthread.h>

#include <algorithm>
#include <exception>
#include <optional>
#include <utility>

namespace dragoman {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr uint64_t kToleranceNs = 40'000'000;       // of timestamps, before there is a gap
constexpr uint64_t kMostSilenceNs = 1'000'000'000;  // put into a gap: ends any utterance

size_t samples_of(milliseconds duration) {
  return static_cast<size_t>(duration.count()) * kSttRate / 1000;
}

}  // namespace

/// The tasks of the session's thread. Shared with providers' threads, so that what they post after
/// the session's end goes nowhere.
class SttSession::Queue {
 public:
  void post(std::function<void()> task) {
    {
      std::lock_guard lock(mutex_);
      if (stopped_) return;
      tasks_.push_back(std::move(task));
    }
    changed_.notify_one();
  }
  void post_at(Clock::time_point when, std::function<void()> task) {
    {
      std::lock_guard lock(mutex_);
      later_ = {when, std::move(task)};
    }
    changed_.notify_one();
  }
  /// The next task, or none when stopped.
  std::function<void()> next() {
    std::unique_lock lock(mutex_);
    for (;;) {
      if (stopped_) return {};
      if (later_ && Clock::now() >= later_->first) {
        return std::exchange(later_, {})->second;
      }
      if (!tasks_.empty()) {
        auto task = std::move(tasks_.front());
        tasks_.pop_front();
        return task;
      }
      if (later_) {
        changed_.wait_until(lock, later_->first);
      } else {
        changed_.wait(lock);
      }
    }
  }
  void stop() {
    std::deque<std::function<void()>> dropped;  // destroyed without the lock
    {
      std::lock_guard lock(mutex_);
      stopped_ = true;
      dropped.swap(tasks_);
      later_.reset();
    }
    changed_.notify_one();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> tasks_;
  std::optional<std::pair<Clock::time_point, std::function<void()>>> later_;
  bool stopped_ = false;
};

/// What a provider's stream tells, as long as it is the current one.
class SttSession::Stage : public SttListener {
 public:
  Stage(SttSession& session, const char* provider) : session_(session), provider_(provider) {}
  void on_partial(const SttResult& partial) override {
    if (!failed_) session_.listener_.on_partial(provider_, partial);
  }
  void on_clause(const SttResult& clause) override {
    if (failed_) return;
    session_.retried_ = false;
    session_.backoff_ = session_.settings_.first_backoff;
    session_.listener_.on_clause(provider_, clause);
  }
  void on_settled(uint64_t utc) override {
    if (!failed_) session_.settle(utc);
  }
  void on_flushed() override {
    if (!failed_) session_.flushed();
  }
  void on_failure(const std::string& error, SttFailureKind kind) override {
    if (std::exchange(failed_, true)) return;
    session_.queue_->post([&session = session_, error, kind] { session.fail(error, kind); });
  }
  bool failed() const { return failed_; }

 private:
  SttSession& session_;
  const char* const provider_;
  bool failed_ = false;
};

SttSession::SttSession(SttOptions options, std::vector<SttProvider> providers, Listener& listener,
                       SttSessionSettings settings)
    : options_(std::move(options)),
      providers_(std::move(providers)),
      listener_(listener),
      settings_(settings),
      queue_(std::make_shared<Queue>()),
      backoff_(settings.first_backoff) {
  thread_ = std::thread([this] { run(); });
  pthread_setname_np(thread_.native_handle(), "stt-session");
}

SttSession::~SttSession() {
  interrupt(true);
  queue_->stop();
  thread_.join();
}

void SttSession::push(std::vector<int16_t> samples, uint64_t utc) {
  {
    std::lock_guard lock(mutex_);
    if (unsettled_ > samples_of(settings_.most_kept)) {
      const bool reported = dropped_ == 0;
      dropped_ += samples.size();
      if (reported) queue_->post([this] { report_dropped(); });
      return;
    }
    unsettled_ += samples.size();
    waiting_ += samples.size();
    flushed_ = false;
  }
  queue_->post(
      [this, samples = std::move(samples), utc]() mutable { accept(std::move(samples), utc); });
}

bool SttSession::wait_for_room(milliseconds most) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return interrupted_ || unsettled_ < samples_of(most); });
  return !interrupted_;
}

SttFlush SttSession::flush(milliseconds timeout) {
  std::unique_lock lock(mutex_);
  flushed_ = false;
  queue_->post([this] {
    flushing_ = true;
    if (hopeless_) {
      flushed();
    } else if (stream_) {
      stream_->flush();
    }
  });
  changed_.wait_for(lock, timeout, [this] { return interrupted_ || flushed_; });
  if (flushed_) return SttFlush::kDone;
  return interrupted_ ? SttFlush::kInterrupted : SttFlush::kTooLate;
}

void SttSession::interrupt(bool interrupted) {
  {
    std::lock_guard lock(mutex_);
    interrupted_ = interrupted;
  }
  changed_.notify_all();
}

void SttSession::run() {
  run_task([this] { open(); });
  while (auto task = queue_->next()) run_task(std::move(task));
  stream_.reset();
  stage_.reset();
}

void SttSession::run_task(std::function<void()> task) {
  try {
    task();
  } catch (const std::exception& error) {
    if (stage_) stage_->on_failure(error.what(), SttFailureKind::kTemporary);
  }
}

void SttSession::open() {
  const SttProvider& provider = providers_[current_];
  stream_.reset();
  stage_ = std::make_unique<Stage>(*this, provider.name);
  stream_ = provider.open(options_, *stage_, [queue = queue_](std::function<void()> task) {
    queue->post(std::move(task));
  });
  // Settling may shorten `kept_` within a push.
  const std::vector<Audio> again(kept_.begin(), kept_.end());
  for (const Audio& audio : again) stream_->push(audio.samples, audio.utc);
  if (flushing_) stream_->flush();
}

milliseconds SttSession::waiting() {
  std::lock_guard lock(mutex_);
  return milliseconds(waiting_ * 1000 / kSttRate);
}

void SttSession::report_dropped() {
  size_t dropped = 0;
  {
    std::lock_guard lock(mutex_);
    std::swap(dropped, dropped_);
  }
  listener_.on_dropped(milliseconds(dropped * 1000 / kSttRate));
}

void SttSession::accept(std::vector<int16_t> samples, uint64_t utc) {
  {
    std::lock_guard lock(mutex_);
    waiting_ -= samples.size();
  }
  if (hopeless_) {
    std::lock_guard lock(mutex_);
    unsettled_ -= samples.size();
    changed_.notify_all();
    return;
  }
  flushing_ = false;
  if (expected_utc_ > 0 && utc > expected_utc_ + kToleranceNs) {
    const size_t missing = std::min(utc - expected_utc_, kMostSilenceNs) / kSttNsPerSample;
    {
      std::lock_guard lock(mutex_);
      unsettled_ += missing;
    }
    keep_and_pass({std::vector<int16_t>(missing), expected_utc_});
  }
  keep_and_pass({std::move(samples), utc});
}

void SttSession::keep_and_pass(Audio audio) {
  expected_utc_ = audio.end();
  const Audio& kept = kept_.emplace_back(std::move(audio));
  if (!stream_ || stage_->failed()) return;
  const std::vector<int16_t> samples = kept.samples;  // settling may drop what is kept
  stream_->push(samples, kept.utc);
}

void SttSession::settle(uint64_t utc) {
  size_t settled = 0;
  while (!kept_.empty() && kept_.front().end() <= utc) {
    settled += kept_.front().samples.size();
    kept_.pop_front();
  }
  if (settled == 0) return;
  {
    std::lock_guard lock(mutex_);
    unsettled_ -= settled;
  }
  changed_.notify_all();
}

void SttSession::flushed() {
  flushing_ = false;
  settle(UINT64_MAX);
  {
    std::lock_guard lock(mutex_);
    flushed_ = true;
  }
  changed_.notify_all();
}

void SttSession::fail(const std::string& error, SttFailureKind kind) {
  stream_.reset();
  const char* const failed = providers_[current_].name;
  any_temporary_ = any_temporary_ || kind == SttFailureKind::kTemporary;
  if (kind == SttFailureKind::kTemporary && !std::exchange(retried_, true)) {
    listener_.on_provider_error(failed, error, failed);
    open();
    return;
  }
  retried_ = false;
  if (current_ + 1 < providers_.size()) {
    ++current_;
    listener_.on_provider_error(failed, error, providers_[current_].name);
    open();
    return;
  }
  listener_.on_provider_error(failed, error, "");
  if (!std::exchange(any_temporary_, false)) {
    give_up(error);
    return;
  }
  current_ = 0;
  queue_->post_at(Clock::now() + backoff_, [this] { open(); });
  backoff_ = std::min(backoff_ * 2, settings_.last_backoff);
}

void SttSession::give_up(const std::string& error) {
  hopeless_ = true;
  settle(UINT64_MAX);
  listener_.on_hopeless(error);
  flushed();
}

}  // namespace dragoman
