// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/store/backup/recover.h"

#include <glib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <stdexcept>

#include "launcher/util/log.h"

namespace dragoman {
namespace {

namespace fs = std::filesystem;

constexpr char kDamaged[] = ".damaged-", kSalvaged[] = ".salvaged", kLog[] = "-wal";
constexpr int kLowestPriority = 19;

uint64_t size_of(const std::string& path) {
  std::error_code error;
  const uintmax_t size = fs::file_size(path, error);
  return error ? 0 : size;
}

bool exists(const std::string& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

void rename_or_throw(const std::string& from, const std::string& to) {
  std::error_code error;
  fs::rename(from, to, error);
  if (error)
    throw std::runtime_error("damaged journal: cannot rename " + from + " to " + to + ": " +
                             error.message() + "; move it away yourself");
}

}  // namespace

bool is_damage(const DatabaseError& error) {
  return error.primary_code() == SQLITE_CORRUPT || error.primary_code() == SQLITE_NOTADB;
}

std::optional<std::string> find_damage(const std::string& path, uint64_t most_bytes) {
  if (!exists(path)) return {};
  const uint64_t size = size_of(path);
  if (size == 0)
    return size_of(path + kLog) > 0
               ? std::optional<std::string>("the file is empty, its write-ahead log is not")
               : std::nullopt;
  try {
    Database database(path, DatabaseAccess::kReadOnly);
    database.number("SELECT count(*) FROM sqlite_schema");
    if (size > most_bytes) return {};
    Statement check = database.prepare("PRAGMA quick_check(1)");
    const std::string found = check.step() ? check.text(0) : "ok";
    return found == "ok" ? std::nullopt : std::optional(found);
  } catch (const DatabaseError& error) {
    if (!is_damage(error)) throw;
    return error.what();
  }
}

std::string set_aside(const std::string& path) {
  g_autoptr(GDateTime) now = g_date_time_new_now_utc();
  g_autofree char* stamp = g_date_time_format(now, "%Y%m%dT%H%M%SZ");
  std::string aside = path + kDamaged + stamp;
  for (int number = 2; exists(aside); ++number)
    aside = path + kDamaged + stamp + "-" + std::to_string(number);
  // The log first: beside a new file SQLite would take it for that one's, and delete it.
  if (exists(path + kLog)) rename_or_throw(path + kLog, aside + kLog);
  std::error_code ignored;
  fs::remove(path + "-shm", ignored);
  rename_or_throw(path, aside);
  return aside;
}

std::vector<std::string> damaged_journals(const std::string& path) {
  std::vector<std::string> found;
  std::error_code error;
  const fs::path journal(path);
  for (fs::directory_iterator at(journal.parent_path(), error), end; !error && at != end;
       at.increment(error)) {
    const std::string name = at->path().filename().string();
    if (name.starts_with(journal.filename().string() + kDamaged) && !name.ends_with(kSalvaged) &&
        !name.ends_with(kLog) && !exists(at->path().string() + kSalvaged))
      found.push_back(at->path().string());
  }
  std::sort(found.begin(), found.end());
  return found;
}

JournalSalvage salvage_into(const std::string& damaged, const std::string& path,
                            const std::atomic<bool>& stop) {
  const JournalSalvage result = salvage(damaged, path, stop);
  if (result.stopped) return result;
  g_autoptr(GError) error = nullptr;
  const std::string text = result.text() + "\n";
  if (!g_file_set_contents_full((damaged + kSalvaged).c_str(), text.data(),
                                static_cast<gssize>(text.size()), G_FILE_SET_CONTENTS_DURABLE, 0640,
                                &error))
    throw std::runtime_error(error->message);
  return result;
}

Salvager::Salvager(std::string journal, std::function<void()> done)
    : journal_(std::move(journal)), done_(std::move(done)), thread_([this] { run(); }) {}

Salvager::~Salvager() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void Salvager::look() {
  {
    std::lock_guard lock(mutex_);
    asked_ = true;
  }
  wake_.notify_one();
}

SalvageHealth Salvager::health() const {
  std::lock_guard lock(mutex_);
  return health_;
}

void Salvager::note(const std::function<void(SalvageHealth&)>& change) {
  std::lock_guard lock(mutex_);
  change(health_);
}

void Salvager::run() {
  pthread_setname_np(pthread_self(), "salvager");
  ::setpriority(PRIO_PROCESS, static_cast<id_t>(::syscall(SYS_gettid)), kLowestPriority);
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stop_ || asked_; });
    if (stop_) return;
    asked_ = false;
    lock.unlock();
    carry_out();
    lock.lock();
  }
}

void Salvager::carry_out() {
  for (const std::string& damaged : damaged_journals(journal_)) {
    note([&](SalvageHealth& health) { health.working_on = damaged; });
    std::string failure;
    try {
      const JournalSalvage result = salvage_into(damaged, journal_, stop_);
      if (result.stopped) return;
      log::warning("store", "of the damaged journal " + damaged + ": " + result.text());
      note([&](SalvageHealth& health) {
        ++health.files;
        health.saved_rows += result.total();
        health.lost_rows += result.lost_rows + result.unreadable_rows;
        health.last = damaged + ": " + result.text();
      });
      if (done_) done_();
    } catch (const std::exception& error) {
      failure = "damaged journal " + damaged + ": " + error.what() +
                "; it is tried again at the next start";
      log::warning("store", failure);
    }
    note([&](SalvageHealth& health) {
      health.working_on.clear();
      health.last_error = failure;
    });
  }
}

}  // namespace dragoman
