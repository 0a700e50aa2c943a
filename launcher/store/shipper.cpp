// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/store/shipper.h"

#include <glib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>

#include "launcher/store/migrations.h"
#include "launcher/util/log.h"

namespace dragoman {
namespace {

constexpr char kTopic[] = "shipper";
constexpr uint64_t kCountedAtMost = 1'000'000;
constexpr std::chrono::minutes kSayAgain{10};
constexpr std::chrono::seconds kCountEvery{5};

uint64_t now_ns() { return static_cast<uint64_t>(g_get_real_time()) * 1000; }

}  // namespace

const char* to_string(ShipperState state) {
  switch (state) {
    case ShipperState::kConnecting:
      return "connecting";
    case ShipperState::kConnected:
      return "connected";
    case ShipperState::kWaiting:
      return "waiting";
  }
  return "";
}

Shipper::Shipper(std::string journal, PgTarget target, const ShipperOptions& options)
    : journal_(std::move(journal)),
      target_(std::move(target)),
      options_(options),
      stop_fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  status_.target = target_.name();
  status_.since = now_ns();
  thread_ = std::thread([this] { run(); });
}

Shipper::~Shipper() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  ::eventfd_write(stop_fd_, 1);
  wake_.notify_one();
  thread_.join();
  ::close(stop_fd_);
}

ShipperStatus Shipper::status() const {
  std::lock_guard lock(mutex_);
  return status_;
}

bool Shipper::finish(std::chrono::milliseconds grace) {
  std::unique_lock lock(mutex_);
  const uint64_t wanted = looks_begun_ + 1;
  const auto done = [&] { return looks_done_ >= wanted; };
  hurry_ = true;
  wake_.notify_one();
  idle_.wait_for(lock, grace, [&] { return done() || status_.state != ShipperState::kConnected; });
  return done();
}

// The shipper's thread.

void Shipper::run() {
  pthread_setname_np(pthread_self(), "shipper");
  for (;;) {
    try {
      ship_until_failure();
    } catch (const PgInterrupted&) {
    } catch (const PgError& error) {
      failed(error.sqlstate(), trouble(target_, error));
    } catch (const DatabaseError& error) {
      failed("journal", "journal '" + journal_ + "': " + error.what() +
                            ": what is in it cannot be read for PostgreSQL");
    } catch (const std::exception& error) {
      failed("other", "PostgreSQL " + target_.name() + ": " + error.what());
    }
    sink_.reset();
    source_.reset();
    if (!pause(retry_delay(), false)) return;
  }
}

/// Returns when the journal's file is another one, or by an exception.
void Shipper::ship_until_failure() {
  open_source();
  count_waiting();
  sink_ = std::make_unique<ShipSink>(target_, options_.timeouts, stop_fd_);
  take_marks();
  while (source_->is_current()) {
    {
      std::lock_guard lock(mutex_);
      if (stopping_) return;
      ++looks_begun_;
      hurry_ = false;
    }
    while (ship_round()) {
    }
    succeeded();
    {
      std::lock_guard lock(mutex_);
      looks_done_ = looks_begun_;
      status_.rows_waiting = 0;
    }
    idle_.notify_all();
    if (!pause(options_.poll, true)) return;
  }
}

void Shipper::open_source() {
  source_ = std::make_unique<ShipSource>(journal_);
  counted_at_ = {};
  if (marks_.empty())
    for (const ShipTable& table : ship_tables()) marks_[table.name] = source_->last_mark(table);
}

/// The lower mark counts: a repeat changes nothing, but a row that is left out is lost.
void Shipper::take_marks() {
  for (const ShipTable& table : ship_tables())
    marks_[table.name] =
        std::min(source_->mark(sink_->identity(), table), sink_->mark(source_->origin(), table));
  counted_at_ = {};
  count_waiting();
}

/// One batch of each table; false if there was nothing in any.
bool Shipper::ship_round() {
  bool any = false;
  for (const ShipTable& table : ship_tables()) any |= ship_batch(table);
  if (any) count_waiting();
  return any;
}

