// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/store/retention.h"

#include <glib.h>

#include <algorithm>
#include <utility>

#include "launcher/store/iso_time.h"
#include "launcher/store/mend.h"

namespace dragoman {
namespace {

// Files first, then what is measured most, what was said last; a trace when nothing of it is left.
constexpr std::array kWhenOld = {RowKind::kSegment,   RowKind::kMetric,    RowKind::kKnobSnapshot,
                                 RowKind::kKnobEvent, RowKind::kUtterance, RowKind::kTrace};
constexpr std::array kForRoom = {RowKind::kSegment,   RowKind::kMetric,    RowKind::kKnobSnapshot,
                                 RowKind::kUtterance, RowKind::kKnobEvent, RowKind::kTrace};
constexpr uint64_t kSpareBytes = 32 << 20;  // that the journal may keep for rows to come
constexpr uint64_t kFilesPerLook = 64, kRowsPerLook = 5000;
constexpr size_t kFilesPerWalk = 16384;  // some minutes of a hundred calls; a walk takes seconds
constexpr std::chrono::minutes kTellEvery{5};
constexpr size_t kMaxTold = 1000;

uint64_t system_time() { return static_cast<uint64_t>(g_get_real_time()) * 1000; }

RetentionOptions with_clock(RetentionOptions options) {
  if (!options.now) options.now = system_time;
  return options;
}

void tell(const RowCounts& rows, uint64_t files, const std::string& why) {
  if (rows.total() == 0 && files == 0) return;
  g_message("journal: %s and %" G_GUINT64_FORMAT " WAV files are removed: %s", rows.text().c_str(),
            files, why.c_str());
}

}  // namespace

Retention::Retention(RetentionOptions options)
    : options_(with_clock(std::move(options))),
      watch_(options_.database, options_.audio_folder, options_.disk),
      thread_([this] { run(); }) {}

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
  Clock::time_point next_run = Clock::now();
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait_for(lock, std::min(options_.interval, options_.disk_interval),
                   [this] { return stopping_ || asked_; });
    if (stopping_) return;
    const bool whole_run = std::exchange(asked_, false) || Clock::now() >= next_run;
    lock.unlock();
    std::string error;
    try {
      work(whole_run);
    } catch (const std::exception& failure) {
      error = failure.what();
    }
    if (whole_run) next_run = error.empty() ? Clock::now() + options_.interval : Clock::now();
    lock.lock();
    if (!error.empty() && error != health_.last_error) {
      g_warning("retention, journal '%s': %s; it is tried again", options_.database.c_str(),
                error.c_str());
    }
    health_.last_error = error;
    if (whole_run) ++health_.runs;
    ++health_.looks;
  }
}

void Retention::work(bool whole_run) {
  make_room();  // first: on a full disk the rest cannot write
  if (!whole_run) return;
  Removal removal = open_removal(options_.limit);
  clean_up(removal);
  look_for_orphans(removal);
  removal.shrink(kSpareBytes);
  count(removal.take(), &RetentionHealth::deleted_old);
}

Removal Retention::open_removal(RemovalLimit limit) {
  return Removal(options_.database,
                 {.audio_folder = options_.audio_folder,
                  .pause = [this](std::chrono::nanoseconds time) { return pause(time); },
                  .limit = std::move(limit)});
}

void Retention::clean_up(Removal& removal) {
  if (options_.keep.count() == 0) return;
  const std::string before = time_ago(options_.keep);
  for (const RowKind kind : kWhenOld) removal.remove(kind, before);
  const Removed removed = removal.take();
  tell(removed.rows, removed.files,
       "older than " + std::to_string(options_.keep.count()) + " hours");
  count(removed, &RetentionHealth::deleted_old);
}

void Retention::look_for_orphans(Removal& removal) {
  // A segment's row that was lost on a full disk can be had again from its file.
  const uint64_t lost =
      options_.journal ? options_.journal().dropped[RowKind::kSegment] : segments_lost_;
  const Clock::time_point now = Clock::now();
  const bool due = !looked_for_orphans_ || now - *looked_for_orphans_ >= options_.mend_interval;
  if (!due && lost == segments_lost_) return;
  segments_lost_ = lost;
  looked_for_orphans_ = now;
  if (options_.mend) options_.mend();
  removal.remove_rows_without_file(time_ago(options_.keep_without_file));
  const Removed removed = removal.take();
  tell(removed.rows, removed.files, "their files are gone");
  count(removed, &RetentionHealth::deleted_orphans);
  watch_.recount();
}

