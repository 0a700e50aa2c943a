// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/store/backup/restore.h"

#include <fcntl.h>
#include <glib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>

#include "launcher/store/backup/contents.h"
#include "launcher/store/backup/postgres_dump.h"
#include "launcher/store/backup/sha256.h"
#include "launcher/store/backup/swap.h"
#include "launcher/store/backup/verify.h"
#include "launcher/store/backup/work_folder.h"
#include "launcher/store/data_folder_lock.h"
#include "launcher/store/file_owner.h"
#include "launcher/store/journal.h"
#include "launcher/store/migrations.h"

namespace dragoman {
namespace {

namespace fs = std::filesystem;

constexpr char kWorkPrefix[] = "dragoman-restore-";

std::string time_text(int64_t time_s) {
  g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(time_s);
  g_autofree char* text = g_date_time_format(time, "%Y%m%dT%H%M%SZ");
  return text;
}

std::string clean(const std::string& path) {
  // A link stays one: what it leads to is replaced.
  std::error_code error;
  std::string text = fs::weakly_canonical(path, error).string();
  if (error) text = fs::absolute(path).lexically_normal().string();
  while (text.size() > 1 && text.ends_with('/')) text.pop_back();
  return text;
}

std::string folder_of(const std::string& path) {
  g_autofree char* folder = g_path_get_dirname(path.c_str());
  return folder;
}

/// The part of `path` below `folder`; empty if it is not below it.
std::string below(const std::string& path, const std::string& folder) {
  return path.starts_with(folder + "/") ? path.substr(folder.size() + 1) : "";
}

std::string after(const std::string& entry, const char* prefix) {
  const std::string start = prefix;
  return entry.starts_with(start) ? entry.substr(start.size()) : "";
}

bool is_same(const std::string& path, const BackupFile& file) {
  std::error_code error;
  if (!fs::is_regular_file(path, error) || fs::file_size(path, error) != file.size) return false;
  g_autofree char* text = nullptr;
  gsize size = 0;
  return g_file_get_contents(path.c_str(), &text, &size, nullptr) &&
         sha256_of({text, size}) == file.sha256;
}

void check_schema(const BackupHeader& header, const std::string& path) {
  const int known = known_migrations().back().version;
  if (header.schema > known)
    throw BackupError("backup " + path + ": its journal has schema " +
                      std::to_string(header.schema) + ", this program knows up to " +
                      std::to_string(known) + "; restore it with dragoman " + header.program +
                      " or later");
}

/// What helps if SQLite refuses a journal that was unpacked below `folder`.
std::string cure(const DatabaseError& error, const std::string& folder) {
  if (error.primary_code() == SQLITE_FULL || error.code() == SQLITE_IOERR_SHMSIZE)
    return "; make room on the disk of " + folder + " and restore again";
  if (error.primary_code() == SQLITE_IOERR || error.primary_code() == SQLITE_CANTOPEN)
    return "; the disk of " + folder + " refuses it, see 'df -i' and 'dmesg'";
  return "; use another backup";
}

/// Such a folder cannot be renamed, so that what is in it is not replaced as a whole.
void refuse_mount_point(const std::string& folder) {
  struct statx info {};
  if (::statx(AT_FDCWD, folder.c_str(), AT_SYMLINK_NOFOLLOW, 0, &info) != 0 ||
      !(info.stx_attributes & STATX_ATTR_MOUNT_ROOT))
    return;
  throw BackupError(folder +
                    " is a mount point, and a restore replaces the folder as a whole; unmount it, "
                    "restore, move what is restored onto its disk and mount that again");
}

/// Where a file or folder of the backup goes, and where it is unpacked until then.
struct Item {
  std::string staged, target;
  bool is_folder = false;
};

class Restore {
 public:
  explicit Restore(const RestoreOptions& options)
      : options_(options), stamp_(time_text(options.now_s)) {
    result_.manifest = verify_backup(options_.file);
    check_schema(result_.manifest.header, options_.file);
    for (const BackupFile& file : result_.manifest.files) files_[file.name] = &file;
    read_config();
    result_.data = clean(config_.paths.data);
    audio_ = clean(config_.paths.audio);
  }

  RestoreResult run() {
    result_.undone = undo_interrupted_swap(swap_plan_of(result_.data));
    check_data_folder();
    std::unique_ptr<DataFolderLock> lock;
    if (fs::exists(result_.data)) lock = std::make_unique<DataFolderLock>(result_.data);
    choose_database();
    choose_targets();
    if (options_.dry_run) {
      tell(steps());
      return std::move(result_);
    }
    unpack();
    finish_journal();
    const DataFolderLock next(staged_data());  // nobody starts in it before all is done
    steps();
    give_to_owners();
    sync();
    Swap swap(swap_plan_of(result_.data), steps_);
    swap.run();
    if (database_) restore_postgres(*database_, staged_dump());
    swap.commit();
    tell(steps_);
    return std::move(result_);
  }

