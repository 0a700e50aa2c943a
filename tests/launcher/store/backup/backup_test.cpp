// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/store/backup/backup.h"

#include <fcntl.h>

#include <atomic>
#include <thread>

#include "launcher/store/backup/contents.h"
#include "launcher/store/backup/secrets.h"
#include "launcher/store/backup/sha256.h"
#include "launcher/store/backup/snapshot.h"
#include "launcher/store/backup/work_folder.h"
#include "tests/launcher/store/backup/backup_fixture.h"

namespace dragoman {
namespace {

using testing::Test;

TEST_F(BackupTest, holds_what_the_launcher_keeps_and_nothing_else) {
  write_rows();
  const BackupResult result = back_up_now();
  EXPECT_EQ(result.path, backups() + "/dragoman-20260301T120000Z.tar.zst");
  const Manifest manifest = verify_backup(result.path);
  std::string pipelines_and_named;
  for (const BackupFile& file : manifest.files) {
    if (file.name.starts_with("pipelines/") || file.name.starts_with("named/"))
      pipelines_and_named += file.name + ";";
  }
  EXPECT_EQ(pipelines_and_named,
            "pipelines/call.pipeline;pipelines/más.pipeline;named/0/yours.tmx;"
            "named/1/own.pipeline;");
  EXPECT_EQ(manifest.segments.files, 2u);  // not the one that is being written
  EXPECT_EQ(manifest.segments.bytes, std::string("RIFF oneRIFF two").size());
  EXPECT_EQ(manifest.named.at("named/0/yours.tmx"), "memory");
  EXPECT_EQ(manifest.named.at("named/1/own.pipeline"), "pipeline 7000");
  EXPECT_TRUE(manifest.find("stations/St_3.conf"));
  EXPECT_TRUE(manifest.find(kConfigEntry));
  EXPECT_EQ(manifest.header.created, "2026-03-01T12:00:00.000000Z");
  EXPECT_GE(manifest.header.schema, 2);
  EXPECT_EQ(manifest.count(), result.files);
}

TEST_F(BackupTest, is_readable_by_its_owner_only_and_leaves_nothing_beside_it) {
  write_rows();
  const BackupResult result = back_up_now(false);
  struct stat info {};
  ASSERT_EQ(::stat(result.path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  EXPECT_EQ(tree(backups()).size(), 1u);
  EXPECT_EQ(verify_backup(result.path).segments.files, 0u);
}

TEST_F(BackupTest, its_manifest_does_not_grow_with_the_segments) {
  write_rows();
  const size_t of_two = manifest_json(verify_backup(back_up_now().path)).size();
  for (int second = 10; second < 60; ++second)
    write_file(data() + "/audio/2026-03-01/trace_t1/St_3/PRE/20260301T1201" +
                   std::to_string(second) + "Z.wav",
               "RIFF");
  const Manifest manifest = verify_backup(back_up_now(true, kNoonS + 1).path);
  EXPECT_EQ(manifest.segments.files, 52u);
  EXPECT_LT(manifest_json(manifest).size(), of_two + 10);
}

TEST_F(BackupTest, audio_that_is_removed_meanwhile_keeps_nothing_else_out) {
  const std::string audio = data() + "/audio";
  for (const char* day : {"2026-03-02", "2026-03-03"})
    write_file(audio + "/" + day + "/trace_t2/St_3/PRE/20260302T120000Z.wav", "RIFF");
  size_t told = 0;
  for_each_segment(audio, [&](const SourceFile& segment) {
    if (told++ > 0) return;
    const std::string day = segment.entry.substr(std::string("audio/").size(), 10);
    for (const char* each : {"2026-03-01", "2026-03-02", "2026-03-03"})  // one that is to come
      if (each != day && std::filesystem::remove_all(audio + "/" + each) > 0) break;
  });
  EXPECT_GE(told, 2u);
  EXPECT_EQ(complaint([&] { for_each_segment(folder() + "/none", [](const SourceFile&) {}); }), "");
}

TEST_F(BackupTest, without_a_journal_says_so_and_leaves_nothing) {
  const std::string said = complaint([this] { back_up_now(); });
  EXPECT_NE(said.find("dragoman.db"), std::string::npos) << said;
  EXPECT_NE(said.find("--data"), std::string::npos) << said;
  EXPECT_TRUE(tree(backups()).empty());
}

TEST_F(BackupTest, of_a_damaged_journal_is_refused_with_the_cure) {
  write_rows(5000);
  std::fstream file(journal_file(), std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(4096 * 20);
  file << std::string(4096 * 3, 'x');
  file.close();
  const std::string said = complaint([this] { back_up_now(); });
  EXPECT_NE(said.find("dragoman recover"), std::string::npos) << said;
  EXPECT_TRUE(tree(backups()).empty());
}

TEST_F(BackupTest, refuses_a_configuration_that_looks_as_if_it_held_a_secret) {
  write_rows();
  write_config("# password = hunter22\n");
  const std::string said = complaint([this] { back_up_now(); });
  EXPECT_NE(said.find(config_file() + ":10"), std::string::npos) << said;
  EXPECT_EQ(said.find("hunter22"), std::string::npos) << said;
  EXPECT_TRUE(tree(backups()).empty());
}

TEST(Secrets, are_found_by_name_in_addresses_and_by_the_environment) {
  EXPECT_EQ(find_secret("a\nDEEPL_API_KEY=abc\n"), 2);
  EXPECT_EQ(find_secret("url = https://user:pw@host/\n"), 1);
  EXPECT_EQ(find_secret("source token=\"xyz\"\n"), 1);
  EXPECT_FALSE(find_secret("source api-key=${key}\nurl = http://host:8088/\n"));
  EXPECT_FALSE(find_secret("# DRAGOMAN_ARI_PASSWORD   password of [ari] user\n"));
  g_setenv("TEST_ONLY_TOKEN", "correcthorse", TRUE);
  EXPECT_EQ(find_secret("description = correcthorse battery\n"), 1);
  g_unsetenv("TEST_ONLY_TOKEN");
}

// Of two tables that are always written together a copy must hold as many rows.
TEST_F(BackupTest, a_snapshot_is_of_one_instant_and_never_holds_up_the_writer) {
  write_rows(40'000);
  std::atomic<bool> stop = false;
  std::atomic<uint64_t> commits = 0;
  std::thread writer([&] {
    Database database(journal_file(), DatabaseAccess::kReadWrite);
    database.run("PRAGMA busy_timeout = 0; PRAGMA synchronous = OFF");
    while (!stop) {
      const std::string id = "'w" + std::to_string(commits) + "'";
      database.run(
          "BEGIN IMMEDIATE; INSERT INTO traces (trace_id, started_at, src_extension) "
          "VALUES (" +
          id +
          ", '2026', '1'); INSERT INTO knob_events (trace_id, knob_key) "
          "VALUES (" +
          id + ", 'k'); COMMIT");
      ++commits;
    }
  });
  while (commits == 0) std::this_thread::yield();
  const uint64_t before = commits;
  const std::string copy = folder() + "/copy.db";
  const std::string said = complaint([&] { snapshot_journal(journal_file(), copy); });
  const uint64_t after = commits;
  stop = true;
  writer.join();
  EXPECT_EQ(said, "");
  EXPECT_GT(after, before + 10) << "the writer stood still";
  Database database(copy, DatabaseAccess::kReadOnly);
  const auto rows = [&](const char* table) {
    return database.number(std::string("SELECT count(*) FROM ") + table +
                           " WHERE trace_id GLOB 'w*'");
  };
  EXPECT_GE(rows("traces"), static_cast<int64_t>(before));
  EXPECT_EQ(rows("traces"), rows("knob_events"));
  EXPECT_EQ(database.number("SELECT count(*) FROM metrics_agg_5s"), 40'000);
}

// A flip that changes nothing that is unpacked (a padding byte) may pass; no other.
TEST_F(BackupTest, one_flipped_bit_is_found_wherever_it_changes_anything) {
  write_rows();
  const std::string path = back_up_now().path, bytes = read_file(path);
  const std::string right = manifest_json(verify_backup(path));
  const std::string flipped = folder() + "/flipped";
  size_t found = 0, tried = 0;
  for (size_t at = 0; at < bytes.size(); at += 1 + bytes.size() / 400) {
    std::string changed = bytes;
    changed[at] = static_cast<char>(changed[at] ^ (1 << (at % 8)));
    write_file(flipped, changed);
    std::string read;
    const std::string said = complaint([&] { read = manifest_json(verify_backup(flipped)); });
    ++tried;
    if (said.empty())
      EXPECT_EQ(read, right) << "at byte " << at;
    else
      ++found;
  }
  EXPECT_GT(found, tried * 9 / 10);
}

TEST_F(BackupTest, a_file_cut_short_anywhere_is_refused) {
  write_rows();
  const std::string path = back_up_now().path, bytes = read_file(path);
  const std::string cut = folder() + "/cut";
  for (size_t length = 0; length < bytes.size(); length += 1 + bytes.size() / 100) {
    write_file(cut, bytes.substr(0, length));
    const std::string said = complaint([&] { verify_backup(cut); });
    ASSERT_NE(said, "") << "of " << length << " bytes";
    EXPECT_NE(said.find(cut), std::string::npos) << said;
  }
}

TEST_F(BackupTest, a_wrong_checksum_names_its_file) {
  const std::string path = folder() + "/bad.tar.zst";
  const BackupHeader header{.program = "0.1.0", .schema = 2, .created = "now", .host = "here"};
  Manifest manifest{.header = header};
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  ArchiveWriter writer(file);
  manifest.files.push_back(writer.add_text(kHeaderEntry, header_json(header)));
  manifest.files.push_back(writer.add_text("pipelines/call.pipeline", "one"));
  manifest.files.back().sha256[5] ^= 1;
  const std::string text = manifest_json(manifest);
  writer.add_text(kManifestEntry, text);
  writer.add_text(kManifestSumEntry,
                  g_compute_checksum_for_string(G_CHECKSUM_SHA256, text.c_str(), -1));
  writer.close();
  ::close(file);
  const std::string said = complaint([&] { verify_backup(path); });
  EXPECT_NE(said.find("checksum of pipelines/call.pipeline"), std::string::npos) << said;
}

TEST_F(BackupTest, a_segment_that_is_another_or_missing_is_found) {
  const BackupHeader header{.program = "0.1.0", .schema = 2, .created = "now", .host = "here"};
  const auto say = [&](const std::string& text, int copies) {
    const std::string path = folder() + "/bad.tar.zst";
    Manifest manifest{.header = header, .audio = true};
    SegmentSum segments;
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ArchiveWriter writer(file);
    manifest.files.push_back(writer.add_text(kHeaderEntry, header_json(header)));
    for (int copy = 0; copy < copies; ++copy)
      writer.add_text("audio/day/" + std::to_string(copy) + ".wav", text);
    segments.add({.name = "audio/day/0.wav", .size = 4, .sha256 = sha256_of("RIFF")});
    manifest.segments = segments.result();
    const std::string json = manifest_json(manifest);
    writer.add_text(kManifestEntry, json);
    writer.add_text(kManifestSumEntry, sha256_of(json));
    writer.close();
    ::close(file);
    return complaint([&] { verify_backup(path); });
  };
  EXPECT_EQ(say("RIFF", 1), "");
  EXPECT_NE(say("RIFX", 1).find("checksum of its WAV segments"), std::string::npos);
  EXPECT_NE(say("RIFF", 0).find("has 0 WAV segments, should have 1"), std::string::npos);
  EXPECT_NE(say("RIFF", 2).find("has 2 WAV segments, should have 1"), std::string::npos);
}

TEST_F(BackupTest, old_ones_of_ours_are_removed_but_never_the_newest) {
  write_rows(1);
  const int64_t day = 86400;
  const std::string oldest = back_up_now(false, kNoonS - 80 * day).path;
  const std::string old = back_up_now(false, kNoonS - 31 * day).path;
  EXPECT_TRUE(std::filesystem::exists(old)) << "the newest then";
  EXPECT_FALSE(std::filesystem::exists(oldest)) << "49 days older than a newer one";
  const std::string young = back_up_now(false, kNoonS - 29 * day).path;
  EXPECT_TRUE(std::filesystem::exists(old)) << "two days older only";
  const std::string foreign = backups() + "/dragoman-20200101T000000Z.tar.zst";
  const std::string other = backups() + "/dragoman-old.tar.zst";
  write_file(foreign, "not one of ours, whatever its name says");
  write_file(other, "no time");
  const BackupResult result = back_up_now(false);
  EXPECT_EQ(result.pruned, std::vector<std::string>{backup_name(kNoonS - 31 * day)});
  for (const std::string& path : {young, foreign, other, result.path})
    EXPECT_TRUE(std::filesystem::exists(path)) << path;
}

TEST_F(BackupTest, what_a_kill_left_half_made_is_removed_what_is_in_use_is_not) {
  write_rows(1);
  std::filesystem::create_directories(backups());
  write_file(backups() + "/.dragoman-20260101T000000Z.tar.zst.work/archive", "half");
  write_file(backups() + "/.dragoman-20260101T000000Z.tar.zst.work/lock", "");
  {
    const WorkFolder used(backups(), "dragoman-20260201T000000Z.tar.zst");
    EXPECT_EQ(back_up_now(false).cleaned, 1);
    EXPECT_TRUE(std::filesystem::exists(used.path()));
  }
  EXPECT_EQ(tree(backups()).size(), 1u);
}

TEST(SafeEntry, names_that_lead_elsewhere_are_none) {
  for (const char* name : {"pipelines/call.pipeline", "audio/a/b.wav", "journal/dragoman.db"})
    EXPECT_TRUE(is_safe_entry(name)) << name;
  for (const char* name : {"../x", "pipelines/../../x", "/etc/passwd", "pipelines//etc/passwd",
                           "pipelines/./x", "pipelines/", "pipelines", "other/x",
                           "journal/other.db", "config/../config/dragoman.conf", "audio/..", ""})
    EXPECT_FALSE(is_safe_entry(name)) << name;
}

}  // namespace
}  // namespace dragoman
