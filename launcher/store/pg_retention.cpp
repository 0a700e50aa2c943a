// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/store/pg_retention.h"

#include <glib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "launcher/store/iso_time.h"
#include "launcher/store/pg_schema.h"
#include "launcher/store/ship_sink.h"
#include "launcher/util/log.h"

namespace dragoman {
namespace {

constexpr char kTopic[] = "retention";

uint64_t system_time() { return static_cast<uint64_t>(g_get_real_time()) * 1000; }

PgRetentionOptions with_clock(PgRetentionOptions options) {
  if (!options.now) options.now = system_time;
  return options;
}

}  // namespace

PgRetention::PgRetention(PgTarget target, PgRetentionOptions options)
    : target_(std::move(target)),
      options_(with_clock(std::move(options))),
      stop_fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  health_.target = target_.name();
  health_.keep = options_.keep;
  if (options_.keep.count() > 0) thread_ = std::thread([this] { run(); });
}

PgRetention::~PgRetention() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  ::eventfd_write(stop_fd_, 1);
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
  ::close(stop_fd_);
}

void PgRetention::run_now() {
  {
    std::lock_guard lock(mutex_);
    asked_ = true;
  }
  wake_.notify_one();
}

PgRetentionHealth PgRetention::health() const {
  std::lock_guard lock(mutex_);
  return health_;
}

// The thread.

void PgRetention::run() {
  pthread_setname_np(pthread_self(), "pg-retention");
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      const auto most =
          health_.failed > 0 ? std::min(options_.retry, options_.interval) : options_.interval;
      wake_.wait_for(lock, time_to_next(most), [this] { return stopping_ || asked_; });
      if (stopping_) return;
      asked_ = false;
    }
    try {
      work();
    } catch (const PgInterrupted&) {
    } catch (const PgError& error) {
      const std::string& state = error.sqlstate();
      failed(trouble(target_, error),
             state.empty() || state.starts_with("08") || state.starts_with("57P"));
    } catch (const std::exception& error) {
      failed("PostgreSQL " + target_.name() + ": " + error.what(), false);
    }
  }
}

void PgRetention::work() {
  PgConnection connection(target_, options_.timeouts, stop_fd_);
  // Until the shipper has made the tables there is nothing to remove.
  if (has_store(connection)) remove_old(connection);
}

void PgRetention::remove_old(PgConnection& connection) {
  const uint64_t now = options_.now(),
                 kept = static_cast<uint64_t>(std::chrono::nanoseconds(options_.keep).count());
  PgRemoval removal(connection,
                    {.step = options_.step, .pause = [this](auto time) { return pause(time); }});
  try {
    const PgRemoval::End end = removal.remove(iso_time(now > kept ? now - kept : 0));
    count(removal.take());
    succeeded(end);
  } catch (...) {
    count(removal.take());
    throw;
  }
}

void PgRetention::count(const PgRemoved& removed) {
  {
    std::lock_guard lock(mutex_);
    health_.deleted += removed.rows;
    health_.longest_step = std::max(health_.longest_step, removed.longest_step);
  }
  if (removed.rows.total() == 0) return;
  log::notice(kTopic, "PostgreSQL " + target_.name() + ": " + removed.rows.text() +
                          " are removed: older than " + std::to_string(options_.keep.count()) +
                          " hours");
}

void PgRetention::succeeded(PgRemoval::End end) {
  std::lock_guard lock(mutex_);
  health_.failed = 0;
  health_.last_error.clear();
  if (end == PgRemoval::End::kTurnOfAnother) ++health_.yielded;
  if (end != PgRemoval::End::kDone) return;
  ++health_.runs;
  health_.last_run = system_time();
}

void PgRetention::failed(const std::string& message, bool is_told_by_the_shipper) {
  const std::string text = log::printable(message);
  bool is_new = false;
  {
    std::lock_guard lock(mutex_);
    is_new = health_.last_error != text;
    health_.last_error = text;
    ++health_.failed;
  }
  if (is_new && !is_told_by_the_shipper)
    log::warning(kTopic, text + " (old rows stay there meanwhile; it is tried again)");
}

/// False when it is time to stop.
bool PgRetention::pause(std::chrono::nanoseconds time) {
  std::unique_lock lock(mutex_);
  return !wake_.wait_for(lock, time, [this] { return stopping_; });
}

std::chrono::milliseconds PgRetention::time_to_next(std::chrono::milliseconds at_most) {
  const int64_t whole = at_most.count();
  return std::chrono::milliseconds(
      std::uniform_int_distribution<int64_t>(whole - whole / 4, whole)(random_));
}

}  // namespace dragoman
