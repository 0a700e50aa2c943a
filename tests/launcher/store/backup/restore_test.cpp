// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/store/backup/restore.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "launcher/store/backup/sha256.h"
#include "launcher/store/backup/swap.h"
#include "launcher/store/data_folder_lock.h"
#include "launcher/store/migrations.h"
#include "tests/launcher/store/backup/backup_fixture.h"
#include "tests/launcher/store/backup/plain_rename.h"
#include "tests/launcher/store/other_user.h"
#include "tests/launcher/store/small_disk.h"

namespace dragoman {
namespace {

namespace fs = std::filesystem;

class RestoreTest : public BackupTest {
 protected:
  RestoreOptions options(const std::string& file) const {
    return {.file = file, .config_file = config_file(), .now_s = kNoonS};
  }
  RestoreResult restore_it(const std::string& file) const { return restore(options(file)); }
  std::string aside() const { return ".before-restore-20260301T120000Z"; }
  /// Everything below the system's folder, but the lock's file and what is being recorded; the
  /// journal as SQL.
  std::map<std::string, std::string> state() const {
    std::map<std::string, std::string> files = tree(place());
    for (const char* each :
         {"data/launcher.lock", "data/dragoman.db", "data/dragoman.db-wal", "data/dragoman.db-shm"})
      files.erase(each);
    for (const std::string& name : {std::string("pipelines/notes.txt"),
                                    std::string("data/audio/2026-03-01/trace_t1/St_3/POST/"
                                                "20260301T120010Z.wav.part")})
      files.erase(name);
    files["sql"] = dump();
    return files;
  }
  std::string dump() const {
    if (!fs::exists(journal_file())) return "no journal";
    g_autofree char* out = nullptr;
    const std::string command = "sqlite3 '" + journal_file() + "' .dump";
    g_autoptr(GError) error = nullptr;
    if (!g_spawn_command_line_sync(command.c_str(), &out, nullptr, nullptr, &error))
      throw std::runtime_error(error->message);
    return out;
  }
  /// What a refused restore says; nothing may have changed.
  std::string refusal(const std::string& file) {
    const auto before = state();
    const std::string said = complaint([&] { restore_it(file); });
    EXPECT_EQ(state(), before);
    EXPECT_NE(said, "") << "it was not refused";
    return said;
  }
  /// The same backup as programs before format 2 made it.
  std::string as_format_1(const std::string& file) const {
    const std::string path = folder() + "/format-1.tar.zst";
    Manifest manifest = verify_backup(file);
    manifest.header.format = 1;
    const int out = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    ArchiveWriter writer(out);
    std::vector<BackupFile> files = {writer.add_text(kHeaderEntry, header_json(manifest.header))};
    ArchiveReader reader(file);
    reader.next();
    for (auto entry = reader.next(); entry->name != kManifestEntry; entry = reader.next()) {
      std::string text(entry->size, '\0');
      for (size_t at = 0; at < text.size();) at += reader.read({&text[at], text.size() - at});
      write_file(folder() + "/entry", text);
      fs::permissions(folder() + "/entry", static_cast<fs::perms>(entry->mode));
      files.push_back(*writer.add_file(entry->name, folder() + "/entry"));
    }
    std::string json = header_json(manifest.header);
    json = json.substr(0, json.rfind('\n', json.size() - 2)) + ", \"audio\": true, \"named\": {";
    for (const auto& [name, key] : manifest.named)
      json += (json.ends_with('{') ? "\"" : ", \"") + name + "\": \"" + key + "\"";
    json += "}, \"notes\": [], \"files\": [";
    for (const BackupFile& each : files)
      json += (json.ends_with('[') ? "{\"name\": \"" : ", {\"name\": \"") + each.name +
              "\", \"size\": " + std::to_string(each.size) + ", \"sha256\": \"" + each.sha256 +
              "\"}";
    json += "]}";
    writer.add_text(kManifestEntry, json);
    writer.add_text(kManifestSumEntry, sha256_of(json));
    writer.close();
    ::close(out);
    return path;
  }
  /// A backup with one more entry, of a kind of its own, that the manifest names like any other.
  std::string hostile(const std::string& entry, mode_t kind = AE_IFREG) const {
    const std::string path = folder() + "/hostile.tar.zst";
    const std::string head =
        header_json({.program = "0.1.0", .schema = 2, .created = "", .host = ""});
    Manifest manifest{.header = read_header(head)};
    ::archive* out = archive_write_new();
    archive_write_add_filter_zstd(out);
    archive_write_set_format_pax_restricted(out);
    archive_write_open_filename(out, path.c_str());
    const auto add = [&](const std::string& name, const std::string& text, mode_t type) {
      archive_entry* made = archive_entry_new();
      archive_entry_set_pathname(made, name.c_str());
      archive_entry_set_filetype(made, type);
      archive_entry_set_perm(made, 0644);
      if (type == AE_IFLNK) archive_entry_set_symlink(made, "/etc/passwd");
      archive_entry_set_size(made, type == AE_IFREG ? static_cast<int64_t>(text.size()) : 0);
      archive_write_header(out, made);
      if (type == AE_IFREG) archive_write_data(out, text.data(), text.size());
      archive_entry_free(made);
      if (name.starts_with("manifest")) return;
      const std::string content = type == AE_IFREG ? text : "";
      manifest.files.push_back({name, content.size(), sha256_of(content)});
    };
    add(kHeaderEntry, head, AE_IFREG);
    add(entry, "evil", kind);
    const std::string text = manifest_json(manifest);
    add(kManifestEntry, text, AE_IFREG);
    add(kManifestSumEntry, sha256_of(text), AE_IFREG);
    archive_write_close(out);
    archive_write_free(out);
    return path;
  }
};

TEST_F(RestoreTest, after_everything_was_destroyed_all_is_as_it_was) {
  write_rows(2000);
  const auto before = state();
  const std::string file = back_up_now().path;
  fs::remove_all(place());
  const RestoreResult result = restore_it(file);
  EXPECT_TRUE(result.aside.empty());
  EXPECT_EQ(state(), before);
  EXPECT_FALSE(fs::exists(data() + ".restore-plan"));
  EXPECT_EQ(complaint([this] { Journal::open(journal_file()); }), "");
}

TEST_F(RestoreTest, what_is_replaced_is_kept_aside) {
  write_rows(10);
  const auto then = state();
  const std::string file = back_up_now().path;
  write_rows(50);
  write_file(pipelines() + "/call.pipeline", "[pipeline]\ndescription = changed\n");
  write_config("[extension 7001]\nlanguage = es\n");
  const auto later_sql = dump(), later_config = read_file(config_file());
  const RestoreResult result = restore_it(file);
  EXPECT_EQ(dump(), then.at("sql"));
  EXPECT_EQ(read_file(config_file() + aside()), later_config);
  EXPECT_EQ(read_file(pipelines() + "/call.pipeline" + aside()),
            "[pipeline]\ndescription = changed\n");
  EXPECT_EQ(result.aside.size(), 3u);  // data, configuration, one pipeline
  EXPECT_EQ(result.unchanged, 4u);     // the other pipeline, the station, the two named files
  fs::remove_all(data());
  fs::rename(data() + aside(), data());
  EXPECT_EQ(dump(), later_sql);
}

TEST_F(RestoreTest, a_backup_of_format_1_which_names_each_segment_is_restored) {
  write_rows();
  const auto before = state();
  const std::string file = as_format_1(back_up_now().path);
  EXPECT_NE(read_file(file), "");
  EXPECT_EQ(verify_backup(file).header.format, 1);
  EXPECT_EQ(verify_backup(file).segments.files, 2u);
  fs::remove_all(place());
  restore_it(file);
  EXPECT_EQ(state(), before);
}

TEST_F(RestoreTest, audio_that_is_not_in_the_backup_stays) {
  write_rows();
  const std::string file = back_up_now(false).path;
  const auto before = tree(data() + "/audio");
  const RestoreResult result = restore_it(file);
  EXPECT_TRUE(result.audio_stays);
  EXPECT_EQ(tree(data() + "/audio"), before);
  EXPECT_FALSE(fs::exists(data() + aside() + "/audio"));
}

TEST_F(RestoreTest, a_dry_run_tells_it_all_and_changes_nothing) {
  write_rows();
  const std::string file = back_up_now().path;
  write_rows(500);
  const auto before = tree(folder());
  RestoreOptions dry = options(file);
  dry.dry_run = true;
  const RestoreResult result = restore(dry);
  ASSERT_EQ(result.aside.size(), 1u);
  EXPECT_EQ(result.aside[0].first, data());
  auto after = tree(folder());
  after.erase("system/data/launcher.lock");
  EXPECT_EQ(after, before);
}

TEST_F(RestoreTest, goes_to_another_data_folder_if_told_so) {
  write_rows();
  const auto before = dump();
  RestoreOptions elsewhere = options(back_up_now().path);
  elsewhere.data = folder() + "/elsewhere/data";
  elsewhere.config_file = folder() + "/elsewhere/dragoman.conf";
  EXPECT_EQ(restore(elsewhere).data, elsewhere.data);
  EXPECT_EQ(read_file(elsewhere.config_file), read_file(config_file()));
  EXPECT_TRUE(
      fs::exists(elsewhere.data + "/audio/2026-03-01/trace_t1/St_3/PRE/20260301T120005Z.wav"));
  EXPECT_EQ(dump(), before);
}

TEST_F(RestoreTest, while_the_launcher_runs_is_refused) {
  write_rows();
  const std::string file = back_up_now().path;
  const DataFolderLock launcher(data());
  EXPECT_NE(refusal(file).find("stop it"), std::string::npos);
}

TEST_F(RestoreTest, a_damaged_file_is_refused_and_nothing_is_touched) {
  write_rows();
  const std::string file = back_up_now().path, bytes = read_file(file);
  std::string flipped = bytes;
  flipped[bytes.size() / 2] ^= 4;
  write_file(folder() + "/flipped", flipped);
  EXPECT_NE(refusal(folder() + "/flipped").find("flipped"), std::string::npos);
  write_file(folder() + "/cut", bytes.substr(0, bytes.size() * 3 / 4));
  EXPECT_NE(refusal(folder() + "/cut").find("another backup"), std::string::npos);
  write_file(folder() + "/text", "not a backup at all");
  refusal(folder() + "/text");
  EXPECT_NE(refusal(folder() + "/none").find("/none"), std::string::npos);
}

TEST_F(RestoreTest, names_that_lead_elsewhere_and_links_are_refused) {
  write_rows();
  for (const char* name : {"../evil", "/tmp/dragoman-evil", "pipelines/../../evil", "evil"})
    EXPECT_NE(refusal(hostile(name)).find("leads elsewhere"), std::string::npos) << name;
  EXPECT_NE(refusal(hostile("pipelines/link.pipeline", AE_IFLNK)).find("no regular file"),
            std::string::npos);
  EXPECT_NE(refusal(hostile("pipelines/folder", AE_IFDIR)).find("no regular file"),
            std::string::npos);
  EXPECT_FALSE(fs::exists("/tmp/dragoman-evil"));
}

TEST_F(RestoreTest, a_later_schema_or_format_is_refused_with_the_program_that_reads_it) {
  write_rows();
  {
    Database database(journal_file(), DatabaseAccess::kReadWrite);
    database.run("INSERT INTO schema_migrations VALUES (9000, 'later', '2030')");
  }
  const std::string file = back_up_now().path;
  {
    Database database(journal_file(), DatabaseAccess::kReadWrite);
    database.run("DELETE FROM schema_migrations WHERE version = 9000");
  }
  const std::string said = refusal(file);
  EXPECT_NE(said.find("schema 9000"), std::string::npos) << said;
  EXPECT_NE(said.find("dragoman 0."), std::string::npos) << said;
  const std::string later =
      header_json({.format = kBackupFormat + 1, .program = "7.0", .created = "", .host = ""});
  EXPECT_NE(complaint([&] { read_header(later); }).find("dragoman 7.0"), std::string::npos);
}

TEST_F(RestoreTest, an_earlier_schema_is_brought_up_to_date) {
  fs::create_directories(data());
  {
    Database database(journal_file(), DatabaseAccess::kReadWrite);
    migrate(database, known_migrations().first(1));
    database.run(
        "INSERT INTO traces (trace_id, started_at, src_extension) VALUES ('old', '2026', '1')");
  }
  const std::string file = back_up_now().path;
  fs::remove_all(data());
  const RestoreResult result = restore_it(file);
  EXPECT_EQ(result.manifest.header.schema, 1);
  EXPECT_EQ(result.migrated_to, known_migrations().back().version);
  Database database(journal_file(), DatabaseAccess::kReadOnly);
  EXPECT_EQ(database.number("SELECT max(version) FROM schema_migrations"), result.migrated_to);
  EXPECT_EQ(database.number("SELECT count(*) FROM traces WHERE trace_id = 'old'"), 1);
}

TEST_F(RestoreTest, an_upgrade_that_has_no_room_on_the_disk_says_so) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  fs::create_directories(data());
  {
    Database database(journal_file(), DatabaseAccess::kReadWrite);
    migrate(database, known_migrations().first(1));
    database.run(
        "INSERT INTO traces (trace_id, started_at, src_extension) "
        "VALUES ('old', '2026', hex(zeroblob(2000000)))");
  }
  RestoreOptions small = options(back_up_now().path);
  fs::create_directories(folder() + "/small");
  const SmallDisk disk(folder() + "/small", "6m");
  if (!disk.mounted()) GTEST_SKIP() << "no small disk can be mounted here";
  small.data = folder() + "/small/data";
  const std::string said = complaint([&] { restore(small); });
  EXPECT_NE(said.find("of free disk space"), std::string::npos) << said;
  EXPECT_NE(said.find("make room on the disk of " + folder() + "/small"), std::string::npos)
      << said;
  EXPECT_EQ(said.find("another backup"), std::string::npos) << said;
  EXPECT_TRUE(tree(folder() + "/small").empty());
}

TEST_F(RestoreTest, a_folder_that_is_no_data_folder_is_not_moved_away) {
  write_rows();
  RestoreOptions wrong = options(back_up_now().path);
  wrong.data = pipelines();
  const std::string said = complaint([&] { restore(wrong); });
  EXPECT_NE(said.find("no data folder"), std::string::npos) << said;
  EXPECT_TRUE(fs::exists(pipelines() + "/call.pipeline"));
}

TEST_F(RestoreTest, a_mount_point_is_refused_before_anything_is_unpacked) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  write_rows();
  const std::string file = back_up_now(false).path;
  for (const std::string& place : {data() + "/audio", data()}) {
    const SmallDisk disk(place, "1m");
    if (!disk.mounted()) GTEST_SKIP() << "no small disk can be mounted here";
    for (const bool dry_run : {true, false}) {
      RestoreOptions options = this->options(file);
      options.dry_run = dry_run;
      const std::string said = complaint([&] { restore(options); });
      EXPECT_NE(said.find(place + " is a mount point"), std::string::npos) << said;
      EXPECT_NE(said.find("unmount it"), std::string::npos) << said;
    }
  }
  EXPECT_EQ(complaint([&] { restore_it(file); }), "");
}

