// SPDX-License-Identifier: LGPL-2.1-or-later
// What goes when the disk is full, and what happens to calls' rows meanwhile.
#include "launcher/store/disk_room.h"

#include <sys/inotify.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <fstream>

#include "launcher/store/iso_time.h"
#include "launcher/store/migrations.h"
#include "launcher/store/retention.h"
#include "tests/fakes/main_loop.h"
#include "tests/launcher/store/small_disk.h"
#include "tests/launcher/store/store_fixture.h"

namespace dragoman {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMegabyte = 1 << 20;

DiskRoom roomy() {
  return {.journal_bytes = kMegabyte,
          .audio_bytes = kMegabyte,
          .journal_free = 900 * kMegabyte,
          .audio_free = 900 * kMegabyte,
          .journal_floor = 500 * kMegabyte,
          .audio_floor = 500 * kMegabyte,
          .can_shrink = true};
}

TEST(DiskRoomTest, is_short_over_its_bound_and_under_its_floors) {
  EXPECT_FALSE(roomy().is_short());
  DiskRoom room = roomy();
  room.most_bytes = 2 * kMegabyte;
  EXPECT_FALSE(room.is_short());
  room.most_bytes -= 1;
  EXPECT_TRUE(room.is_short());
  room = roomy();
  room.audio_free = 499 * kMegabyte;
  EXPECT_TRUE(room.is_short());
}

TEST(DiskRoomTest, files_help_only_their_own_disk) {
  DiskRoom room = roomy();
  room.same_disk = false;
  room.journal_free = 0;
  EXPECT_FALSE(room.is_helped_by(RowKind::kSegment));
  EXPECT_TRUE(room.is_helped_by(RowKind::kMetric));
  room = roomy();
  room.same_disk = false;
  room.audio_free = 0;
  EXPECT_TRUE(room.is_helped_by(RowKind::kSegment));
  EXPECT_FALSE(room.is_helped_by(RowKind::kMetric));
}

TEST(DiskRoomTest, a_journal_that_cannot_shrink_frees_only_what_its_next_rows_need) {
  DiskRoom room = roomy();
  room.can_shrink = false;
  room.journal_free = 0;
  EXPECT_TRUE(room.is_helped_by(RowKind::kMetric));
  room.unused_in_journal = 100 * kMegabyte;
  EXPECT_FALSE(room.is_helped_by(RowKind::kMetric));
}

class FullDiskTest : public StoreTest {
 protected:
  std::string audio() const { return folder() + "/audio"; }