 private:
  /// The configuration that says where everything goes.
  void read_config() {
    std::vector<Config::Override> overrides;
    if (!options_.data.empty()) overrides.push_back({"paths", "data", options_.data, "--data"});
    if (!files_.contains(kConfigEntry)) {
      config_ = Config::load(Config::file_in_use(options_.config_file), overrides);
      return;
    }
    config_target_ =
        clean(options_.config_file.empty() ? Config::kSystemFile : options_.config_file);
    g_autoptr(GError) error = nullptr;
    g_autofree char* made = g_dir_make_tmp("dragoman-config-XXXXXX", &error);
    if (!made) throw BackupError(error->message);
    const std::string folder = made, copy = folder + "/dragoman.conf";
    unpack_backup(options_.file, result_.manifest,
                  [&copy](const std::string& name) { return name == kConfigEntry ? copy : ""; });
    g_autofree char* text = nullptr;
    const bool read = g_file_get_contents(copy.c_str(), &text, nullptr, &error);
    std::error_code ignored;
    fs::remove_all(folder, ignored);
    if (!read) throw BackupError(error->message);
    config_ = Config::parse(text, options_.file + ": " + kConfigEntry, overrides);
  }

  /// A configuration that names / or /home as its data folder must not have it moved away.
  void check_data_folder() const {
    refuse_mount_point(result_.data);
    if (result_.manifest.audio || is_audio_in_data()) refuse_mount_point(audio_);
    std::error_code error;
    if (!fs::exists(fs::symlink_status(result_.data, error))) return;
    const bool ours =
        fs::is_directory(result_.data, error) &&
        (fs::is_empty(result_.data, error) || fs::exists(journal_path(result_.data), error) ||
         fs::exists(result_.data + "/launcher.lock", error));
    if (!ours || error)
      throw BackupError(result_.data +
                        ": exists and is no data folder of dragoman; name it with "
                        "--data, or move it away");
  }

  /// The target of an entry that is a file of its own; empty for journal and audio.
  std::string target_of(const std::string& entry) const {
    if (entry == kConfigEntry) return config_target_;
    if (const std::string name = after(entry, "pipelines/"); !name.empty())
      return clean(pipelines_in_use(config_) + "/" + name);
    if (const std::string name = after(entry, "stations/"); !name.empty())
      return clean(stations_in_use() + "/" + name);
    const auto key = result_.manifest.named.find(entry);
    if (key == result_.manifest.named.end()) return {};
    for (const NamedFile& file : named_files(config_))
      if (file.key == key->second) return clean(file.path);
    return {};
  }

  void choose_database() {
    if (!options_.postgresql) return;
    if (!files_.contains(kPostgresEntry))
      throw BackupError("backup " + options_.file +
                        ": PostgreSQL is not in it; leave --postgresql out");
    if (options_.postgresql_conninfo.empty() && !config_.store.ships())
      throw BackupError("the configuration names no PostgreSQL; name one with --postgresql=…");
    try {
      database_ = options_.postgresql_conninfo.empty()
                      ? PgTarget(config_.store.postgresql, config_.store.database)
                      : PgTarget(options_.postgresql_conninfo, "");
    } catch (const std::invalid_argument& error) {
      throw BackupError(error.what());
    }
    const int tables = count_postgres_tables(*database_);
    if (tables > 0 && !options_.replace_postgresql)
      throw BackupError("PostgreSQL " + database_->name() + " has " + std::to_string(tables) +
                        " tables and views; --replace-postgresql replaces those that the backup "
                        "has, for good, or name an empty database with --postgresql=…");
    result_.postgresql = true;
  }

  std::string staged_dump() const { return works_.begin()->second->path() + "/monitoring_v2.dump"; }

  void choose_targets() {
    add_item(result_.data, true);
    if (result_.manifest.audio && !is_audio_in_data()) add_item(audio_, true);
    for (const BackupFile& file : result_.manifest.files) {
      const std::string target = target_of(file.name);
      if (target.empty() || !targets_.insert(target).second) continue;
      if (!below(target, result_.data).empty()) {
        entries_[file.name] = staged_data() + "/" + below(target, result_.data);
      } else if (is_same(target, file)) {
        ++result_.unchanged;
      } else {
        entries_[file.name] = add_item(target, false);
      }
    }
  }

  bool is_audio_in_data() const { return !below(audio_, result_.data).empty(); }
  const std::string& staged_data() const { return items_.front().staged; }
  std::string staged_audio() const {
    return is_audio_in_data() ? staged_data() + "/" + below(audio_, result_.data)
                              : items_[1].staged;
  }

