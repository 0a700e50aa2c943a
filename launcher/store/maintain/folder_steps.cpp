// SPDX-License-Identifier: LGPL-2.1-or-later
#include <filesystem>
#include <set>

#include "launcher/store/backup/prune.h"
#include "launcher/store/backup/verify.h"
#include "launcher/store/database.h"
#include "launcher/store/disk_room.h"
#include "launcher/store/iso_time.h"
#include "launcher/store/journal.h"
#include "launcher/store/maintain/steps.h"
#include "launcher/store/mend.h"
#include "launcher/store/removal.h"
#include "plugins/common/wav_file.h"

namespace dragoman::maintain {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kSecond = 1'000'000'000, kHour = 3600 * kSecond, kDay = 24 * kHour;
constexpr uint64_t kLargeLog = 1 << 20;
constexpr uint64_t kLogDays = 30;
/// Backups are made once a day, not to the minute.
constexpr uint64_t kBackupAge = kDay + 2 * kHour;
/// The retention goes through the journal every few minutes.
constexpr uint64_t kRetentionSlack = kHour;
/// A file so young may wait for its row.
constexpr auto kYoung = std::chrono::minutes(10);

std::string absolute(const fs::path& path) {
  std::error_code error;
  const fs::path whole = fs::absolute(path, error);
  return (error ? path : whole).lexically_normal().string();
}

/// "serve-20260301.log" of "serve.log"; with a number if that is taken.
fs::path rotated_name(const fs::path& log, const std::string& date) {
  for (int number = 0;; ++number) {
    const std::string suffix = number ? "-" + std::to_string(number) : "";
    const fs::path name = log.parent_path() / (log.stem().string() + "-" + date + suffix + ".log");
    std::error_code ignored;
    if (!fs::exists(name, ignored)) return name;
  }
}

/// Copied and emptied, since whoever writes it (appending) has it open and would go on in a renamed
/// one. Lines that come between the two are lost.
void rotate(const fs::path& log, const fs::path& copy) {
  std::error_code error;
  fs::copy_file(log, copy, error);
  if (!error) fs::resize_file(log, 0, error);
  if (!error) return;
  std::error_code ignored;
  fs::remove(copy, ignored);
  throw MaintainFailure(log.string() + " cannot be rotated: " + error.message() +
                        "; make room, or let this user write there");
}

/// A rotated one: NAME-YYYYMMDD[-N].log
bool is_rotated(const std::string& name) {
  const size_t dash = name.find("-20");
  return dash != std::string::npos && name.size() >= dash + 13 &&
         name.find_first_not_of("0123456789", dash + 1) == dash + 9;
}

bool is_older(const fs::path& path, uint64_t days) {
  std::error_code error;
  const auto time = fs::last_write_time(path, error);
  return !error && fs::file_time_type::clock::now() - time > std::chrono::hours(24 * days);
}

Database read_journal(const MaintainOptions& options) {
  return Database(journal_path(options.config.paths.data), DatabaseAccess::kReadOnly);
}

struct Buckets {
  std::string oldest;   ///< time of the oldest that may go; empty: there is none
  int64_t waiting = 0;  ///< that PostgreSQL has yet to get, and that are kept until then
};

Buckets look_at_buckets(const MaintainOptions& options) {
  Database database = read_journal(options);
  const RemovalLimit limit = options.config.store.ships() ? only_shipped() : RemovalLimit();
  Buckets buckets;
  for (const auto& [kind, table] : {std::pair(RowKind::kMetric, "metrics_agg_5s"),
                                    std::pair(RowKind::kSegment, "audio_segments_5s"),
                                    std::pair(RowKind::kKnobSnapshot, "knob_snapshots_5s")}) {
    const std::string limited = limit.condition(kind), may_go = limited.empty() ? "1" : limited;
    Statement oldest =
        database.prepare(std::string("SELECT min(bucket_ts) FROM ") + table + " WHERE " + may_go);
    if (const std::string time = oldest.step() ? oldest.text(0) : ""; !time.empty())
      buckets.oldest = buckets.oldest.empty() ? time : std::min(buckets.oldest, time);
    if (!limited.empty())
      buckets.waiting += database.number(std::string("SELECT count(*) FROM ") + table +
                                         " WHERE NOT (" + may_go + ")");
  }
  return buckets;
}

}  // namespace

