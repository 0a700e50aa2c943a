// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/store/maintain/maintain.h"

#include <fcntl.h>
#include <unistd.h>

#include <fstream>
#include <functional>

#include "launcher/command.h"
#include "launcher/store/backup/backup.h"
#include "launcher/store/commands.h"
#include "launcher/store/iso_time.h"
#include "launcher/store/maintain/steps.h"
#include "tests/launcher/store/other_user.h"
#include "tests/launcher/store/query_fixture.h"

namespace {
std::function<void(std::string_view)> before_access;
}  // namespace

/// In place of libc's: whoever looks for a file does so here.
extern "C" int access(const char* path, int mode) noexcept {
  if (before_access) before_access(path);
  return ::faccessat(AT_FDCWD, path, mode, 0);
}

namespace dragoman {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::StartsWith;
using Outcome = StepReport::Outcome;

class MaintainTest : public QueryTest {
 protected:
  void SetUp() override {
    QueryTest::SetUp();
    options_.config.paths.data = folder();
    options_.config.paths.audio = folder() + "/audio";
    options_.config.monitoring.min_free_mb = 0;
    options_.backups = folder() + "/backups";
    options_.now = *parse_iso_time("2026-03-03T02:00:00Z");
  }

  std::map<std::string, StepReport> run_period(MaintainPeriod period, bool dry_run = false) {
    std::map<std::string, StepReport> reports;
    all_well_ = run_steps(
        steps_of(period), options_, dry_run,
        [&](const MaintainStep& step, const StepReport& report) { reports[step.name] = report; });
    return reports;
  }
  std::string failure(std::string (*step)(const MaintainOptions&)) {
    try {
      return "no failure: " + step(options_);
    } catch (const std::exception& error) {
      return error.what();
    }
  }
  void write(const std::string& name, const std::string& text) {
    fs::create_directories(fs::path(folder() + "/" + name).parent_path());
    std::ofstream(folder() + "/" + name) << text;
  }
  static std::string text_in(const fs::path& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  void make_old(const std::string& name, int days) {
    fs::last_write_time(folder() + "/" + name,
                        fs::file_time_type::clock::now() - std::chrono::hours(24 * days));
  }

  MaintainOptions options_;
  bool all_well_ = false;
};

TEST_F(MaintainTest, every_step_of_the_day_does_well_and_again) {
  for (int i = 0; i < 2; ++i) {
    for (const auto& [name, report] : run_period(MaintainPeriod::kDaily))
      EXPECT_EQ(report.outcome, Outcome::kOk) << name << ": " << report.text;
    EXPECT_TRUE(all_well_);
  }
}

TEST_F(MaintainTest, a_dry_run_checks_and_changes_nothing) {
  const auto reports = run_period(MaintainPeriod::kDaily, true);
  EXPECT_EQ(reports.at("journal").outcome, Outcome::kOk);
  EXPECT_EQ(reports.at("report").outcome, Outcome::kNotDone);
  EXPECT_THAT(reports.at("statistics").text, StartsWith("would renew"));
  EXPECT_FALSE(fs::exists(folder() + "/reports"));
  EXPECT_EQ(ask("SELECT count(*) FROM sqlite_master WHERE name = 'sqlite_stat1'"), "0");
}

TEST_F(MaintainTest, a_damaged_journal_is_named_and_nothing_is_changed) {
  run("INSERT INTO knob_events (knob_key, changed_by) SELECT 'k', hex(zeroblob(2000)) FROM "
      "metrics_agg_5s; PRAGMA wal_checkpoint(TRUNCATE)");
  {
    std::fstream file(path(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(4096 * 8);
    for (int i = 0; i < 4096 * 6; ++i) file.put('\x5a');
  }
  const auto reports = run_period(MaintainPeriod::kDaily);
  EXPECT_FALSE(all_well_);
  EXPECT_EQ(reports.at("journal").outcome, Outcome::kFailed);
  EXPECT_THAT(reports.at("journal").text, HasSubstr(path()));
  EXPECT_THAT(reports.at("journal").text,
              HasSubstr("run 'dragoman recover', which keeps what can be read; if that is too "
                        "little, bring the last good backup back with 'dragoman restore FILE'"));
  EXPECT_EQ(reports.at("statistics").outcome, Outcome::kNotDone);
  EXPECT_EQ(reports.at("write-ahead log").text, "not with a journal that did not pass its check");
}

TEST_F(MaintainTest, a_journal_that_cannot_be_looked_at_just_now_is_not_called_damaged) {
  Database other(path(), DatabaseAccess::kReadWrite);
  other.run("PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE");
  const auto look = [this](std::string (*check)(const MaintainOptions&)) {
    const std::string said = failure(check);
    EXPECT_THAT(said, HasSubstr("run this again"));
    EXPECT_THAT(said, testing::Not(HasSubstr("restore")));
    EXPECT_THAT(said, testing::Not(HasSubstr("recover")));
    return 0;
  };
  look(maintain::quick_check);
  other.run("ROLLBACK");
  EXPECT_THAT(maintain::quick_check(options_), StartsWith("whole"));
  if (::geteuid() != 0) return;
  ::chmod(folder().c_str(), 0755);  // but the journal is not this user's
  EXPECT_EQ(as_other_user([&] { return look(maintain::integrity_check) + HasFailure(); }), 0);
}

TEST_F(MaintainTest, an_index_that_does_not_match_its_table_is_made_anew) {
  run("PRAGMA writable_schema = ON; UPDATE sqlite_master SET sql = replace(sql, '(trace_id, "
      "bucket_ts)', "
      "'(trace_id, avg)') WHERE name = 'metrics_agg_5s_by_trace'");
  EXPECT_THAT(maintain::quick_check(options_), StartsWith("whole"));
  EXPECT_THAT(failure(maintain::integrity_check),
              HasSubstr("while 'dragoman serve' is stopped, sqlite3 '" + path() + "' REINDEX"));
  run("REINDEX");
  EXPECT_THAT(maintain::integrity_check(options_), StartsWith("whole"));
}

TEST_F(MaintainTest, the_log_is_emptied_into_the_database) {
  Database writer(path(), DatabaseAccess::kReadWrite);
  writer.run("PRAGMA wal_autocheckpoint = 0; UPDATE traces SET channels = 2");
  ASSERT_GT(fs::file_size(path() + "-wal"), 0u);
  EXPECT_THAT(maintain::empty_log(options_), HasSubstr(" were in it, 0.0 MB are"));
  EXPECT_EQ(fs::file_size(path() + "-wal"), 0u);
}

TEST_F(MaintainTest, a_log_that_has_grown_is_cut_piece_by_piece) {
  Database writer(path(), DatabaseAccess::kReadWrite);
  writer.run(
      "PRAGMA wal_autocheckpoint = 0; INSERT INTO knob_events (knob_key, changed_by) SELECT 'k', "
      "hex(zeroblob(500000)) FROM metrics_agg_5s LIMIT 17; INSERT INTO knob_events (knob_key, "
      "changed_by) SELECT knob_key, changed_by FROM knob_events");
  ASSERT_GT(fs::file_size(path() + "-wal"), 30'000'000u);
  EXPECT_THAT(maintain::empty_log(options_), HasSubstr(" were in it, 0.0 MB are"));
  EXPECT_EQ(ask("SELECT count(*) FROM knob_events"), "34");
  writer.run("DELETE FROM knob_events");
  EXPECT_EQ(ask("PRAGMA integrity_check"), "ok");
}

TEST_F(MaintainTest, the_log_waits_for_a_reader_no_longer_than_a_moment) {
  Database reader(path(), DatabaseAccess::kReadOnly), writer(path(), DatabaseAccess::kReadWrite);
  reader.run("BEGIN; SELECT count(*) FROM traces");
  writer.run("UPDATE traces SET channels = 2");
  EXPECT_THAT(maintain::empty_log(options_), HasSubstr("somebody reads"));
}

TEST_F(MaintainTest, statistics_are_of_every_table_that_has_rows) {
  EXPECT_THAT(maintain::analyze(options_), HasSubstr("indexes, longest step"));
  EXPECT_EQ(ask("SELECT count(DISTINCT tbl) FROM sqlite_stat1 WHERE tbl IN ('traces', "
                "'metrics_agg_5s', 'knob_snapshots_5s', 'utterances')"),
            "4");
}

TEST_F(MaintainTest, unused_pages_are_given_back) {
  run("INSERT INTO knob_events (knob_key, changed_by) SELECT 'k', hex(zeroblob(500000)) FROM "
      "metrics_agg_5s; DELETE FROM knob_events; PRAGMA wal_checkpoint(TRUNCATE)");
  const auto before = fs::file_size(path());
  ASSERT_GT(before, 16'000'000u);
  EXPECT_THAT(maintain::give_pages_back(options_), HasSubstr(" given back, 1024 kept"));
  EXPECT_LT(fs::file_size(path()), 6'000'000u);
}

TEST_F(MaintainTest, a_missing_index_is_named) {
  EXPECT_THAT(maintain::check_schema(options_), HasSubstr("are there"));
  run("DROP INDEX metrics_agg_5s_by_trace");
  const std::string said = failure(maintain::check_schema), quoted = "sqlite3 '" + path() + "' \"";
  EXPECT_THAT(said,
              StartsWith("index metrics_agg_5s_by_trace missing; while 'dragoman serve' is "));
  ASSERT_THAT(said, HasSubstr(quoted));
  const size_t begin = said.find(quoted) + quoted.size();
  run(said.substr(begin, said.find('"', begin) - begin));
  EXPECT_THAT(maintain::check_schema(options_), HasSubstr("are there"));
  run("DROP VIEW station_snapshots; DROP TABLE utterances");
  EXPECT_THAT(failure(maintain::check_schema), HasSubstr("'dragoman restore FILE'"));
}

TEST_F(MaintainTest, large_logs_are_rotated_and_old_ones_removed) {
  write("serve.log", std::string(2 << 20, 'x'));
  write("logs/small.log", "x");
  write("serve-20260101.log", "x");
  make_old("serve-20260101.log", 31);
  write("serve-20260201.log", "x");
  EXPECT_EQ(maintain::rotate_logs(options_), "4 files, 1 rotated, 1 older than 30 days removed");
  EXPECT_TRUE(fs::exists(folder() + "/serve-20260303.log"));
  EXPECT_EQ(fs::file_size(folder() + "/serve-20260303.log"), 2u << 20);
  EXPECT_EQ(text_in(folder() + "/serve.log"), "");
  EXPECT_FALSE(fs::exists(folder() + "/serve-20260101.log"));
  EXPECT_TRUE(fs::exists(folder() + "/serve-20260201.log"));
  EXPECT_TRUE(fs::exists(folder() + "/logs/small.log"));
}

TEST_F(MaintainTest, a_log_is_rotated_again_while_the_same_program_writes_it) {
  std::ofstream writer(folder() + "/serve.log", std::ios::app);
  for (const char* name : {"/serve-20260303.log", "/serve-20260304.log"}) {
    writer << std::string(2 << 20, *name) << std::flush;
    EXPECT_THAT(maintain::rotate_logs(options_), HasSubstr(" 1 rotated"));
    EXPECT_EQ(fs::file_size(folder() + name), 2u << 20);
    options_.now += 86400 * kSecondNs;
  }
}

TEST_F(MaintainTest, too_little_room_fails_with_the_cure) {
  EXPECT_THAT(maintain::check_disk(options_), testing::Not(testing::IsEmpty()));
  options_.config.monitoring.max_disk_gb = 1e-6;
  EXPECT_THAT(failure(maintain::check_disk), HasSubstr("max-disk-gb"));
}

TEST_F(MaintainTest, rows_that_should_be_gone_fail_with_the_cure) {
  EXPECT_EQ(maintain::check_retention(options_),
            "the oldest bucket is of 2026-03-01T23:59:00Z, 72 hours are kept");
  options_.now += 4 * 86400 * kSecondNs;
  EXPECT_THAT(failure(maintain::check_retention), HasSubstr("while 'dragoman serve' runs: start"));
  options_.config.monitoring.retention_hours = 0;
  EXPECT_THAT(maintain::check_retention(options_), HasSubstr("everything is kept"));
}

TEST_F(MaintainTest, rows_that_wait_for_postgresql_are_not_too_old) {
  options_.config.store.postgresql = "host=/nowhere";
  options_.now += 4 * 86400 * kSecondNs;
  const std::string rows = ask(
      "SELECT (SELECT count(*) FROM metrics_agg_5s) + (SELECT count(*) FROM audio_segments_5s) + "
      "(SELECT count(*) FROM knob_snapshots_5s)");
  EXPECT_EQ(maintain::check_retention(options_),
            "nothing is kept that may go; " + rows + " buckets wait for PostgreSQL");
  run("INSERT INTO shipping_marks VALUES ('a server', 'metrics_agg_5s', 2)");
  EXPECT_THAT(failure(maintain::check_retention), HasSubstr("while 'dragoman serve' runs: start"));
  run("DELETE FROM metrics_agg_5s WHERE seq <= 2");
  EXPECT_THAT(maintain::check_retention(options_), StartsWith("nothing is kept that may go; "));
}

TEST_F(MaintainTest, orphans_are_counted) {
  write("audio/2026-03-01/trace_a/St_3/PRE/20260301T235900Z.wav", "x");
  write("audio/2026-03-01/trace_a/St_3/PRE/20260301T235905Z.wav", "x");
  write("audio/2026-03-01/trace_a/St_3/PRE/20260301T235910Z.wav.part", "x");
  write("audio/2026-03-01/trace_a/St_3/PRE/20260301T235915Z.wav", "too young to have a row");
  for (const char* second : {"00Z.wav", "05Z.wav", "10Z.wav.part"})
    make_old("audio/2026-03-01/trace_a/St_3/PRE/20260301T2359" + std::string(second), 1);
  run("INSERT INTO audio_segments_5s (trace_id, station_key, tap, bucket_ts, file_path) VALUES "
      "('a', 'St_3', 'PRE', '2026-03-01T23:59:00.000000Z', '" +
      folder() +
      "/audio/2026-03-01/trace_a/St_3/PRE/20260301T235900Z.wav'), "
      "('a', 'St_3', 'PRE', '2026-03-01T23:58:00.000000Z', '/gone.wav')");
  EXPECT_THAT(maintain::count_orphans(options_),
              StartsWith("1 rows without a file, 1 files without a row, 1 files not finished"));
  fs::remove_all(folder() + "/audio");
  EXPECT_THAT(failure(maintain::count_orphans), HasSubstr("mount its disk"));
}

TEST_F(MaintainTest, the_journal_is_nobodys_while_files_are_looked_for) {
  fs::create_directory(folder() + "/audio");
  run("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500) "
      "INSERT INTO audio_segments_5s (trace_id, station_key, tap, bucket_ts, file_path) "
      "SELECT 'a', 'St_3', 'PRE', 'bucket ' || i, '/gone/' || i FROM n");
  Database other(path(), DatabaseAccess::kReadWrite);
  int64_t looks = 0, views = 0;
  before_access = [&](std::string_view file) {
    if (file != "/gone/700" && file != "/gone/1700") return;
    other.run("UPDATE traces SET src_extension = src_extension");
    views += other.number("PRAGMA wal_checkpoint(TRUNCATE)");  // 1 while somebody holds one
    ++looks;
  };
  const std::string said = maintain::count_orphans(options_);
  before_access = nullptr;
  EXPECT_THAT(said, StartsWith("2500 rows without a file"));
  EXPECT_EQ(looks, 2);
  EXPECT_EQ(views, 0);
}

TEST_F(MaintainTest, a_backup_must_be_there_young_and_readable) {
  EXPECT_THAT(failure(maintain::check_backup), HasSubstr("there is no backup in"));
  const BackupResult made = back_up({.config = options_.config,
                                     .directory = options_.backups,
                                     .now_s = static_cast<int64_t>(options_.now / kSecondNs)});
  EXPECT_THAT(maintain::check_backup(options_),
              HasSubstr("dragoman-20260303T020000Z.tar.zst can be read"));
  options_.now += 30 * 3600 * kSecondNs;
  EXPECT_THAT(failure(maintain::check_backup), HasSubstr("is of 2026-03-03T02:00:00Z; make one"));
  options_.now -= 30 * 3600 * kSecondNs;
  fs::resize_file(made.path, fs::file_size(made.path) / 2);
  EXPECT_THAT(failure(maintain::check_backup), HasSubstr(made.path));
}

TEST_F(MaintainTest, the_day_before_is_reported_and_kept) {
  const std::string report = maintain::report_day(options_);
  EXPECT_THAT(report, HasSubstr("worst MOS 3.00 at St_4 in call a, 00:00:00Z"));
  EXPECT_THAT(report, HasSubstr("St_4     PRE      mos"));
  EXPECT_THAT(text_in(folder() + "/reports/2026-03-02.csv"),
              HasSubstr("\r\n2026-03-02,2,7.5,3,23,3.7"));
  options_.now += 10 * 86400 * kSecondNs;
  EXPECT_EQ(maintain::report_day(options_), "no calls on 2026-03-12");
}

TEST_F(MaintainTest, the_month_is_of_days_that_are_no_longer_in_the_journal_too) {
  maintain::report_day(options_);
  run("DELETE FROM metrics_agg_5s; DELETE FROM utterances; DELETE FROM traces");
  EXPECT_EQ(maintain::report_months(options_), folder() + "/reports/2026-03.txt");
  const std::string text = text_in(folder() + "/reports/2026-03.txt");
  EXPECT_THAT(text, StartsWith("Dragoman, 2026-03\n\ndays with calls 1 · calls 2 ("));
  EXPECT_THAT(text, HasSubstr("delay p95 1700 ms"));
  EXPECT_THAT(text, HasSubstr("2026-03-02      2"));
  options_.now = *parse_iso_time("2026-04-01T02:00:00Z");
  EXPECT_EQ(maintain::report_months(options_), folder() + "/reports/2026-03.txt");
  options_.now = *parse_iso_time("2026-05-01T02:00:00Z");
  EXPECT_EQ(maintain::report_months(options_), "no calls this month or the month before");
}

TEST_F(MaintainTest, old_reports_go_and_files_of_others_stay) {
  for (const char* name :
       {"2025-12-30.csv", "2026-02-01.csv", "2024-01.txt", "2026-01.txt", "notes.txt", "2020.csv"})
    write("reports/" + std::string(name), "x");
  EXPECT_EQ(maintain::remove_old_reports(options_), "2 removed, 2 kept");
  EXPECT_FALSE(fs::exists(folder() + "/reports/2025-12-30.csv"));
  EXPECT_FALSE(fs::exists(folder() + "/reports/2024-01.txt"));
  EXPECT_TRUE(fs::exists(folder() + "/reports/notes.txt"));
}

class MaintainCommandTest : public MaintainTest {
 protected:
  int maintain(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "maintain");
    arguments.insert(arguments.end(), {"--data", folder()});
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    const int status = maintain_command(static_cast<int>(arguments.size()), argv.data());
    output_ = testing::internal::GetCapturedStdout();
    errors_ = testing::internal::GetCapturedStderr();
    return status;
  }
  std::string output_, errors_;
};

TEST_F(MaintainCommandTest, prints_each_step_and_fails_with_a_check) {
  EXPECT_EQ(maintain({"weekly", "--backups", folder() + "/none"}), kExitFailed);
  EXPECT_THAT(output_, HasSubstr("weekly maintenance of " + folder() + "\n  journal          ok "));
  EXPECT_THAT(output_, HasSubstr("backup           FAILED"));
  EXPECT_EQ(maintain({"monthly"}), kExitOk);
  EXPECT_THAT(output_, HasSubstr("none is configured"));
}

TEST_F(MaintainCommandTest, two_do_not_work_at_once) {
  const MaintainLock other(folder());
  EXPECT_EQ(maintain({"monthly"}), kExitFailed);
  EXPECT_THAT(errors_, HasSubstr("another 'dragoman maintain' is at work on " + folder()));
}

TEST_F(MaintainCommandTest, names_what_it_does_not_understand) {
  EXPECT_EQ(maintain({}), kExitUsage);
  EXPECT_THAT(errors_, HasSubstr("say which: daily, weekly or monthly"));
  EXPECT_EQ(maintain({"hourly"}), kExitUsage);
  EXPECT_THAT(errors_, HasSubstr("'hourly': there are"));
  EXPECT_EQ(maintain({"daily", "--data", folder() + "/nowhere"}), kExitFailed);
}

}  // namespace
}  // namespace dragoman