TEST_F(RestoreTest, works_where_nothing_can_be_renamed_without_replacing) {
  write_rows();
  const auto before = state();
  EXPECT_EQ(in_child([this] {
              if (!forbid_rename_flags()) return 2;
              const std::string said = complaint([this] { restore_it(back_up_now().path); });
              std::fputs(said.c_str(), stderr);
              return said.empty() ? 0 : 1;
            }),
            0);
  EXPECT_EQ(tree(backups()).size(), 1u);
  EXPECT_TRUE(fs::exists(data() + aside()));
  fs::remove_all(data() + aside());
  EXPECT_EQ(state(), before);
}

class SwapTest : public StoreTest {
 protected:
  SwapTest() {
    for (const char* name : {"a", "b", "c"}) {
      write_file(folder() + "/" + name, std::string("old ") + name);
      write_file(folder() + "/new-" + name, std::string("new ") + name);
    }
    fs::remove(folder() + "/c");  // there is no old one
    for (const char* name : {"a", "b", "c"})
      steps_.push_back(
          {folder() + "/new-" + name, folder() + "/" + name, folder() + "/" + name + ".aside"});
    before_ = tree(folder());
  }
  std::string plan() const { return folder() + "/plan"; }

  std::vector<SwapStep> steps_;
  std::map<std::string, std::string> before_;
};