  /// Of the segment that begins `second` after noon.
  std::string segment_file(int second) const {
    char time[32];
    std::snprintf(time, sizeof time, "T12%02d%02dZ.wav", second / 60, second % 60);
    return audio() + "/2026-03-01/trace_t1/St_3/POST/20260301" + time;
  }
  /// Segments of `bytes` each, a second apart.
  void add_segments(Journal& journal, int count, size_t bytes) {
    for (int i = 0; i < count; ++i) {
      SegmentRow row = segment_row(0);
      row.bucket_ts = kNoon + static_cast<uint64_t>(i) * kSecondNs;
      row.bucket_ms = static_cast<int>(bytes / 32);
      row.file_path = segment_file(i);
      fs::create_directories(fs::path(row.file_path).parent_path());
      std::ofstream(row.file_path) << std::string(bytes, 'x');
      journal.append(row);
    }
    journal.flush();
  }
  RetentionOptions options(DiskLimits disk) const {
    return {.database = path(),
            .audio_folder = audio(),
            .keep = std::chrono::hours(0),
            .disk = disk,
            .disk_interval = std::chrono::milliseconds(20)};
  }
  DiskRoom look() const {
    Database database(path(), DatabaseAccess::kReadOnly);
    return DiskWatch(path(), audio(), {}).look(database);
  }
  /// Until `done`, for at most half a minute.
  template <typename Done>
  bool wait_until(Done done) const {
    return fakes::wait_until(done, 30'000);
  }
};

TEST_F(FullDiskTest, counts_what_the_files_take) {
  auto journal = Journal::open(path());
  add_segments(*journal, 100, 10'000);
  const uint64_t counted = look().audio_bytes;
  uint64_t taken = 0;
  for (const auto& entry : fs::recursive_directory_iterator(audio())) {
    struct stat info {};
    if (entry.is_regular_file() && ::stat(entry.path().c_str(), &info) == 0) {
      taken += static_cast<uint64_t>(info.st_blocks) * 512;
    }
  }
  EXPECT_EQ(counted, taken);
}

TEST_F(FullDiskTest, the_oldest_files_go_first_and_no_more_than_needed) {
  auto journal = Journal::open(path());
  journal->append(metric_row(0));
  add_segments(*journal, 300, 4000);
  const DiskRoom before = look();
  const uint64_t bound = before.journal_bytes + before.audio_bytes / 2;
  Retention retention(options({.most_bytes = bound, .least_free_bytes = 0}));
  ASSERT_TRUE(wait_until([&] {
    const RetentionHealth health = retention.health();
    return health.looks > 1 && !health.room.is_short();
  }));
  const DiskRoom after = look();
  EXPECT_LE(after.audio_bytes + after.journal_bytes, bound);
  EXPECT_GE(after.audio_bytes, before.audio_bytes / 2 - 65 * 4096) << "one step too many at most";
  EXPECT_EQ(ask("SELECT count(*) FROM metrics_agg_5s"), "1");
  EXPECT_EQ(ask("SELECT max(bucket_ts) FROM audio_segments_5s"), iso_time(kNoon + 299 * kSecondNs));
  const RetentionHealth health = retention.health();
  EXPECT_EQ(std::to_string(300 - health.deleted_for_room[RowKind::kSegment]),
            ask("SELECT count(*) FROM audio_segments_5s"));
  EXPECT_EQ(health.deleted_files, health.deleted_for_room[RowKind::kSegment]);
}

TEST_F(FullDiskTest, metrics_go_when_there_are_no_files_left_and_utterances_last) {
  auto journal = Journal::open(path());
  journal->append(trace_row());
  journal->append(heard_row());
  add_segments(*journal, 10, 4000);
  fill_metrics(path(), 40'000);
  Retention retention(options({.most_bytes = 4 * kMegabyte, .least_free_bytes = 0}));
  ASSERT_TRUE(wait_until([&] {
    const RetentionHealth health = retention.health();
    return health.looks > 1 && !health.room.is_short();
  }));
  EXPECT_EQ(ask("SELECT count(*) FROM audio_segments_5s"), "0");
  EXPECT_EQ(ask("SELECT count(*) FROM utterances"), "1");
  const uint64_t left = std::stoull(ask("SELECT count(*) FROM metrics_agg_5s"));
  EXPECT_GT(left, 5'000u);
  EXPECT_EQ(retention.health().deleted_for_room[RowKind::kMetric], 40'000 - left);
  EXPECT_LE(fs::file_size(path()), 4 * kMegabyte) << "the room is given back";
}

TEST_F(FullDiskTest, rows_are_written_again_when_the_oldest_files_have_made_room) {
  SmallDisk disk(folder(), "8m");
  if (!disk.mounted()) GTEST_SKIP() << "no small disk can be mounted here";
  auto journal =
      Journal::open(path(), {.queue_limit = 500, .interval = std::chrono::milliseconds(10)});
  journal->append(trace_row());
  add_segments(*journal, 200, 24'000);
  disk.fill();
  for (uint64_t row = 0; row < 700; ++row) journal->append(metric_row(row));
  journal->flush();
  ASSERT_EQ(journal->waiting(), 500u) << "the disk is full";
  ASSERT_EQ(journal->health().dropped.text(), "200 metrics");

  Retention retention(options({.least_free_bytes = 500 * kMegabyte}));
  EXPECT_TRUE(
      wait_until([&] { return !retention.health().room.is_short() && journal->waiting() == 0; }));
  EXPECT_EQ(journal->health().last_error, "");
  const RetentionHealth health = retention.health();
  EXPECT_GT(health.deleted_files, 5u);
  EXPECT_LT(health.deleted_files, 150u);
  EXPECT_EQ(health.deleted_for_room[RowKind::kMetric], 0u);
  EXPECT_EQ(ask("SELECT count(*) FROM metrics_agg_5s"), "500");
  EXPECT_TRUE(fs::exists(segment_file(199)));
  EXPECT_EQ(ask("PRAGMA integrity_check"), "ok");
}

TEST_F(FullDiskTest, a_journal_that_cannot_be_opened_at_first_keeps_rows_until_it_can) {
  SmallDisk disk(folder(), "8m");
  if (!disk.mounted()) GTEST_SKIP() << "no small disk can be mounted here";
  Journal::open(path())->append(trace_row("t1"));
  disk.fill();
  auto journal = Journal::open(path());
  journal->append(trace_row("t2"));
  journal->flush();
  EXPECT_EQ(journal->waiting(), 1u);
  EXPECT_NE(journal->health().last_error.find(path()), std::string::npos);
  disk.make_room();
  EXPECT_TRUE(wait_until([&] { return journal->waiting() == 0; }));
  EXPECT_EQ(journal->health().last_error, "");
  EXPECT_EQ(ask("SELECT group_concat(trace_id) FROM traces"), "t1,t2");
}

TEST_F(FullDiskTest, a_disk_on_which_no_more_files_can_be_made_is_full) {
  SmallDisk disk(folder(), "8m,nr_inodes=20");
  if (!disk.mounted()) GTEST_SKIP() << "no small disk can be mounted here";
  Journal::open(path())->append(trace_row("t1"));
  std::vector<std::string> files;
  do {
    files.push_back(folder() + "/" + std::to_string(files.size()));
  } while (std::ofstream(files.back()).is_open());
  auto journal = Journal::open(path(), {.interval = std::chrono::milliseconds(10)});
  journal->append(trace_row("t2"));
  journal->flush();
  EXPECT_EQ(journal->waiting(), 1u);
  EXPECT_NE(journal->health().last_error.find("the disk is full"), std::string::npos)
      << journal->health().last_error;
  for (const std::string& file : files) fs::remove(file);
  EXPECT_TRUE(wait_until([&] { return journal->waiting() == 0; }));
  EXPECT_EQ(ask("SELECT group_concat(trace_id) FROM traces"), "t1,t2");
}

TEST_F(FullDiskTest, the_oldest_files_go_even_if_there_is_no_room_to_open_the_journal) {
  SmallDisk disk(folder(), "8m");
  if (!disk.mounted()) GTEST_SKIP() << "no small disk can be mounted here";
  add_segments(*Journal::open(path()), 200, 24'000);
  disk.fill();
  auto journal = Journal::open(path(), {.interval = std::chrono::milliseconds(10)});
  journal->append(trace_row("t2"));
  journal->flush();
  ASSERT_EQ(journal->waiting(), 1u) << "the disk is full";
  Retention retention(options({.least_free_bytes = 500 * kMegabyte}));
  EXPECT_TRUE(
      wait_until([&] { return !retention.health().room.is_short() && journal->waiting() == 0; }));
  EXPECT_EQ(ask("SELECT group_concat(trace_id) FROM traces"), "t2");
  EXPECT_FALSE(fs::exists(segment_file(0)));
  EXPECT_TRUE(fs::exists(segment_file(199)));
  const RetentionHealth health = retention.health();
  EXPECT_LT(health.deleted_files, 150u);
  EXPECT_EQ(health.deleted_files_for_room, health.deleted_files);
}

TEST_F(FullDiskTest, what_the_journal_told_stays_while_it_cannot_be_opened) {
  add_segments(*Journal::open(path()), 3, 10'000);
  Retention retention(options({.most_bytes = 64 * kMegabyte, .least_free_bytes = 0}));
  ASSERT_TRUE(wait_until([&] { return retention.health().looks > 1; }));
  const DiskRoom before = retention.health().room;
  std::ofstream(path()) << std::string(8192, 'x');
  ASSERT_TRUE(wait_until([&] { return !retention.health().last_error.empty(); }));
  const DiskRoom after = retention.health().room;
  EXPECT_GT(after.audio_bytes, 30'000u);
  EXPECT_EQ(after.audio_bytes, before.audio_bytes);
  EXPECT_EQ(after.journal_bytes, before.journal_bytes);
  EXPECT_EQ(after.most_bytes, 64 * kMegabyte);
  EXPECT_GT(after.audio_free, 0u);
}

TEST_F(FullDiskTest, no_folder_is_read_while_there_is_room_and_the_journal_cannot_be_opened) {
  add_segments(*Journal::open(path()), 3, 100);
  std::ofstream(path()) << std::string(8192, 'x');
  const int watch = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  ASSERT_GE(::inotify_add_watch(watch, audio().c_str(), IN_OPEN), 0);
  {
    Retention retention(options({.least_free_bytes = 0}));
    EXPECT_TRUE(wait_until([&] { return retention.health().looks > 2; }));
    EXPECT_NE(retention.health().last_error, "");
  }
  char event[4096];
  EXPECT_EQ(::read(watch, event, sizeof event), -1) << "somebody has read the folder";
  ::close(watch);
}

TEST_F(FullDiskTest, an_upgrade_waits_for_the_room_it_needs_and_says_how_much) {
  SmallDisk disk(folder(), "40m");
  if (!disk.mounted()) GTEST_SKIP() << "no small disk can be mounted here";
  {
    Database old(path(), DatabaseAccess::kReadWrite);
    old.run("PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL;");
    migrate(old, known_migrations().first(3));
    fill_metrics(path(), 40'000);
  }
  const auto size = fs::file_size(path());
  ASSERT_GT(size, 8 * kMegabyte);
  const std::string filler = folder() + "/filler";
  std::ofstream(filler) << std::string(fs::space(folder()).free - 2 * size, 'x');
  const auto free = fs::space(folder()).free;
  auto journal = Journal::open(path(), {.interval = std::chrono::milliseconds(10)});
  journal->append(trace_row());
  journal->flush();
  EXPECT_EQ(journal->waiting(), 1u);
  EXPECT_NE(journal->health().last_error.find("MiB of free disk space"), std::string::npos)
      << journal->health().last_error;
  EXPECT_EQ(ask("SELECT max(version) FROM schema_migrations"), "3");
  EXPECT_GT(fs::space(folder()).free + kMegabyte, free) << "it was not tried in vain";
  fs::remove(filler);
  EXPECT_TRUE(wait_until([&] { return journal->waiting() == 0; }));
  EXPECT_EQ(ask("SELECT count(*) FROM metrics_agg_5s"), "40000");
  EXPECT_EQ(ask("SELECT max(version) FROM schema_migrations"),
            std::to_string(known_migrations().back().version));
}

TEST_F(FullDiskTest, rows_do_not_go_in_vain_while_somebody_reads_the_journal) {
  SmallDisk disk(folder(), "64m");
  if (!disk.mounted()) GTEST_SKIP() << "no small disk can be mounted here";
  auto journal = Journal::open(path());
  fill_metrics(path(), 40'000);
  auto reader = std::make_unique<Database>(path(), DatabaseAccess::kReadOnly);
  reader->run("BEGIN; SELECT count(*) FROM metrics_agg_5s;");
  std::ofstream(folder() + "/filler") << std::string(fs::space(folder()).free - 5 * kMegabyte, 'x');

  Retention retention(options({.least_free_bytes = 500 * kMegabyte}));
  EXPECT_TRUE(wait_until([&] { return retention.health().looks > 20; }));
  EXPECT_EQ(ask("SELECT count(*) FROM metrics_agg_5s"), "40000");
  EXPECT_NE(retention.health().last_error.find("reads the journal"), std::string::npos)
      << retention.health().last_error;
  reader.reset();
  EXPECT_TRUE(wait_until([&] {
    const RetentionHealth health = retention.health();
    return !health.room.is_short() && health.last_error.empty();
  }));
  EXPECT_GE(fs::space(folder()).free, 6 * kMegabyte);
  EXPECT_GT(std::stoull(ask("SELECT count(*) FROM metrics_agg_5s")), 20'000u);
}

TEST_F(FullDiskTest, segments_that_were_lost_are_looked_for_on_the_disk) {
  auto journal = Journal::open(path());
  std::atomic<uint64_t> mended = 0, lost = 0;
  RetentionOptions with_mender = options({});
  with_mender.mend = [&mended] { ++mended; };
  with_mender.journal = [&lost] {
    JournalHealth health;
    health.dropped[RowKind::kSegment] = lost;
    return health;
  };
  Retention retention(with_mender);
  EXPECT_TRUE(wait_until([&] { return mended == 1; })) << "at the start";
  EXPECT_TRUE(wait_until([&] { return retention.health().runs == 1; }));
  retention.run_now();
  EXPECT_TRUE(wait_until([&] { return retention.health().runs == 2; }));
  EXPECT_EQ(mended, 1u) << "not before it is due";
  lost = 3;
  retention.run_now();
  EXPECT_TRUE(wait_until([&] { return mended == 2; }));
}

}  // namespace
}  // namespace dragoman
