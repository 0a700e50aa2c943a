// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/store/journal.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <thread>

#include "launcher/store/backup/recover.h"
#include "launcher/store/database.h"
#include "launcher/store/migrations.h"
#include "launcher/store/row_queue.h"
#include "launcher/store/row_writer.h"

namespace dragoman {
namespace {

constexpr size_t kRowsPerTransaction = 16384;
constexpr std::chrono::seconds kComplainEvery{60};

/// What a user can do about SQLite's `code` for the journal at `path`.
std::string cure(int code, const std::string& path) {
  if (code == SQLITE_IOERR_SHMSIZE) code = SQLITE_FULL;
  switch (code & 0xff) {
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
      return "the file is damaged; 'dragoman recover' keeps it aside and saves what is left of it";
    case SQLITE_FULL:
      return "the disk is full; free some space";
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return "another program holds it locked; end that program (fuser '" + path + "' names it)";
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_AUTH:
      return "make the file and its folder writable for user " + std::string(g_get_user_name());
    case SQLITE_IOERR:
      return "the disk refuses to read or write; see 'df' and 'dmesg'";
    default:
      return "see the message, or name another data folder";
  }
}

std::string trouble(const std::string& path, const DatabaseError& error) {
  return "journal '" + path + "': " + error.what() + ": " + cure(error.code(), path);
}

/// Trouble that passes without anything being done to the file or to its folder.
bool may_pass(const DatabaseError& error) {
  switch (error.primary_code()) {
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return true;
    default:
      return false;
  }
}

[[noreturn]] void refuse(const std::string& what) {
  throw DatabaseError(errno == ENOSPC || errno == EDQUOT ? SQLITE_FULL : SQLITE_CANTOPEN,
                      what + std::strerror(errno));
}

/// Makes the folder and the file, if there is none (conversations are private: owner and group
/// only). SQLite gives its -wal and -shm files the same mode.
///
/// A file that is there must never be opened and closed beside SQLite: to close it cancels every
/// lock that this process has on it, and whoever uses the journal next takes himself for the only
/// one, and deletes the write-ahead log that we go on to write.
void make_file(const std::string& path) {
  g_autofree char* folder = g_path_get_dirname(path.c_str());
  if (g_mkdir_with_parents(folder, 0750) != 0) refuse("cannot make its folder: ");
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
  if (file >= 0) {
    ::close(file);
  } else if (errno != EEXIST) {
    refuse("cannot make the file: ");
  }
}

/// A disk with room for bytes, but for no more files, is full, too: of a log that it could not make
/// SQLite says only that it cannot open it.
void refuse_if_no_file_can_be_made(const std::string& path) {
  g_autofree char* folder = g_path_get_dirname(path.c_str());
  const int file = ::open(folder, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
  if (file >= 0) {
    ::close(file);
  } else if (errno == ENOSPC || errno == EDQUOT) {
    refuse("no file can be made beside it (see 'df -i'): ");
  }
}

/// An open journal file with its schema up to date, and which file it was.
class OpenFile {
 public:
  explicit OpenFile(const std::string& path) : path_(path), database_(open(path)) {
    writer_ = std::make_unique<RowWriter>(database_);
    ::stat(path.c_str(), &identity_);
  }
  RowWriter& writer() { return *writer_; }
  /// False if the path names another file now, or none.
  bool is_current() const {
    struct stat now {};
    return ::stat(path_.c_str(), &now) == 0 && now.st_ino == identity_.st_ino &&
           now.st_dev == identity_.st_dev;
  }

 private:
  static Database open(const std::string& path) {
    make_file(path);
    try {
      return open_database(path);
    } catch (const DatabaseError& error) {
      if (error.primary_code() == SQLITE_CANTOPEN) refuse_if_no_file_can_be_made(path);
      throw;
    }
  }

  static Database open_database(const std::string& path) {
    Database database(path, DatabaseAccess::kReadWrite);
    // Incremental: what the retention removes can go back to the disk, page by page; it has to be
    // said before the first table. FULL syncs the write-ahead log at every commit: a power cut
    // takes nothing that flush() told was written.
    database.run(
        "PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; "
        "PRAGMA journal_size_limit = 67108864;");
    // A transaction of a hundred calls fits into the cache; the pages that each writes again are
    // checkpointed once in some transactions.
    database.run("PRAGMA cache_size = -8192; PRAGMA wal_autocheckpoint = 4000");
    try {
      migrate(database, known_migrations());
    } catch (const SchemaTooNew& error) {
      throw std::runtime_error("journal '" + path + "': " + error.what());
    }
    return database;
  }

  const std::string path_;
  Database database_;
  std::unique_ptr<RowWriter> writer_;
  struct stat identity_ {};
};

std::unique_ptr<OpenFile> open_file(const std::string& path) {
  try {
    return std::make_unique<OpenFile>(path);
  } catch (const DatabaseError& error) {
    throw std::runtime_error(trouble(path, error));
  }
}

class SqliteJournal final : public Journal {
 public:
  SqliteJournal(std::string path, const JournalOptions& options)
      : path_(std::move(path)), options_(options), queue_(options.queue_limit) {
    open_at_start();
    thread_ = std::thread([this] { run(); });
  }

  ~SqliteJournal() override {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_one();
    thread_.join();
    if (const size_t lost = queue_.size()) {
      g_warning("journal '%s': %zu rows could not be written and are lost", path_.c_str(), lost);
    }
  }

  void append(TraceRow row) override { push(std::move(row)); }
  void append(MetricRow row) override { push(std::move(row)); }
  void append(SegmentRow row) override { push(std::move(row)); }
  void append(UtteranceRow row) override { push(std::move(row)); }
  void append(KnobEventRow row) override { push(std::move(row)); }
  void append(KnobSnapshotRow row) override { push(std::move(row)); }

  void flush() override {
    std::unique_lock lock(mutex_);
    const uint64_t mine = ++flushes_asked_;
    wake_.notify_one();
    flushed_.wait(lock, [this, mine] { return flushes_done_ >= mine; });
  }

  uint64_t waiting() const override {
    std::lock_guard lock(mutex_);
    return queue_.size() + writing_;
  }

  uint64_t dropped() const override {
    std::lock_guard lock(mutex_);
    return queue_.dropped().total() + refused_;
  }

  JournalHealth health() const override {
    std::lock_guard lock(mutex_);
    return {.waiting = queue_.size() + writing_,
            .dropped = queue_.dropped(),
            .refused = refused_,
            .last_error = last_error_};
  }

 private:
  using Clock = std::chrono::steady_clock;

  template <typename Row>
  void push(Row row) {
    bool first = false;
    {
      std::lock_guard lock(mutex_);
      first = queue_.size() == 0;
      queue_.push(std::move(row));
    }
    // With more than one it is awake, or waits for the time to write.
    if (first) wake_.notify_one();
  }

  void open_at_start() {
    try {
      file_ = std::make_unique<OpenFile>(path_);
    } catch (const DatabaseError& error) {
      file_ = replace_damaged(error);
      if (file_) return;
      if (!may_pass(error)) throw std::runtime_error(trouble(path_, error));
      complain(trouble(path_, error));  // the first write tries again
    }
  }

  /// Puts the file aside and makes a new one, if `error` says that it is damaged and the owner
  /// wants that; else nothing.
  std::unique_ptr<OpenFile> replace_damaged(const DatabaseError& error) {
    if (!options_.damaged || !is_damage(error)) return nullptr;
    const std::string aside = set_aside(path_);
    g_warning("journal '%s' is damaged (%s); it is kept as '%s', a new one is made", path_.c_str(),
              error.what(), aside.c_str());
    std::unique_ptr<OpenFile> file = open_file(path_);
    options_.damaged(aside);
    return file;
  }

  // The journal's thread.

  void run() {
    pthread_setname_np(pthread_self(), "journal");
    std::unique_lock lock(mutex_);
    Clock::time_point due = Clock::now();
    for (;;) {
      wake_.wait(lock, [this] { return must_write() || queue_.size() > 0 || !file_; });
      wake_.wait_until(lock, due, [this] { return must_write(); });
      const uint64_t flush = flushes_asked_;
      const bool last = stopping_;
      write_queue(lock);
      due = Clock::now() + options_.interval;
      flushes_done_ = flush;
      flushed_.notify_all();
      if (last) return;
    }
  }

  bool must_write() const { return stopping_ || flushes_asked_ > flushes_done_; }

  /// Writes what is queued, until that fails; opens the file if it is not. Called with the lock
  /// held; released while writing.
  void write_queue(std::unique_lock<std::mutex>& lock) {
    for (bool ok = true; ok && (queue_.size() > 0 || !file_);) {
      Rows rows = queue_.take(kRowsPerTransaction);
      writing_ = rows.size();
      lock.unlock();
      const std::optional<size_t> refused = write(rows);
      lock.lock();
      writing_ = 0;
      ok = refused.has_value();
      if (ok) {
        refused_ += *refused;
      } else {
        queue_.put_back(std::move(rows));
      }
    }
  }

  /// How many rows were refused for good; nothing if the disk failed and all are to be tried again.
  std::optional<size_t> write(const Rows& rows) {
    try {
      if (file_ && !file_->is_current()) {
        g_warning("journal '%s': the file was moved or deleted; a new one is made", path_.c_str());
        file_.reset();
      }
      if (!file_) file_ = std::make_unique<OpenFile>(path_);
      const size_t refused = file_->writer().write(rows);
      if (failing_) recover();
      return refused;
    } catch (const DatabaseError& error) {
      file_.reset();
      if (!replaced(error)) complain(trouble(path_, error));
    } catch (const std::exception& error) {
      complain(error.what());
    }
    // A connection that failed may hold on to a file that is gone: the next attempt opens it anew.
    file_.reset();
    return {};
  }

  bool replaced(const DatabaseError& error) {
    try {
      return replace_damaged(error) != nullptr;  // the next attempt opens it
    } catch (const std::exception& failure) {
      complain(failure.what());
      return true;
    }
  }

  /// Says what is wrong and what it has cost, but not every second.
  void complain(const std::string& message) {
    RowCounts lost;
    {
      std::lock_guard lock(mutex_);
      last_error_ = message;
      if (!failing_) dropped_before_ = queue_.dropped();
      lost = queue_.dropped() - dropped_before_;
    }
    const Clock::time_point now = Clock::now();
    if (!failing_ || now - complained_ >= kComplainEvery) {
      g_warning("%s (rows wait in memory and are tried again; lost until now: %s)", message.c_str(),
                lost.text().c_str());
      complained_ = now;
    }
    failing_ = true;
  }

  void recover() {
    RowCounts lost;
    {
      std::lock_guard lock(mutex_);
      last_error_.clear();
      lost = queue_.dropped() - dropped_before_;
    }
    g_message("journal '%s': rows are written again; lost meanwhile: %s", path_.c_str(),
              lost.text().c_str());
    failing_ = false;
  }

  const std::string path_;
  const JournalOptions options_;

  // Only the constructor and the journal's thread.
  std::unique_ptr<OpenFile> file_;
  bool failing_ = false;
  Clock::time_point complained_;
  RowCounts dropped_before_;  // the trouble that is under way

  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable wake_, flushed_;
  RowQueue queue_;
  size_t writing_ = 0;
  uint64_t refused_ = 0, flushes_asked_ = 0, flushes_done_ = 0;
  std::string last_error_;
  bool stopping_ = false;

  std::thread thread_;  // it uses everything above
};

}  // namespace

std::unique_ptr<Journal> Journal::open(const std::string& path, const JournalOptions& options) {
  return std::make_unique<SqliteJournal>(path, options);
}

}  // namespace dragoman