TEST_F(SwapTest, replaces_all_and_keeps_the_old_aside) {
  Swap swap(plan(), steps_);
  swap.run();
  swap.commit();
  EXPECT_EQ(read_file(folder() + "/a"), "new a");
  EXPECT_EQ(read_file(folder() + "/c"), "new c");
  EXPECT_EQ(read_file(folder() + "/b.aside"), "old b");
  EXPECT_EQ(tree(folder()).size(), 5u);
}

TEST_F(SwapTest, a_failure_half_way_puts_everything_back) {
  fs::remove(folder() + "/new-c");
  before_.erase("new-c");
  EXPECT_NE(complaint([this] {
              Swap swap(plan(), steps_);
              swap.run();
            }).find("new-c"),
            std::string::npos);
  EXPECT_EQ(tree(folder()), before_);
}

TEST_F(SwapTest, a_power_cut_after_any_rename_is_undone_by_the_next_start) {
  for (int renames = 0; renames <= 5; ++renames) {
    const pid_t child = ::fork();
    if (child == 0) {
      Swap swap(plan(), steps_);
      int left = renames;
      for (const SwapStep& step : steps_) {
        if (fs::exists(step.to) && left-- > 0) fs::rename(step.to, step.aside);
        if (left-- > 0) fs::rename(step.from, step.to);
      }
      ::kill(::getpid(), SIGKILL);
    }
    ::waitpid(child, nullptr, 0);
    ASSERT_TRUE(fs::exists(plan()));
    EXPECT_TRUE(undo_interrupted_swap(plan())) << renames;
    EXPECT_EQ(tree(folder()), before_) << "after " << renames << " renames";
  }
}

