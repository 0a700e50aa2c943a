// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/store/pg_retention.h"

#include <glib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "launcher/store/iso_time.h"
#include "launcher/store/pg_schema.h"
#include "launcher/store/ship_sink.h"
#include "launcher/util/log.h"

namespace dragoman {
namespace {

constexpr char kTopic[] = "retention";

constexpr uint64_t kHourNs = 3'600'000'000'000;
/// A clock further off is set wrong; one that merely drifts matters to nobody's rows.
constexpr uint64_t kMostClockError = kHourNs;

uint64_t system_time() { return static_cast<uint64_t>(g_get_real_time()) * 1000; }

PgRetentionOptions with_clock(PgRetentionOptions options) {
  if (!options.now) options.now = system_time;
  return options;
}

/// What is wrong with clocks of `here` and `there`, UTC ns; empty: nothing.
std::string clock_trouble(const PgTarget& target, uint64_t here, uint64_t there) {
  const uint64_t error = std::max(here, there) - std::min(here, there);
  if (error <= kMostClockError) return {};
  // Rounded so that neither whole hours nor a time zone's quarters read now so, now so.
  const uint64_t hours = (error + kHourNs / 3) / kHourNs;
  return "PostgreSQL " + target.name() + ": its clock is " + std::to_string(hours) + " h " +
         (here > there ? "behind" : "ahead of") +
         " this machine's, and old rows go by the one that is behind; set both right (timedatectl "
         "set-ntp true)";
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
    std::lock_guard lock(mutex_);
    ++health_.attempts;
  }
}

void PgRetention::work() {
  PgConnection connection(target_, options_.timeouts, stop_fd_);
  // Until the shipper has made the tables there is nothing to remove.
  if (has_store(connection))
    remove_old(connection);
  else
    ended({}, "");
}

void PgRetention::remove_old(PgConnection& connection) {
  const uint64_t here = options_.now(), there = now_on_the_server(connection),
                 now = std::min(here, there),
                 kept = static_cast<uint64_t>(std::chrono::nanoseconds(options_.keep).count());
  PgRemoval removal(connection,
                    {.step = options_.step, .pause = [this](auto time) { return pause(time); }});
  try {
    const PgRemoval::End end = removal.remove(iso_time(now > kept ? now - kept : 0));
    count(removal.take());
    ended(end, clock_trouble(target_, here, there));
  } catch (...) {
    count(removal.take());
    throw;
  }
}

/// UTC ns; 0 for a time before 1970.
uint64_t PgRetention::now_on_the_server(PgConnection& connection) const {
  const PgRows rows =
      connection.query("SELECT (extract(epoch FROM " + options_.server_now + ") * 1e6)::bigint");
  return static_cast<uint64_t>(std::max(0LL, std::atoll(rows.text(0, 0).c_str()))) * 1000;
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

/// `end`: nothing if there was nothing to remove from; `clocks`: what is wrong with them, if any.
void PgRetention::ended(std::optional<PgRemoval::End> end, const std::string& clocks) {
  const std::string text = log::printable(clocks);
  bool is_new = false;
  {
    std::lock_guard lock(mutex_);
    is_new = std::exchange(health_.last_error, text) != text;
    health_.failed = 0;
    if (end == PgRemoval::End::kTurnOfAnother) ++health_.yielded;
    if (end == PgRemoval::End::kDone) {
      ++health_.runs;
      health_.last_run = system_time();
    }
  }
  if (is_new && !text.empty()) log::warning(kTopic, text);
}

void PgRetention::failed(const std::string& message, bool is_told_by_the_shipper) {
  const std::string text = log::printable(message);
  bool is_new = false;
  {
    std::lock_guard lock(mutex_);
    is_new = std::exchange(health_.last_error, text) != text;
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
