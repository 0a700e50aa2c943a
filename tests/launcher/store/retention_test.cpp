// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/store/retention.h"

#include <sys/fsuid.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "launcher/store/iso_time.h"
#include "tests/launcher/store/store_fixture.h"

namespace dragoman {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr uint64_t kHourNs = 3600 * kSecondNs;

TEST(StepSizeTest, finds_how_many_rows_fit_and_shrinks_at_once) {
  StepSize step(milliseconds(10), 64);
  step.took(64, milliseconds(1));
  EXPECT_EQ(step.rows(), 128u) << "at most twice as many";
  step.took(128, milliseconds(20));
  EXPECT_EQ(step.rows(), 64u);
  step.took(3, milliseconds(1));
  EXPECT_EQ(step.rows(), 64u) << "three rows tell nothing";
  step.took(64, milliseconds(10'000));
  EXPECT_EQ(step.rows(), 1u);
}

class RetentionTest : public StoreTest {
 protected:
  RetentionTest() : journal_(Journal::open(path())) { fs::create_directories(audio()); }

  std::string audio() const { return folder() + "/audio"; }
  Removal removal(RemovalLimit limit = {}) const {
    return Removal(path(), {.audio_folder = audio(), .limit = std::move(limit)});
  }
  std::string count(const std::string& table) const { return ask("SELECT count(*) FROM " + table); }

  /// A segment with its file, `hours` after noon.
  std::string add_segment(uint64_t hours, const std::string& trace = "t1") {
    const std::string time = iso_time(kNoon + hours * kHourNs);
    SegmentRow row = segment_row(0);
    row.trace_id = trace;
    row.bucket_ts = kNoon + hours * kHourNs;
    row.file_path = audio() + "/" + time.substr(0, 10) + "/trace_" + trace + "/St_3/POST/" +
                    std::to_string(hours) + ".wav";
    fs::create_directories(fs::path(row.file_path).parent_path());
    std::ofstream(row.file_path) << std::string(1000, 'x');
    journal_->append(row);
    return row.file_path;
  }
  /// One row of each kind, `hours` after noon, of an own trace that ends an hour later.
  void add_call(uint64_t hours, const std::string& trace) {
    const uint64_t time = kNoon + hours * kHourNs;
    TraceRow call = trace_row(trace);
    call.started_at = time;
    call.ended_at = time + kHourNs / 2;
    journal_->append(call);
    MetricRow metric = metric_row(0, trace);
    metric.bucket_ts = time;
    journal_->append(metric);
    UtteranceRow said = heard_row();
    said.trace_id = trace;
    said.start_at = time;
    journal_->append(said);
    journal_->append(KnobSnapshotRow{trace, "St_3", time, "{}"});
    journal_->append(KnobEventRow{trace, "St_3", "gain_db", "0", "3", "test", time});
    add_segment(hours, trace);
  }
  std::string rows_of(const std::string& trace) const {
    std::string sql = "SELECT 0";
    for (const char* table : {"traces", "metrics_agg_5s", "utterances", "audio_segments_5s",
                              "knob_snapshots_5s", "knob_events"}) {
      sql +=
          std::string(" + (SELECT count(*) FROM ") + table + " WHERE trace_id = '" + trace + "')";
    }
    return ask(sql);
  }
  RetentionHealth wait_for_runs(const Retention& retention, uint64_t runs) const {
    const Clock::time_point deadline = Clock::now() + std::chrono::seconds(20);
    while (retention.health().runs < runs && Clock::now() < deadline) std::this_thread::yield();
    return retention.health();
  }

  std::unique_ptr<Journal> journal_;
};

TEST_F(RetentionTest, rows_and_files_older_than_it_go_and_all_others_stay) {
  add_call(0, "old");
  add_call(80, "young");
  journal_->flush();
  Retention retention(
      {.database = path(), .audio_folder = audio(), .now = [] { return kNoon + 100 * kHourNs; }});
  const RetentionHealth health = wait_for_runs(retention, 1);
  EXPECT_EQ(rows_of("old"), "0");
  EXPECT_EQ(rows_of("young"), "6");
  for (const RowKind kind : kRowKinds)
    EXPECT_EQ(health.deleted_old[kind], 1u) << row_kind_name(kind);
  EXPECT_EQ(health.deleted_files, 1u);
  EXPECT_EQ(health.last_error, "");
  EXPECT_GT(health.longest_lock.count(), 0);
  EXPECT_FALSE(fs::exists(audio() + "/2026-03-01")) << "empty folders go";
  EXPECT_TRUE(fs::exists(audio() + "/2026-03-04/trace_young/St_3/POST/80.wav"));
}

TEST_F(RetentionTest, keeps_everything_for_ever_when_it_is_zero) {
  add_call(0, "old");
  journal_->flush();
  Retention retention(
      {.database = path(), .audio_folder = audio(), .keep = std::chrono::hours(0), .now = [] {
         return kNoon + 1000 * kHourNs;
       }});
  wait_for_runs(retention, 1);
  EXPECT_EQ(rows_of("old"), "6");
}

TEST_F(RetentionTest, a_long_call_loses_its_old_rows_and_keeps_its_trace) {
  TraceRow running = trace_row("meeting");
  journal_->append(running);
  MetricRow now = metric_row(0, "meeting");
  journal_->append(now);
  now.bucket_ts += 90 * kHourNs;
  journal_->append(now);
  journal_->flush();
  Removal remover = removal();
  const std::string before = iso_time(kNoon + 28 * kHourNs);
  EXPECT_EQ(remover.remove(RowKind::kMetric, before), 1u);
  EXPECT_EQ(remover.remove(RowKind::kTrace, before), 0u) << "it has not ended";
  running.ended_at = kNoon + kHourNs;
  journal_->append(running);
  journal_->flush();
  EXPECT_EQ(remover.remove(RowKind::kTrace, before), 0u) << "a metric of it is left";
  EXPECT_EQ(remover.remove(RowKind::kMetric, Removal::kAnyAge), 1u);
  EXPECT_EQ(remover.remove(RowKind::kTrace, before), 1u);
}

TEST_F(RetentionTest, an_utterance_without_times_goes_with_its_trace) {
  UtteranceRow said = said_row("es", "hola");
  journal_->append(said);
  TraceRow trace = trace_row();
  trace.ended_at = kNoon + kHourNs;
  journal_->append(trace);
  journal_->flush();
  Removal remover = removal();
  EXPECT_EQ(remover.remove(RowKind::kUtterance, iso_time(kNoon)), 0u);
  EXPECT_EQ(remover.remove(RowKind::kUtterance, iso_time(kNoon + 2 * kHourNs)), 1u);
}

TEST_F(RetentionTest, takes_the_oldest_first_and_no_more_than_asked) {
  for (uint64_t hour = 0; hour < 5; ++hour) add_segment(hour);
  journal_->flush();
  Removal remover = removal();
  EXPECT_EQ(remover.remove(RowKind::kSegment, Removal::kAnyAge, 2), 2u);
  EXPECT_EQ(ask("SELECT min(bucket_ts) FROM audio_segments_5s"), iso_time(kNoon + 2 * kHourNs));
  const Removed removed = remover.take();
  EXPECT_EQ(removed.files, 2u);
  EXPECT_GE(removed.file_bytes, 2000u);
}

TEST_F(RetentionTest, rows_that_are_nowhere_else_stay) {
  add_call(0, "t1");
  add_call(1, "t2");
  journal_->flush();
  Removal remover = removal({.condition = [](RowKind) { return std::string("trace_id = 't2'"); }});
  for (const RowKind kind : {RowKind::kSegment, RowKind::kMetric, RowKind::kKnobSnapshot,
                             RowKind::kKnobEvent, RowKind::kUtterance, RowKind::kTrace}) {
    EXPECT_EQ(remover.remove(kind, Removal::kAnyAge), 1u) << row_kind_name(kind);
  }
  EXPECT_EQ(rows_of("t1"), "6");
  EXPECT_EQ(rows_of("t2"), "0");
}

TEST_F(RetentionTest, only_what_has_been_shipped_goes_where_rows_are_shipped) {
  add_call(0, "t1");
  add_call(1, "t2");
  journal_->flush();
  Removal remover = removal(only_shipped());
  EXPECT_EQ(remover.remove(RowKind::kMetric, Removal::kAnyAge), 0u) << "nothing is marked";
  Database marker(path(), DatabaseAccess::kReadWrite);
  for (const char* table : {"traces", "metrics_agg_5s", "utterances", "audio_segments_5s",
                            "knob_snapshots_5s", "knob_events"}) {
    marker.run(std::string("INSERT INTO shipping_marks VALUES ('pg', '") + table + "', 1)");
  }
  for (const RowKind kind : {RowKind::kSegment, RowKind::kMetric, RowKind::kKnobSnapshot,
                             RowKind::kKnobEvent, RowKind::kUtterance, RowKind::kTrace}) {
    EXPECT_EQ(remover.remove(kind, Removal::kAnyAge), 1u) << row_kind_name(kind);
  }
  EXPECT_EQ(rows_of("t1"), "0");
  EXPECT_EQ(rows_of("t2"), "6");
}

TEST_F(RetentionTest, what_is_no_segment_is_never_removed) {
  SegmentRow row = segment_row(0);
  row.file_path = folder() + "/precious";
  std::ofstream(row.file_path) << "not ours";
  journal_->append(row);
  row.bucket_ts += kHourNs;
  row.file_path = folder() + "/folder.wav";
  fs::create_directories(row.file_path);
  journal_->append(row);
  journal_->flush();
  Removal remover = removal();
  EXPECT_EQ(remover.remove(RowKind::kSegment, Removal::kAnyAge), 2u);
  EXPECT_TRUE(fs::exists(folder() + "/precious"));
  EXPECT_TRUE(fs::exists(folder() + "/folder.wav"));
  EXPECT_EQ(remover.take().problems.size(), 2u);
}

TEST_F(RetentionTest, a_row_stays_while_its_file_cannot_be_removed_and_others_go) {
  std::string kept;
  for (uint64_t hour = 0; hour < 70; ++hour) kept = add_segment(hour, "locked");
  for (uint64_t hour = 70; hour < 73; ++hour) add_segment(hour, "ours");
  journal_->flush();
  // Another user's folders; to root every folder is his own.
  fs::permissions(folder(), fs::perms::all);
  for (const char* suffix : {"", "-wal", "-shm"}) fs::permissions(path() + suffix, fs::perms::all);
  for (const auto& entry : fs::recursive_directory_iterator(audio())) {
    if (entry.path().string().ends_with("locked/St_3/POST"))
      fs::permissions(entry, fs::perms(0555));
    else if (entry.is_directory())
      fs::permissions(entry, fs::perms::all);
  }
  constexpr uid_t kNobody = 65534;
  if (::geteuid() == 0) ::setfsuid(kNobody);
  Removal remover = removal();
  EXPECT_EQ(remover.remove(RowKind::kSegment, Removal::kAnyAge), 3u);
  const Removed removed = remover.take();
  ::setfsuid(::geteuid());
  EXPECT_EQ(removed.files, 3u);
  EXPECT_EQ(removed.problems.size(), 20u);
  EXPECT_EQ(ask("SELECT count(*) || ' ' || count(DISTINCT trace_id) FROM audio_segments_5s"),
            "70 1");
  EXPECT_TRUE(fs::exists(kept));
}

TEST_F(RetentionTest, a_folder_with_something_else_in_it_stays) {
  const fs::path file = add_segment(0);
  std::ofstream(file.parent_path() / "notes.txt") << "heard a click";
  journal_->flush();
  removal().remove(RowKind::kSegment, Removal::kAnyAge);
  EXPECT_FALSE(fs::exists(file));
  EXPECT_TRUE(fs::exists(file.parent_path() / "notes.txt"));
}

TEST_F(RetentionTest, a_row_whose_file_is_gone_goes_when_it_is_an_hour_old) {
  fs::remove(add_segment(0));
  fs::remove(add_segment(10));
  const std::string there = add_segment(1);
  journal_->flush();
  Retention retention({.database = path(), .audio_folder = audio(), .now = [] {
                         return kNoon + 10 * kHourNs + kHourNs / 2;
                       }});
  EXPECT_EQ(wait_for_runs(retention, 1).deleted_orphans[RowKind::kSegment], 1u);
  EXPECT_EQ(count("audio_segments_5s"), "2");
  EXPECT_EQ(ask("SELECT min(file_path) FROM audio_segments_5s WHERE bucket_ts < '" +
                iso_time(kNoon + 2 * kHourNs) + "'"),
            there);
}

TEST_F(RetentionTest, an_audio_disk_that_is_not_mounted_costs_no_rows) {
  add_segment(0);
  journal_->flush();
  fs::rename(audio(), folder() + "/unmounted");
  EXPECT_EQ(removal().remove_rows_without_file(Removal::kAnyAge), 0u) << "missing";
  fs::create_directories(audio());
  EXPECT_EQ(removal().remove_rows_without_file(Removal::kAnyAge), 0u) << "empty";
  fs::create_directories(audio() + "/2026-03-02");
  EXPECT_EQ(removal().remove_rows_without_file(Removal::kAnyAge), 1u) << "mounted";
}

TEST_F(RetentionTest, says_what_is_wrong_and_tries_again) {
  journal_.reset();
  fs::rename(path(), path() + ".away");
  fs::create_directories(path());
  Retention retention({.database = path(), .audio_folder = audio()});
  EXPECT_NE(wait_for_runs(retention, 1).last_error, "");
  fs::remove(path());
  fs::rename(path() + ".away", path());
  retention.run_now();
  EXPECT_EQ(wait_for_runs(retention, 2).last_error, "");
}

TEST_F(RetentionTest, a_run_that_failed_is_made_up_for_at_the_next_look) {
  journal_.reset();
  fs::rename(path(), path() + ".away");
  fs::create_directories(path());
  std::atomic<int> mended = 0;
  Retention retention({.database = path(),
                       .audio_folder = audio(),
                       .disk_interval = milliseconds(20),
                       .mend = [&mended] { ++mended; }});
  EXPECT_NE(wait_for_runs(retention, 1).last_error, "");
  fs::remove(path());
  fs::rename(path() + ".away", path());
  const Clock::time_point deadline = Clock::now() + std::chrono::seconds(20);
  while (mended == 0 && Clock::now() < deadline) std::this_thread::yield();
  EXPECT_EQ(mended, 1);
}

TEST_F(RetentionTest, gives_the_room_of_many_rows_back_in_small_steps) {
  fill_metrics(path(), 50'000);
  Removal remover = removal();
  remover.remove(RowKind::kMetric, Removal::kAnyAge);
  const auto before = fs::file_size(path());
  remover.shrink(1 << 20);
  EXPECT_LT(fs::file_size(path()), before / 2);
  EXPECT_GE(fs::file_size(path()), 1u << 20);
  EXPECT_EQ(ask("PRAGMA integrity_check"), "ok");
}

TEST_F(RetentionTest, ends_in_mid_run_when_it_is_told_to) {
  fill_metrics(path(), 50'000);
  auto retention = std::make_unique<Retention>(RetentionOptions{
      .database = path(), .audio_folder = audio(), .now = [] { return kNoon + 1000 * kHourNs; }});
  while (count("metrics_agg_5s") == "50000") std::this_thread::yield();
  const Clock::time_point begin = Clock::now();
  retention.reset();
  EXPECT_LT(Clock::now() - begin, std::chrono::seconds(2));
}

}  // namespace
}  // namespace dragoman