std::string rotate_logs(const MaintainOptions& options) {
  std::string date = iso_time(options.now).substr(0, 10);
  std::erase(date, '-');
  size_t logs = 0, rotated = 0, removed = 0;
  for (const fs::path& folder :
       {fs::path(options.config.paths.data), fs::path(options.config.paths.data) / "logs"}) {
    std::error_code error;
    std::set<fs::path> files;
    for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
         entry.increment(error)) {
      if (entry->path().extension() == ".log" && entry->is_regular_file()) files.insert(*entry);
    }
    for (const fs::path& file : files) {
      ++logs;
      if (is_rotated(file.filename().string())) {
        if (is_older(file, kLogDays)) removed += fs::remove(file, error);
      } else if (fs::file_size(file, error) >= kLargeLog && !error) {
        rotate(file, rotated_name(file, date));
        ++rotated;
      }
    }
  }
  if (!logs) return "none here: 'dragoman serve' logs to the system's journal";
  return std::to_string(logs) + " files, " + std::to_string(rotated) + " rotated, " +
         std::to_string(removed) + " older than " + std::to_string(kLogDays) + " days removed";
}

std::string check_disk(const MaintainOptions& options) {
  const auto& bounds = options.config.monitoring;
  Database database = read_journal(options);
  DiskWatch watch(journal_path(options.config.paths.data), options.config.paths.audio,
                  {.most_bytes = static_cast<uint64_t>(bounds.max_disk_gb * 1e9),
                   .least_free_bytes = static_cast<uint64_t>(bounds.min_free_mb) << 20});
  const DiskRoom room = watch.look(database);
  if (room.is_short())
    throw MaintainFailure("too little room: " + room.text() +
                          "; make room on the disk, or let less be kept: [monitoring] "
                          "retention-hours, max-disk-gb");
  return room.text();
}

std::string check_retention(const MaintainOptions& options) {
  const uint64_t hours = static_cast<uint64_t>(options.config.monitoring.retention_hours);
  const Buckets buckets = look_at_buckets(options);
  const std::string waiting =
      buckets.waiting ? "; " + std::to_string(buckets.waiting) + " buckets wait for PostgreSQL"
                      : "";
  const auto oldest = parse_iso_time(buckets.oldest);
  if (!oldest) return "nothing is kept that may go" + waiting;
  const std::string since =
      "the oldest bucket is of " + iso_time(*oldest).substr(0, 19) + "Z" + waiting;
  if (hours == 0) return since + "; everything is kept";
  if (*oldest + hours * kHour + kRetentionSlack < options.now)
    throw MaintainFailure(since + ", but " + std::to_string(hours) +
                          " hours are kept; what is older goes while 'dragoman serve' runs: start "
                          "it, and look in its log for why it does not");
  return since + ", " + std::to_string(hours) + " hours are kept";
}

std::string count_orphans(const MaintainOptions& options) {
  const fs::path audio = absolute(options.config.paths.audio);
  Database database = read_journal(options);
  const auto [rows, without_file] = count_segments(database);
  uint64_t without_row = 0, unfinished = 0;
  std::error_code error;
  if (rows && !fs::is_directory(audio, error))
    throw MaintainFailure(audio.string() + " is not there, but " + std::to_string(rows) +
                          " segments are; mount its disk, or name the folder in [paths] audio");
  Statement find = database.prepare("SELECT 1 FROM audio_segments_5s WHERE file_path = ?");
  const auto young = fs::file_time_type::clock::now() - kYoung;
  for (fs::recursive_directory_iterator entry(audio, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string path = entry->path().string();
    std::error_code gone;
    if (const auto time = entry->last_write_time(gone); gone || time > young) continue;
    if (path.ends_with(kPartSuffix)) ++unfinished;
    if (!path.ends_with(".wav")) continue;
    find.bind(1, path);
    if (!find.step()) ++without_row;
    find.reset();
  }
  if (!(without_file || without_row || unfinished))
    return "none: " + std::to_string(rows) + " segments have their file";
  return std::to_string(without_file) + " rows without a file, " + std::to_string(without_row) +
         " files without a row, " + std::to_string(unfinished) +
         " files not finished: 'dragoman serve' mends them within an hour";
}

std::string check_backup(const MaintainOptions& options) {
  const std::string cure =
      "; make one now with 'dragoman backup " + options.backups +
      "' and let it be made daily: systemctl enable --now dragoman-backup.timer";
  std::error_code error;
  std::optional<int64_t> newest;
  fs::path file;
  for (fs::directory_iterator entry(options.backups, error), end; !error && entry != end;
       entry.increment(error)) {
    const auto time = backup_time(entry->path().filename().string());
    if (time && (!newest || *time > *newest)) newest = time, file = entry->path();
  }
  if (!newest)
    throw MaintainFailure("there is no backup in " + options.backups +
                          (error ? " (" + error.message() + ")" : "") + cure);
  const std::string made = iso_time(static_cast<uint64_t>(*newest) * kSecond).substr(0, 19) + "Z";
  if (static_cast<uint64_t>(*newest) * kSecond + kBackupAge < options.now)
    throw MaintainFailure("the newest backup, " + file.string() + ", is of " + made + cure);
  const Manifest manifest = verify_backup(file.string());
  return file.filename().string() + " can be read: " + std::to_string(manifest.count()) + " files";
}

}  // namespace dragoman::maintain