TEST_F(SwapTest, replaces_nothing_either_where_renames_know_no_flags) {
  steps_[1].aside = "";
  EXPECT_EQ(in_child([this] {
              if (!forbid_rename_flags()) return 2;
              const std::string said = complaint([this] { Swap(plan(), steps_).run(); });
              return said.find("File exists") != std::string::npos ? 0 : 1;
            }),
            0);
  EXPECT_EQ(tree(folder()), before_);
}

TEST_F(SwapTest, a_folder_that_was_made_anew_after_the_power_cut_is_no_hindrance) {
  fs::remove(folder() + "/a");
  write_file(folder() + "/a/journal", "old");
  before_ = tree(folder());
  EXPECT_EQ(in_child([this] {
              Swap swap(plan(), steps_);
              fs::rename(steps_[0].to, steps_[0].aside);
              return ::kill(::getpid(), SIGKILL);
            }),
            -1);
  fs::create_directory(folder() + "/a");  // as systemd does (StateDirectory=)
  EXPECT_EQ(complaint([this] { undo_interrupted_swap(plan()); }), "");
  EXPECT_EQ(tree(folder()), before_);
}

TEST_F(SwapTest, a_plan_that_was_half_written_undoes_nothing) {
  write_file(plan(), folder() + "/new-a\n" + folder() + "/a\n");
  fs::permissions(plan(), fs::perms(0600));
  EXPECT_TRUE(undo_interrupted_swap(plan()));
  EXPECT_EQ(tree(folder()), before_);
}