bool Shipper::ship_batch(const ShipTable& table) {
  const ShipBatch batch =
      source_->read(table, marks_[table.name], options_.batch_rows, options_.batch_bytes);
  if (batch.size() == 0) return false;
  working_on_ = table.name;
  const ShipResult result = sink_->ship(source_->origin(), table, batch);
  working_on_.clear();
  if (result.refused > 0)
    log::warning(kTopic,
                 "PostgreSQL " + target_.name() + ": " + std::to_string(result.refused) +
                     " rows of " + table.name +
                     " are refused for what they hold and stay in the journal only, until its "
                     "retention: " +
                     log::printable(result.refusal));
  marks_[table.name] = batch.seqs.back();
  save_mark(table, batch.seqs.back());
  if (stuck_on_.empty() || stuck_on_ == table.name) succeeded();
  std::lock_guard lock(mutex_);
  status_.rows_shipped += result.shipped;
  status_.rows_refused += result.refused;
  status_.rows_waiting -= std::min<uint64_t>(status_.rows_waiting, batch.size());
  return true;
}

/// The rows are there; a mark that cannot be written costs a repeat.
void Shipper::save_mark(const ShipTable& table, int64_t seq) {
  try {
    source_->set_mark(sink_->identity(), table, seq);
    mark_failed_ = false;
  } catch (const DatabaseError& error) {
    if (!mark_failed_)
      log::warning(kTopic, "journal '" + journal_ +
                               "': the mark of what was shipped cannot be written: " +
                               error.what() + "; free some space on its disk");
    mark_failed_ = true;
  }
}

void Shipper::count_waiting() {
  const Clock::time_point now = Clock::now();
  if (now - counted_at_ < kCountEvery) return;
  counted_at_ = now;
  uint64_t rows = 0;
  for (const ShipTable& table : ship_tables())
    if (rows < kCountedAtMost)
      rows += source_->count(table, marks_[table.name], kCountedAtMost - rows);
  std::lock_guard lock(mutex_);
  status_.rows_waiting = rows;
}

void Shipper::set_state(ShipperState state) {
  std::lock_guard lock(mutex_);
  if (status_.state != state) status_.since = now_ns();
  status_.state = state;
}

/// What failed before was committed, or nothing is left: only that counts as connected, so a
/// database that takes connections but no rows, or those of one table only, does not fill the log.
void Shipper::succeeded() {
  const ShipperStatus before = status();
  if (before.state == ShipperState::kConnected) return;
  set_state(ShipperState::kConnected);
  {
    std::lock_guard lock(mutex_);
    status_.attempts = 0;
    status_.last_error.clear();
  }
  logged_kind_.clear();
  stuck_on_.clear();
  log::notice(kTopic, "PostgreSQL " + target_.name() + ": connected; " +
                          std::to_string(before.rows_waiting) + " rows of the journal wait");
}

void Shipper::failed(const std::string& kind, const std::string& message) {
  if (!working_on_.empty()) stuck_on_ = working_on_;
  working_on_.clear();
  set_state(ShipperState::kWaiting);
  uint64_t attempts = 0;
  {
    std::lock_guard lock(mutex_);
    attempts = ++status_.attempts;
    status_.last_error = log::printable(message);
  }
  idle_.notify_all();
  const Clock::time_point now = Clock::now();
  if (attempts > 1 && kind == logged_kind_ && now - logged_at_ < kSayAgain) return;
  logged_kind_ = kind;
  logged_at_ = now;
  log::warning(kTopic, log::printable(message) + " (rows wait in the journal; it is tried again)");
}

/// False when it is time to stop.
bool Shipper::pause(std::chrono::milliseconds time, bool may_hurry) {
  std::unique_lock lock(mutex_);
  wake_.wait_for(lock, time, [&] { return stopping_ || (may_hurry && hurry_); });
  return !stopping_;
}

/// Doubles from first_retry to last_retry; half of it is left to chance, so that launchers that
/// lost the same server do not all return at once.
std::chrono::milliseconds Shipper::retry_delay() {
  const uint64_t attempts = std::max<uint64_t>(status().attempts, 1);
  const int64_t doubled = options_.first_retry.count() << std::min<uint64_t>(attempts - 1, 20);
  const int64_t whole = std::min<int64_t>(doubled, options_.last_retry.count());
  return std::chrono::milliseconds(
      std::uniform_int_distribution<int64_t>(whole / 2, std::max<int64_t>(whole, 1))(random_));
}

}  // namespace dragoman
