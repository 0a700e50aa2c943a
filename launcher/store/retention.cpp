// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/store/retention.h"

#include <glib.h>

#include <algorithm>
#include <utility>

#include "launcher/store/iso_time.h"

namespace dragoman {
namespace {

// Files first, then what is measured most, what was said last; a trace when nothing of it is left.
constexpr std::array kOldFirst = {RowKind::kSegment,   RowKind::kMetric,    RowKind::kKnobSnapshot,
                                  RowKind::kKnobEvent, RowKind::kUtterance, RowKind::kTrace};
constexpr uint64_t kSparePages = 32 << 20;  // bytes that the journal may keep for rows to come

uint64_t system_time() { return static_cast<uint64_t>(g_get_real_time()) * 1000; }

RetentionOptions with_clock(RetentionOptions options) {
  if (!options.now) options.now = system_time;
  return options;
}

}  // namespace

Retention::Retention(RetentionOptions options)
    : options_(with_clock(std::move(options))), thread_([this] { run(); }) {}

Retention::~Retention() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void Retention::run_now() {
  {
    std::lock_guard lock(mutex_);
    asked_ = true;
  }
  wake_.notify_one();
}

RetentionHealth Retention::health() const {
  std::lock_guard lock(mutex_);
  return health_;
}

void Retention::run() {
  pthread_setname_np(pthread_self(), "retention");
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait_for(lock, options_.interval, [this] { return stopping_ || asked_; });
    if (stopping_) return;
    asked_ = false;
    lock.unlock();
    std::string error;
    try {
      clean_up();
    } catch (const std::exception& failure) {
      error = failure.what();
    }
    lock.lock();
    if (!error.empty() && error != health_.last_error) {
      g_warning("retention, journal '%s': %s; it is tried again", options_.database.c_str(),
                error.c_str());
    }
    health_.last_error = error;
    ++health_.runs;
  }
}

void Retention::clean_up() {
  Removal removal(options_.database,
                  {.audio_folder = options_.audio_folder,
                   .pause = [this](std::chrono::nanoseconds time) { return pause(time); },
                   .limit = options_.limit});
  if (options_.keep.count() > 0) remove_old(removal);
  removal.remove_rows_without_file(time_ago(options_.keep_without_file));
  add(removal.take(), &RetentionHealth::deleted_orphans, "their files are gone");
  removal.shrink(kSparePages);
  add(removal.take(), &RetentionHealth::deleted_old, "");
}

void Retention::remove_old(Removal& removal) {
  const std::string before = time_ago(options_.keep);
  for (const RowKind kind : kOldFirst) removal.remove(kind, before);
  const std::string why = "older than " + std::to_string(options_.keep.count()) + " hours";
  add(removal.take(), &RetentionHealth::deleted_old, why.c_str());
}

std::string Retention::time_ago(std::chrono::nanoseconds age) const {
  const uint64_t now = options_.now(), past = static_cast<uint64_t>(age.count());
  return iso_time(now > past ? now - past : 0);
}

bool Retention::pause(std::chrono::nanoseconds time) {
  std::unique_lock lock(mutex_);
  return !wake_.wait_for(lock, time, [this] { return stopping_; });
}

void Retention::add(const Removed& removed, RowCounts RetentionHealth::*to, const char* why) {
  for (const std::string& problem : removed.problems) g_warning("%s", problem.c_str());
  if (removed.rows.total() || removed.files) {
    g_message("journal: %s and %" G_GUINT64_FORMAT " files are removed: %s",
              removed.rows.text().c_str(), removed.files, why);
  }
  std::lock_guard lock(mutex_);
  health_.*to += removed.rows;
  health_.deleted_files += removed.files;
  health_.longest_lock = std::max(health_.longest_lock, removed.longest_lock);
}

}  // namespace dragoman