TEST_F(SwapTest, a_plan_that_another_user_can_have_written_is_not_carried_out) {
  const auto refused = [this] {
    const std::string said = complaint([this] { undo_interrupted_swap(plan()); });
    return said.find("another user can have written this") != std::string::npos;
  };
  const std::string text = folder() + "/gone\n" + folder() + "/a\n\nend\n";
  write_file(plan() + ".of-others", text);
  fs::permissions(plan() + ".of-others", fs::perms(0600));
  fs::create_symlink(plan() + ".of-others", plan());
  EXPECT_TRUE(refused());
  fs::rename(plan() + ".of-others", plan());
  fs::permissions(plan(), fs::perms(0620));
  EXPECT_TRUE(refused());
  fs::permissions(plan(), fs::perms(0600));
  if (::geteuid() == 0 && ::chown(plan().c_str(), kOtherUser, kOtherGroup) == 0) {
    EXPECT_TRUE(refused());
    ASSERT_EQ(::chown(plan().c_str(), 0, 0), 0);
  }
  EXPECT_TRUE(fs::exists(folder() + "/a"));
  EXPECT_TRUE(undo_interrupted_swap(plan()));
  EXPECT_FALSE(fs::exists(folder() + "/a"));
}

TEST_F(SwapTest, nobody_undoes_one_that_is_at_work) {
  Swap swap(plan(), steps_);
  swap.run();
  EXPECT_NE(complaint([this] { undo_interrupted_swap(plan()); }).find("at work"),
            std::string::npos);
  swap.commit();
  EXPECT_EQ(read_file(folder() + "/a"), "new a");
}

}  // namespace
}  // namespace dragoman
