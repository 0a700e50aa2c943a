// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/store/backup/backup.h"

#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>

#include "launcher/store/backup/archive.h"
#include "launcher/store/backup/contents.h"
#include "launcher/store/backup/postgres_dump.h"
#include "launcher/store/backup/prune.h"
#include "launcher/store/backup/sha256.h"
#include "launcher/store/backup/snapshot.h"
#include "launcher/store/backup/verify.h"
#include "launcher/store/backup/work_folder.h"
#include "launcher/store/file_owner.h"
#include "launcher/store/iso_time.h"
#include "launcher/store/journal.h"

namespace dragoman {
namespace {

constexpr char kFilePrefix[] = "dragoman-";

class OutputFile {
 public:
  explicit OutputFile(const std::string& path)
      : fd_(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)) {
    if (fd_ < 0) throw BackupError(path + ": " + g_strerror(errno));
  }
  ~OutputFile() { ::close(fd_); }
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;
  int fd() const { return fd_; }

 private:
  const int fd_;
};

class Backup {
 public:
  explicit Backup(const BackupOptions& options)
      : options_(options),
        name_(backup_name(options.now_s)),
        work_(options.directory, name_),
        archive_(work_.path() + "/archive") {}

  void run() {
    Contents contents = collect_contents(options_.config, options_.config_file);
    manifest_.named = std::move(contents.named);
    manifest_.header = {
        .format = kBackupFormat,
        .program = DRAGOMAN_VERSION,
        .schema = snapshot_journal(journal_path(options_.config.paths.data), snapshot()),
        .created = iso_time(static_cast<uint64_t>(options_.now_s) * 1'000'000'000),
        .host = g_get_host_name()};
    if (!options_.audio) note("the WAV segments are not in it (--audio puts them in)");
    note("secrets are not in it: keep the environment of the launcher yourself");
    dump_database(contents.files);
    write(contents.files);
    read_back();
    publish();
  }

  bool incomplete() const { return incomplete_; }
  const Manifest& manifest() const { return manifest_; }
  std::string path() const { return options_.directory + "/" + name_; }

 private:
  std::string snapshot() const { return work_.path() + "/dragoman.db"; }
  void note(std::string text) { manifest_.notes.push_back(std::move(text)); }

  /// A server that is down must not keep the rest from being saved.
  void dump_database(std::vector<SourceFile>& files) {
    const Config::Store& store = options_.config.store;
    if (!store.ships()) return;
    if (!has_postgres_programs())
      return note("PostgreSQL is not in it: install postgresql-client, which has pg_dump");
    const std::string file = work_.path() + "/monitoring_v2.dump";
    try {
      dump_postgres(PgTarget(store.postgresql, store.database), file);
      files.push_back({kPostgresEntry, file});
    } catch (const BackupError& error) {
      incomplete_ = true;
      note(std::string("PostgreSQL is not in it: ") + error.what());
    } catch (const std::invalid_argument& error) {
      incomplete_ = true;
      note(std::string("PostgreSQL is not in it: [store] postgresql: ") + error.what());
    }
  }

  void write(const std::vector<SourceFile>& files) {
    const OutputFile file(archive_);
    try {
      ArchiveWriter writer(file.fd());
      manifest_.files.push_back(writer.add_text(kHeaderEntry, header_json(manifest_.header)));
      add(writer, {kJournalEntry, snapshot()});
      for (const SourceFile& source : files) add(writer, source);
      if (options_.audio) add_audio(writer);
      const std::string manifest = manifest_json(manifest_);
      writer.add_text(kManifestEntry, manifest);
      writer.add_text(kManifestSumEntry, sha256_of(manifest));
      writer.close();
      sync_path(archive_);
    } catch (const ArchiveError& error) {
      throw BackupError(path() + ": " + error.what() + "; see that the disk has room");
    }
  }

  void add(ArchiveWriter& writer, const SourceFile& source) {
    const std::optional<BackupFile> added = writer.add_file(source.entry, source.path);
    if (!added) throw BackupError(source.path + ": it is gone");
    manifest_.files.push_back(*added);
  }

  /// After the snapshot, so that every row in it has its file; the retention may take some away.
  void add_audio(ArchiveWriter& writer) {
    manifest_.audio = true;
    SegmentSum segments;
    for_each_segment(options_.config.paths.audio, [&](const SourceFile& source) {
      if (const auto added = writer.add_file(source.entry, source.path)) segments.add(*added);
    });
    manifest_.segments = segments.result();
  }

  /// What is in the archive is what was put in; the snapshot itself was checked when it was made.
  void read_back() const {
    if (manifest_json(verify_backup(archive_)) != manifest_json(manifest_))
      throw BackupError(path() +
                        ": what is read is not what was written; see 'dmesg' for the disk");
  }

  void publish() const {
    give_to_owner_of(options_.directory, archive_);  // where that can be: it is whole without
    if (!rename_to_new(archive_, path()))
      throw BackupError(path() + ": " + g_strerror(errno) + "; try again in a second");
    sync_path(options_.directory);
  }

  const BackupOptions& options_;
  const std::string name_;
  const WorkFolder work_;
  const std::string archive_;
  Manifest manifest_;
  bool incomplete_ = false;
};

void make_directory(const std::string& directory) {
  if (g_mkdir_with_parents(directory.c_str(), 0700) != 0)
    throw BackupError(directory + ": " + g_strerror(errno) +
                      "; name a folder that this user can write");
}

}  // namespace

BackupResult back_up(const BackupOptions& options) {
  const auto begin = std::chrono::steady_clock::now();
  make_directory(options.directory);
  BackupResult result;
  result.cleaned = remove_left_work_folders(options.directory, kFilePrefix);
  {
    Backup backup(options);
    backup.run();
    result.path = backup.path();
    result.notes = backup.manifest().notes;
    result.incomplete = backup.incomplete();
    result.files = backup.manifest().count();
    result.bytes = backup.manifest().segments.bytes;
    for (const BackupFile& file : backup.manifest().files) result.bytes += file.size;
  }
  struct stat info {};
  if (::stat(result.path.c_str(), &info) == 0)
    result.archive_bytes = static_cast<uint64_t>(info.st_size);
  result.pruned = prune_backups(options.directory, options.keep_days, options.now_s);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  result.seconds = took.count();
  return result;
}

}  // namespace dragoman