void Retention::make_room() {
  DiskRoom room;
  try {
    room = look();
  } catch (const DatabaseError&) {
    DiskRoom room = watch_.look_at_disks();
    const DiskRoom last = health().room;
    room.journal_bytes = last.journal_bytes;
    room.audio_bytes = last.audio_bytes;
    note(room);
    remove_oldest_files();
    throw;
  }
  if (!room.is_short()) {
    tell(std::exchange(untold_, {}), std::exchange(untold_files_, 0), "the disk was full");
    return;
  }
  const Clock::time_point now = Clock::now();
  if (!told_of_room_ || now - *told_of_room_ >= kTellEvery) {
    told_of_room_ = now;
    tell(std::exchange(untold_, {}), std::exchange(untold_files_, 0), "the disk is full");
    g_warning(
        "the disk is full: %s. The oldest WAV files go, then metrics, then utterances; free some "
        "space, or see max-disk-gb and min-free-mb in [monitoring]",
        room.text().c_str());
  }
  Removal removal = open_removal({});
  try {
    remove_for_room(removal, room);
  } catch (const DatabaseError& error) {
    note_room(removal.take());
    if (error.primary_code() == SQLITE_FULL) remove_oldest_files();
    throw;
  } catch (const std::runtime_error&) {
    note_room(removal.take());
    throw;
  }
}

void Retention::remove_for_room(Removal& removal, const DiskRoom& first) {
  bool given_back = false;  // what is not in use already
  for (const RowKind kind : kForRoom) {
    const bool files = kind == RowKind::kSegment;
    for (DiskRoom room = look(); room.is_helped_by(kind); room = look()) {
      if (room.in_use() + first.missing() <= first.in_use()) return;
      if (!files && !std::exchange(given_back, true)) {
        give_back(removal);
        continue;
      }
      const uint64_t rows =
          removal.remove(kind, Removal::kAnyAge, files ? kFilesPerLook : kRowsPerLook);
      if (!files) give_back(removal);
      const Removed removed = removal.take();
      note_room(removed);
      if (removed.ended_early) return;
      if (rows == 0) break;
    }
  }
}

void Retention::give_back(Removal& removal) const {
  if (removal.give_back()) return;
  throw std::runtime_error(
      "the disk is full, and no room can be made while another program reads the journal (fuser '" +
      options_.database + "' names it); end it, or wait until it has ended");
}

/// To open the journal or to delete a row takes room itself; WAV files go without. Their rows go
/// when that is possible.
void Retention::remove_oldest_files() {
  const auto helps = [this] {
    return !stopping_ && watch_.look_at_disks().is_helped_by(RowKind::kSegment);
  };
  if (oldest_files_.empty() && helps())
    oldest_files_ = oldest_segments(options_.audio_folder, kFilesPerWalk, stopping_);
  Removed removed;
  for (; !oldest_files_.empty() && helps(); oldest_files_.pop_front())
    remove_segment_file(options_.audio_folder, oldest_files_.front(), removed);
  note_room(removed);
}

DiskRoom Retention::look() {
  Database database(options_.database, DatabaseAccess::kReadOnly);
  const DiskRoom room = watch_.look(database);
  note(room);
  return room;
}

void Retention::note(const DiskRoom& room) {
  std::lock_guard lock(mutex_);
  health_.room = room;
}

void Retention::note_room(const Removed& removed) {
  untold_ += removed.rows;
  untold_files_ += removed.files;
  count(removed, &RetentionHealth::deleted_for_room);
  std::lock_guard lock(mutex_);
  health_.deleted_files_for_room += removed.files;
}

std::string Retention::time_ago(std::chrono::nanoseconds age) const {
  const uint64_t now = options_.now(), past = static_cast<uint64_t>(age.count());
  return iso_time(now > past ? now - past : 0);
}

bool Retention::pause(std::chrono::nanoseconds time) {
  std::unique_lock lock(mutex_);
  return !wake_.wait_for(lock, time, [this] { return stopping_.load(); });
}

void Retention::count(const Removed& removed, RowCounts RetentionHealth::*to) {
  for (const std::string& problem : removed.problems) {
    // Once: what cannot be removed is met again at every run.
    if (told_.size() < kMaxTold && told_.insert(problem).second) g_warning("%s", problem.c_str());
  }
  watch_.removed(removed.file_bytes);
  std::lock_guard lock(mutex_);
  health_.*to += removed.rows;
  health_.deleted_files += removed.files;
  health_.longest_lock = std::max(health_.longest_lock, removed.longest_lock);
}

}  // namespace dragoman