  /// Returns where it is to be unpacked: in a work folder beside the target, on its file system.
  std::string add_item(const std::string& target, bool is_folder) {
    g_autofree char* parent = g_path_get_dirname(target.c_str());
    std::string staged;
    if (!options_.dry_run) {
      if (g_mkdir_with_parents(parent, 0750) != 0)
        throw BackupError(std::string(parent) + ": " + g_strerror(errno) +
                          "; let this user write there, or name other folders with --data and "
                          "--config");
      auto& work = works_[parent];
      if (!work) {
        remove_left_work_folders(parent, kWorkPrefix);
        work = std::make_unique<WorkFolder>(parent, kWorkPrefix + stamp_);
      }
      staged = work->path() + "/" + std::to_string(items_.size());
      if (is_folder && g_mkdir_with_parents(staged.c_str(), 0750) != 0)
        throw BackupError(staged + ": " + g_strerror(errno));
    }
    items_.push_back({staged, target, is_folder});
    return staged;
  }

  void unpack() {
    unpack_backup(options_.file, result_.manifest, [this](const std::string& name) -> std::string {
      if (name == kJournalEntry) return journal_path(staged_data());
      if (const std::string wav = after(name, "audio/"); !wav.empty())
        return staged_audio() + "/" + wav;
      if (name == kPostgresEntry) return database_ ? staged_dump() : "";
      const auto entry = entries_.find(name);
      return entry == entries_.end() ? "" : entry->second;
    });
  }

  void sync() const {
    for (const auto& [parent, work] : works_) {
      const int folder = ::open(work->path().c_str(), O_RDONLY | O_CLOEXEC);
      const bool synced = folder >= 0 && ::syncfs(folder) == 0;
      if (folder >= 0) ::close(folder);
      if (!synced) throw BackupError(work->path() + ": " + g_strerror(errno));
    }
  }

  void finish_journal() {
    try {
      Database database(journal_path(staged_data()), DatabaseAccess::kReadWrite);
      Statement check = database.prepare("PRAGMA quick_check(1)");
      const std::string found = check.step() ? check.text(0) : "no answer";
      if (found != "ok") throw DatabaseError(SQLITE_CORRUPT, found);
      check.reset();
      const int known = known_migrations().back().version;
      if (database.number("SELECT max(version) FROM schema_migrations") == known) return;
      database.run("PRAGMA synchronous = FULL");
      migrate(database, known_migrations());
      result_.migrated_to = known;
    } catch (const DatabaseError& error) {
      throw BackupError("backup " + options_.file + ": its journal cannot be used: " +
                        error.what() + cure(error, folder_of(result_.data)));
    }
  }

  std::vector<SwapStep> steps() {
    steps_.clear();
    const std::string suffix = ".before-restore-" + stamp_;
    for (const Item& item : items_) {
      std::error_code ignored;
      if (fs::exists(fs::symlink_status(item.target + suffix, ignored)))
        throw BackupError(item.target + suffix + " is there already; try again in a second");
      steps_.push_back({item.staged, item.target, item.target + suffix});
    }
    const std::string kept = below(audio_, result_.data);
    result_.audio_stays = !result_.manifest.audio && !kept.empty() && fs::exists(audio_);
    if (result_.audio_stays) {
      if (!options_.dry_run) make_parent_of(staged_data() + "/" + kept);
      steps_.push_back({result_.data + suffix + "/" + kept, audio_, ""});
    }
    return steps_;
  }

  /// What is brought back belongs to whom that belonged which it replaces.
  void give_to_owners() const {
    for (const Item& item : items_) {
      struct stat info {};
      const bool replaces = item.is_folder && ::stat(item.target.c_str(), &info) == 0;
      if (!give_to_owner_of(item.target, item.staged) ||
          (replaces && ::chmod(item.staged.c_str(), info.st_mode & 07777) != 0))
        throw BackupError(item.staged + ": cannot be given to the owner of " + item.target + ": " +
                          g_strerror(errno));
    }
  }

  static void make_parent_of(const std::string& path) {
    g_autofree char* parent = g_path_get_dirname(path.c_str());
    if (g_mkdir_with_parents(parent, 0750) != 0)
      throw BackupError(std::string(parent) + ": " + g_strerror(errno));
  }

  void tell(const std::vector<SwapStep>& steps) {
    for (const SwapStep& step : steps) {
      if (step.aside.empty()) continue;
      result_.written.push_back(step.to);
      const std::string& old = options_.dry_run ? step.to : step.aside;
      std::error_code ignored;
      if (fs::exists(fs::symlink_status(old, ignored)))
        result_.aside.emplace_back(step.to, step.aside);
    }
  }

  const RestoreOptions& options_;
  const std::string stamp_;
  Config config_;
  std::string config_target_, audio_;
  std::set<std::string> targets_;
  std::optional<PgTarget> database_;
  std::map<std::string, const BackupFile*> files_;
  std::map<std::string, std::unique_ptr<WorkFolder>> works_;  ///< by the folder they are in
  std::vector<Item> items_;                                   ///< first the data folder
  std::map<std::string, std::string> entries_;  ///< files of their own → where they are unpacked
  std::vector<SwapStep> steps_;
  RestoreResult result_;
};

}  // namespace

RestoreResult restore(const RestoreOptions& options) { return Restore(options).run(); }

}  // namespace dragoman
